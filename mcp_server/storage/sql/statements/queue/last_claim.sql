SELECT value FROM counters WHERE name = 'last_claim_ms'

UPDATE counters SET value = :now_ms WHERE name = 'last_claim_ms'

-- The last time that anybody wrote down who lives, or lived of late.
SELECT max(
    coalesce((SELECT CAST(max(seen_at) AS REAL) FROM hosts), 0),
    (SELECT value FROM counters WHERE name = 'last_claim_ms') / 1000.0
) AS at

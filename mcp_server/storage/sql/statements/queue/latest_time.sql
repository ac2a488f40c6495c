-- The last time that anybody wrote down who lives, or lived of late.
SELECT max(at) AS at FROM (
    SELECT CAST(max(seen_at) AS double precision) AS at FROM hosts
    UNION ALL
    SELECT value / 1000.0 AS at FROM counters WHERE name = 'last_claim_ms'
)

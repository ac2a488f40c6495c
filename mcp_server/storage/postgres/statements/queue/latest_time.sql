-- The last time that anybody wrote down who lives, or lived of late.
SELECT greatest(
    coalesce((SELECT CAST(max(seen_at) AS double precision) FROM hosts), 0),
    (SELECT value FROM counters WHERE name = 'last_claim_ms') / CAST(1000 AS double precision)
) AS at

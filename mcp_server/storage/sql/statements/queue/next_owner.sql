-- The next who has jobs outside any batch.
SELECT min(owner) AS owner FROM jobs WHERE batch IS NULL AND owner > :after

-- Not again what the same job has kept last, as it may be done twice.
INSERT INTO page_versions (page, hash, kind, before, batch_id, job_id, at)
SELECT :page, :hash, :kind, :before, :batch_id, :job_id, :now
WHERE NOT EXISTS (
    SELECT 1 FROM (SELECT * FROM page_versions WHERE page = :page ORDER BY id DESC LIMIT 1)
    WHERE hash IS :hash AND kind = :kind AND before IS :before AND job_id IS :job_id
)

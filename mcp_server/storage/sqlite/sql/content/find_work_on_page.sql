-- Of its file, or of one of its sections.
SELECT 1 FROM jobs
WHERE state IN ('scheduled', 'pending', 'processing', 'paused')
AND (subject = :page OR subject IN (SELECT entity_id FROM entities WHERE page = :page))
LIMIT 1

-- A text's hash is that of its Markdown alone. With it are kept what was wished for it, from what else
-- it was written, and what the checks found.
ALTER TABLE revisions ADD COLUMN instructions TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN material TEXT;
ALTER TABLE revisions ADD COLUMN findings TEXT;

CREATE TABLE hashes_before AS
SELECT DISTINCT entity_id, content_hash AS hash, text_hash(markdown) AS new
FROM revisions
WHERE content_hash IS NOT NULL AND text_hash(markdown) IS NOT NULL;
CREATE INDEX hashes_before_hash ON hashes_before (entity_id, hash);

UPDATE revisions SET
    content_hash = coalesce(text_hash(markdown), content_hash),
    base = coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = revisions.entity_id AND known.hash = revisions.base
    ), base)
WHERE markdown IS NOT NULL;

UPDATE entities SET content_hash = (
    SELECT revisions.content_hash FROM revisions WHERE revisions.id = entities.current
)
WHERE content_hash IS NOT NULL;

-- What jobs expect to find that were planned before.
UPDATE jobs SET payload = json_replace(
    payload,
    '$.draft', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.draft')
    ), json_extract(payload, '$.draft')),
    '$.base', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.base')
    ), json_extract(payload, '$.base')),
    '$.live', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.live')
    ), json_extract(payload, '$.live'))
)
WHERE kind IN ('content-generate', 'content-promote', 'content-rollback')
AND state <> 'completed' AND typeof(payload) = 'text' AND json_valid(payload);

DROP TABLE hashes_before;

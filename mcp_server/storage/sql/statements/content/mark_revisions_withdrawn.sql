-- Earlier drafts of the same text too: a discard may bring them back.
UPDATE revisions SET withdrawn = 1
WHERE type = :type AND page = :page AND entity_id = :entity_id
AND content_hash = :hash AND effective = 1

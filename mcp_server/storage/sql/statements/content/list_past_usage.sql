SELECT entity_id, template, input_tokens, output_tokens
FROM revisions
WHERE
    type = :type
    AND author_kind = 'model'
    AND author_name = :model
    AND input_tokens IS NOT NULL
    AND output_tokens IS NOT NULL
ORDER BY id DESC
LIMIT :count

SELECT
    json_group_array(entity_id), json_group_array(current), json_group_array(content_hash),
    json_group_array(base), json_group_array(withdrawn)
FROM entities
WHERE type = :type

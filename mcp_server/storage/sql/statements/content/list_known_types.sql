-- From one type to the next in the index: there are few types, and many texts of each.
WITH RECURSIVE found (type) AS (
    SELECT min(type) FROM meanings
    UNION ALL
    SELECT (SELECT min(type) FROM meanings WHERE meanings.type > found.type)
    FROM found WHERE found.type IS NOT NULL
)
SELECT type FROM found WHERE type IS NOT NULL

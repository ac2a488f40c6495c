-- Each word once, at a place of weight A where it stands in a heading. (Without a place, it would be
-- of any weight.)
WITH places AS MATERIALIZED (
    SELECT word, bool_or(heading) AS heading, min(place) AS place
    FROM (
        SELECT left(word, 500) AS word, true AS heading, 0 AS place
        FROM string_to_table(:headings, ' ') AS given (word)
        UNION ALL
        SELECT left(word, 500), false, place
        FROM string_to_table(:words, ' ') WITH ORDINALITY AS given (word, place)
    )
    WHERE word <> ''
    GROUP BY word
    ORDER BY place
    LIMIT 50000
),
new AS (
    INSERT INTO words (word) SELECT word FROM places ORDER BY word ON CONFLICT DO NOTHING
)
INSERT INTO word_index (id, words)
SELECT
    :id,
    CAST(coalesce(string_agg(word || CASE WHEN heading THEN ':1A' ELSE ':1' END, ' '), '') AS tsvector)
FROM places

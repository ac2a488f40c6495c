WITH given AS (
    SELECT left(word, 500) AS word, place
    FROM string_to_table(:words, ' ') WITH ORDINALITY AS given (word, place)
    WHERE word <> ''
),
places AS MATERIALIZED (
    SELECT word FROM given GROUP BY word ORDER BY min(place) LIMIT 50000
),
new AS (
    INSERT INTO words (word) SELECT word FROM places ORDER BY word ON CONFLICT DO NOTHING
)
INSERT INTO word_index (id, words)
SELECT :id, array_to_tsvector(coalesce(array_agg(word), CAST('{}' AS text[]))) FROM (
    SELECT word FROM places
    UNION ALL
    SELECT DISTINCT '#' || left(word, 500) FROM string_to_table(:headings, ' ') AS above (word)
    WHERE word <> ''
)

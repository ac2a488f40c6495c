-- Every text that matches is looked at, for what it has of what was asked: rare is worth more, as
-- bm25 has it. Of equal ones the shorter comes first.
WITH asked AS MATERIALIZED (
    SELECT place, as_asked(value, '') AS query
    FROM jsonb_array_elements(CAST(:wanted AS jsonb)) WITH ORDINALITY AS wanted (value, place)
),
found AS MATERIALIZED (
    SELECT id, words FROM word_index
    WHERE words @@ (SELECT CAST(string_agg(CAST(query AS text), ' | ') AS tsquery) FROM asked)
),
hits AS MATERIALIZED (
    SELECT found.id, length(found.words) AS size, asked.place
    FROM found JOIN asked ON found.words @@ asked.query
),
worth AS (
    SELECT place, ln(1 + (SELECT count(*) FROM word_index) / CAST(count(*) AS double precision)) AS weight
    FROM hits GROUP BY place
)
SELECT hits.id FROM hits JOIN worth ON worth.place = hits.place
GROUP BY hits.id, hits.size
ORDER BY sum(weight) DESC, hits.size, hits.id
LIMIT :limit

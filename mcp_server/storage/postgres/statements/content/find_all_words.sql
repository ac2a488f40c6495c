WITH asked AS MATERIALIZED (
    SELECT CAST(string_agg('(' || CAST(
        as_asked(value, CASE WHEN :headings = 1 THEN '#' ELSE '' END) AS text
    ) || ')', ' & ') AS tsquery) AS query
    FROM jsonb_array_elements(CAST(:wanted AS jsonb)) AS wanted (value)
)
SELECT id FROM word_index WHERE words @@ (SELECT query FROM asked) LIMIT :limit

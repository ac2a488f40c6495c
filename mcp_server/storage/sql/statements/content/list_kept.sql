-- What a write has found is left out where it is what was kept last, as it mostly is. Bytes are read
-- of the rows that are returned only.
SELECT versions.*, page_bytes.data AS data
FROM (
    SELECT versions.id
    FROM json_each(:pages) AS wanted
    JOIN page_versions AS versions INDEXED BY page_versions_of_page
    ON versions.page = wanted.atom AND versions.id < :before
    WHERE NOT (
        versions.kind = 'before' AND versions.hash IS (
            SELECT earlier.hash FROM page_versions AS earlier
            WHERE earlier.page = versions.page AND earlier.id < versions.id
            ORDER BY earlier.id DESC LIMIT 1
        )
    )
    ORDER BY versions.id DESC
    LIMIT :limit
) AS chosen
JOIN page_versions AS versions ON versions.id = chosen.id
LEFT JOIN page_bytes ON page_bytes.hash = versions.hash
ORDER BY versions.id DESC

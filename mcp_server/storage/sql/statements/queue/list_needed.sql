-- Those of these abilities that ready jobs need, from one ability to the next.
WITH RECURSIVE needed (ability) AS (
    SELECT (SELECT min(requires) FROM jobs WHERE requires IS NOT NULL AND state = 'pending')
    UNION ALL
    SELECT (
        SELECT min(jobs.requires) FROM jobs
        WHERE requires IS NOT NULL AND state = 'pending' AND jobs.requires > needed.ability
    )
    FROM needed
    WHERE needed.ability IS NOT NULL
)
SELECT ability FROM needed WHERE ability IN (SELECT atom FROM json_each(:abilities))

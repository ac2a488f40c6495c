-- The highest priority below this one that a ready job of one kind and one ability has.
SELECT max(priority) AS priority FROM jobs
WHERE state = 'pending' AND kind = :kind AND coalesce(requires, '') = coalesce(:ability, '') AND priority < :below

-- Reserved by attempts that hold their jobs no more.
SELECT coalesce(sum(reserved_cost), 0) AS lost
FROM usage
WHERE
    day = :name
    AND closed_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM jobs
        WHERE
            jobs.job_id = usage.job_id
            AND jobs.attempt_id = usage.attempt
            AND jobs.state = 'processing'
    )

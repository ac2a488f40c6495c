-- The keys of what runs and would replace a job that waits, with when it was handed in.
SELECT dedup_key, created_at FROM jobs INDEXED BY jobs_running
WHERE state = 'processing' AND dedup = 'replace'

-- What a round's terms need from now on, also of jobs that run and may come back.
UPDATE jobs SET requires = :requires
WHERE batch = :batch AND counted
AND state IN ('scheduled', 'pending', 'processing', 'paused')

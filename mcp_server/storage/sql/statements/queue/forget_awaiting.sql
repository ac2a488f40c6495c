DELETE FROM awaited WHERE job = :job

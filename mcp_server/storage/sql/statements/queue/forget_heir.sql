DELETE FROM awaited WHERE job = :job AND batch = :batch

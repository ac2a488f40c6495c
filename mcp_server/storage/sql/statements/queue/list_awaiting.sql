SELECT batch FROM awaited WHERE job = :job

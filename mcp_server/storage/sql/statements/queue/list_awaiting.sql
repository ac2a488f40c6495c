SELECT batch FROM awaited WHERE job = :job ORDER BY batch

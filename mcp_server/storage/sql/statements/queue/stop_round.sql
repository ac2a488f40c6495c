UPDATE rounds SET stopping = 1, reason = :reason, change = :change
WHERE batch = :batch AND number = :number

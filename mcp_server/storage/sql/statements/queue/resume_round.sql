UPDATE rounds
SET state = :state, reason = NULL, terms = :terms, change = :change
WHERE batch = :batch AND number = :number AND state = 'paused'

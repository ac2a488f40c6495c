-- Once: what is closed is never changed.
UPDATE usage
SET
    input_tokens = :input_tokens, output_tokens = :output_tokens, cost = :cost, closed_at = :now
WHERE entry = :entry AND closed_at IS NULL

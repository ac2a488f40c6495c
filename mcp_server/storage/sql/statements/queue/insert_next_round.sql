-- The next round of a batch that has ended. It has the same submit key, unless another batch that is
-- unfinished has that by now.
INSERT INTO rounds (batch, number, state, terms, submit_key, total, outstanding, change)
SELECT
    batch, number + 1, 'pending', :terms,
    CASE WHEN NOT EXISTS (
        SELECT 1 FROM rounds AS other
        WHERE other.submit_key = rounds.submit_key
        AND other.state IN ('pending', 'processing', 'paused') AND other.stopping = 0
    ) THEN submit_key END,
    :total, :outstanding, :change
FROM rounds
WHERE batch = :batch AND number = :number

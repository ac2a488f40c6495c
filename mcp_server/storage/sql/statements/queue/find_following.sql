-- What is to go on: not what somebody said a moment ago who carries it out himself.
SELECT * FROM following
WHERE what IN ('cancel', 'pause') OR said_at < :said_before
ORDER BY what
LIMIT 1

-- Between these numbers are many jobs of batches that were cancelled or paused, and have not followed
-- yet; where they are few, it is no harm to walk past them.
SELECT after, until FROM following
WHERE what IN ('cancel', 'pause') AND until - after > 2000
ORDER BY after

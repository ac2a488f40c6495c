-- Between these numbers are jobs of batches that were cancelled or paused, and have not followed yet.
SELECT after, until FROM following WHERE what IN ('cancel', 'pause') ORDER BY after

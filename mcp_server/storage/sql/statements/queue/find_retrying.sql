-- Whether more jobs of a round come in.
SELECT 1 FROM following WHERE batch = :batch AND what = 'retry'

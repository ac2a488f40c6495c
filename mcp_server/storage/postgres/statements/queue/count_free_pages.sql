-- Room is the server's to give back: its autovacuum does.
SELECT 0 AS pages, 0 AS shrinks

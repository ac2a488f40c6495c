SELECT
    (SELECT count(*) FROM meanings) AS known,
    (SELECT count(*) FROM unembedded) AS unembedded

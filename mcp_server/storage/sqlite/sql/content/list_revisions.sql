SELECT * FROM revisions WHERE id IN (SELECT value FROM json_each(:ids))

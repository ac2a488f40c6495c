SELECT id FROM revisions WHERE id < :before ORDER BY id DESC LIMIT nullif(:limit, -1)

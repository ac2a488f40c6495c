SELECT id FROM revisions WHERE id < :before ORDER BY id DESC LIMIT :limit

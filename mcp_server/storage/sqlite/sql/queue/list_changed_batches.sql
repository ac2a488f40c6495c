SELECT * FROM batches WHERE change > :change ORDER BY change LIMIT :limit

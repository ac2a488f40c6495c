DELETE FROM unembedded WHERE type = :type AND page = :page AND entity_id = :entity_id

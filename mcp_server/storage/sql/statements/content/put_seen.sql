-- Only of what was stored as it is known: whoever stored it since has looked later.
UPDATE page_files SET stat = :stat, hash = :hash WHERE page = :page AND version = :version

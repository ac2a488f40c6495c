UPDATE page_versions SET page = :new WHERE page = :old

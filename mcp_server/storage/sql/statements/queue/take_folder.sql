INSERT INTO counters (name, value) VALUES ('folder', :folder) ON CONFLICT (name) DO NOTHING

SELECT id FROM meanings

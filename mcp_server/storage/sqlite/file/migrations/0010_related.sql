-- What a draft was shown of other sections: by section, the hash of its text.
ALTER TABLE revisions ADD COLUMN related TEXT;

-- The mark of the state folder that the file was made in: one that came from elsewhere has another.
CREATE TABLE identity (mark TEXT NOT NULL);

-- Security profiles that were asked for in earlier attempts, and are admitted all the same.
ALTER TABLE security_upgrade ADD COLUMN earlier TEXT NOT NULL DEFAULT '[]';

-- Of a copy: the SHA-256 of the whole file, with the place of the seal itself blank.
ALTER TABLE books ADD COLUMN seal TEXT;

-- Who gave which command through which socket, and who was refused it.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    uid INTEGER,
    user TEXT,
    socket TEXT NOT NULL,
    command TEXT NOT NULL,
    about TEXT NOT NULL,
    refused INTEGER NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_time ON audit (time);

ALTER TABLE task ADD COLUMN socket TEXT;

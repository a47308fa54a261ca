-- Which books these are, and beyond which ids they go on: a database that was put back must give none a second time.
CREATE TABLE books (
    id TEXT PRIMARY KEY,
    copied_at INTEGER
) STRICT;

CREATE TABLE id_gap (
    name TEXT NOT NULL,
    after INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (name, last)
) STRICT;

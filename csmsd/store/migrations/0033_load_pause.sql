-- Load management that rests: nothing is sent to members until then, or until it is resumed.

CREATE TABLE load_pause (
    id INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER
) STRICT;

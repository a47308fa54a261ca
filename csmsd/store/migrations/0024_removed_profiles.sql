-- Profiles that charge points still have although the library does not: they follow the clocks of their time zone.
CREATE TABLE removed_profile (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    note TEXT,
    created_at INTEGER NOT NULL,
    time_zone TEXT,
    utc_offset INTEGER NOT NULL
) STRICT;

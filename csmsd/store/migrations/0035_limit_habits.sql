-- How each charge point takes limits, as its commissioning has shown.

CREATE TABLE limit_habits (
    charge_point TEXT PRIMARY KEY COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    unit TEXT,
    decimals INTEGER,
    zero INTEGER,
    lease_ends INTEGER,
    reaction_ms INTEGER,
    clock_ahead_ms INTEGER,
    found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How charge points take limits: as they were told to, or as their answers have taught.

CREATE TABLE load_manner (
    charge_point TEXT PRIMARY KEY COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    unit TEXT,
    pause TEXT,
    schedule TEXT,
    offer_first INTEGER,
    behind_ms INTEGER NOT NULL,
    found_by TEXT NOT NULL,
    found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

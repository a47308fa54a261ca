-- The library of charging profiles, and what each charge point has accepted; `profile` is the csChargingProfiles JSON.

-- AUTOINCREMENT: a charge point may still have a profile under an id whose name is gone from the library.
CREATE TABLE charging_profile (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    profile TEXT NOT NULL,
    note TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE installed_profile (
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    connector INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    stack_level INTEGER NOT NULL,
    profile_id INTEGER NOT NULL,
    name TEXT,
    transaction_id INTEGER,
    id_tag TEXT COLLATE NOCASE,
    profile TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, connector, purpose, stack_level)
) STRICT, WITHOUT ROWID;

ALTER TABLE id_tag ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';

-- What each charge point's Local Authorization List holds; entries are JSON as in SendLocalList.req.
CREATE TABLE local_list (
    charge_point TEXT PRIMARY KEY COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    supported INTEGER NOT NULL,
    version INTEGER,
    known INTEGER NOT NULL,
    entries TEXT NOT NULL,
    pending_version INTEGER,
    pending_known INTEGER NOT NULL,
    pending TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    accepted_at INTEGER,
    verified_at INTEGER
) STRICT;

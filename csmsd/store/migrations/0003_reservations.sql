-- A reservation outlives its charge point, as a transaction does; `replaced` is JSON.
CREATE TABLE reservation (
    charge_point TEXT NOT NULL COLLATE NOCASE,
    id INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    id_tag TEXT NOT NULL COLLATE NOCASE,
    parent_id_tag TEXT COLLATE NOCASE,
    state TEXT NOT NULL,
    reason TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    transaction_id INTEGER,
    replaced TEXT NOT NULL,
    PRIMARY KEY (charge_point, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX reservation_by_time ON reservation (created_at);

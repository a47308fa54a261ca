-- What charge points tell of their security, and what csmsd itself saw; capped for each charge point.

CREATE TABLE security_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    tech_info TEXT,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    last_occurred_at INTEGER,
    last_received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX security_event_of_charge_point ON security_event (charge_point, source, id);

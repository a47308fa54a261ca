CREATE TABLE rollout (
    id INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    uid INTEGER,
    user TEXT,
    file TEXT NOT NULL,
    parallel INTEGER NOT NULL,
    canary INTEGER NOT NULL,
    only_idle INTEGER NOT NULL,
    window TEXT,
    max_failures INTEGER NOT NULL,
    retries INTEGER,
    protocol TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    resumed_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE TABLE rollout_member (
    rollout INTEGER NOT NULL REFERENCES rollout(id) DEFERRABLE INITIALLY DEFERRED,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    update_id INTEGER,
    note TEXT,
    begun_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (rollout, charge_point)
) STRICT, WITHOUT ROWID;

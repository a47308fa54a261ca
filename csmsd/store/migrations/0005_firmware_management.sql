-- Updates and uploads outlive their charge point, as tasks do; `id` is the number of the task.

CREATE TABLE firmware_image (
    name TEXT PRIMARY KEY,
    stored TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    version TEXT,
    note TEXT,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE firmware_update (
    id INTEGER PRIMARY KEY,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    location TEXT NOT NULL,
    token_hash TEXT,
    state TEXT NOT NULL,
    reported TEXT,
    error TEXT,
    file TEXT,
    retrieve_at INTEGER NOT NULL,
    downloads_left INTEGER NOT NULL,
    fetched_at INTEGER,
    version_wanted TEXT,
    version_before TEXT,
    version_after TEXT,
    confirmed_at INTEGER
) STRICT;

CREATE INDEX firmware_update_of_charge_point ON firmware_update (charge_point, id);

CREATE TABLE diagnostics_upload (
    id INTEGER PRIMARY KEY,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    location TEXT NOT NULL,
    token_hash TEXT,
    state TEXT NOT NULL,
    reported TEXT,
    error TEXT,
    announced TEXT,
    name TEXT,
    stored TEXT,
    size INTEGER,
    sha256 TEXT,
    received_at INTEGER
) STRICT;

CREATE INDEX diagnostics_upload_of_charge_point ON diagnostics_upload (charge_point, id);

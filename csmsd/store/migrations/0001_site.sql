-- Times are milliseconds since 1970-01-01 UTC, energy is Wh, lists are JSON.

CREATE TABLE charge_point (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    registration TEXT NOT NULL,
    boot_status TEXT,
    security_profile INTEGER NOT NULL,
    password_hash TEXT,
    labels TEXT NOT NULL,
    note TEXT,
    vendor TEXT,
    model TEXT,
    serial_number TEXT,
    charge_box_serial_number TEXT,
    firmware_version TEXT,
    iccid TEXT,
    imsi TEXT,
    meter_type TEXT,
    meter_serial_number TEXT,
    time_zone TEXT,
    strict INTEGER NOT NULL,
    subprotocol_optional INTEGER NOT NULL,
    ping INTEGER NOT NULL,
    reboot_required INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    booted_at INTEGER,
    last_seen_at INTEGER
) STRICT;

CREATE TABLE connector (
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    connector INTEGER NOT NULL,
    status TEXT NOT NULL,
    error_code TEXT NOT NULL,
    info TEXT,
    vendor_id TEXT,
    vendor_error_code TEXT,
    status_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, connector)
) STRICT, WITHOUT ROWID;

CREATE TABLE configuration_key (
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL COLLATE NOCASE,
    value TEXT,
    readonly INTEGER NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE deviation (
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    action TEXT NOT NULL,
    field TEXT NOT NULL,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, action, field, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE unknown_charge_point (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    address TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

CREATE TABLE id_tag (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    parent TEXT,
    expires_at INTEGER,
    blocked INTEGER NOT NULL,
    max_transactions INTEGER,
    note TEXT,
    created_at INTEGER NOT NULL
) STRICT;

-- A transaction outlives its charge point and its idTag: both are kept as text, without a foreign key.
-- AUTOINCREMENT: an id that was given once is never given again, even after the row was pruned.
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    connector INTEGER NOT NULL,
    id_tag TEXT NOT NULL COLLATE NOCASE,
    id_tag_status TEXT NOT NULL,
    state TEXT NOT NULL,
    reservation INTEGER,
    start_time INTEGER NOT NULL,
    start_text TEXT NOT NULL,
    start_received_at INTEGER NOT NULL,
    meter_start_wh INTEGER NOT NULL,
    stop_time INTEGER,
    stop_text TEXT,
    stop_received_at INTEGER,
    meter_stop_wh INTEGER,
    stop_reason TEXT,
    stop_id_tag TEXT,
    energy_wh INTEGER NOT NULL,
    energy_suspect INTEGER NOT NULL,
    flags TEXT NOT NULL,
    note TEXT,
    reply TEXT NOT NULL
) STRICT;

CREATE INDEX transactions_of_charge_point ON transactions (charge_point, id);
CREATE INDEX transactions_of_id_tag ON transactions (id_tag, id);
CREATE INDEX transactions_open ON transactions (id) WHERE state IN ('active', 'abandoned');

-- What the values of a meter value stand for; charge points send the same few shapes for ever.
CREATE TABLE meter_shape (
    id INTEGER PRIMARY KEY,
    shape TEXT NOT NULL
) STRICT;

CREATE TABLE meter_value (
    id INTEGER PRIMARY KEY,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    connector INTEGER NOT NULL,
    transaction_id INTEGER REFERENCES transactions(id) DEFERRABLE INITIALLY DEFERRED,
    time INTEGER NOT NULL,
    text TEXT,
    shape INTEGER NOT NULL,
    samples TEXT NOT NULL
) STRICT;

CREATE INDEX meter_value_of_transaction ON meter_value (transaction_id) WHERE transaction_id IS NOT NULL;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    received_at INTEGER NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;

-- What nobody could book is kept for the operator, but no charge point may fill the disk with it.
CREATE TRIGGER quarantine_is_capped AFTER INSERT ON quarantine
BEGIN
    DELETE FROM quarantine WHERE id <= NEW.id - 10000;
END;

CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    uid INTEGER,
    user TEXT,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    action TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    status TEXT,
    response TEXT,
    error TEXT,
    sent_at INTEGER,
    settled_at INTEGER,
    duration_ms INTEGER
) STRICT;

CREATE INDEX task_of_charge_point ON task (charge_point, id);
CREATE INDEX task_under_way ON task (id) WHERE state <> 'settled';

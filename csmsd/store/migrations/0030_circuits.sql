-- Circuits, their members, lower limits for a while, and what each member may have been sent.

CREATE TABLE circuit (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    parent TEXT COLLATE NOCASE,
    l1_ma INTEGER,
    l2_ma INTEGER,
    l3_ma INTEGER,
    power_w INTEGER,
    reserve_l1_ma INTEGER NOT NULL,
    reserve_l2_ma INTEGER NOT NULL,
    reserve_l3_ma INTEGER NOT NULL,
    reading_max_age_s INTEGER NOT NULL,
    timetable TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE circuit_member (
    circuit TEXT NOT NULL COLLATE NOCASE,
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    connector INTEGER NOT NULL,
    phases TEXT NOT NULL,
    rating_ma INTEGER NOT NULL,
    minimum_ma INTEGER NOT NULL,
    fallback_ma INTEGER,
    weight INTEGER NOT NULL,
    step_ma INTEGER NOT NULL,
    floor_ma INTEGER NOT NULL,
    skew_s INTEGER NOT NULL,
    PRIMARY KEY (charge_point, connector)
) STRICT, WITHOUT ROWID;

CREATE TABLE circuit_limit (
    circuit TEXT PRIMARY KEY COLLATE NOCASE,
    ma INTEGER,
    power_w INTEGER,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `phases` is JSON; a time that never comes is 2^62.
CREATE TABLE load_hold (
    charge_point TEXT NOT NULL COLLATE NOCASE
        REFERENCES charge_point(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    connector INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    slot TEXT NOT NULL,
    transaction_id INTEGER,
    ma INTEGER NOT NULL,
    fallback_ma INTEGER NOT NULL,
    earliest INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    phases TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    accepted_at INTEGER,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, connector, serial)
) STRICT, WITHOUT ROWID;

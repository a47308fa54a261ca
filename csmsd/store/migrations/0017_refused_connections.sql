-- Every refused connection is a fact, with its reason; those of unknown charge points are among them.
CREATE TABLE refused_connection (
    charge_point TEXT NOT NULL COLLATE NOCASE,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, address, reason)
) STRICT;
INSERT INTO refused_connection (charge_point, address, reason, detail, attempts, first_at, last_at)
    SELECT id, address, 'unknown', NULL, attempts, first_at, last_at FROM unknown_charge_point;
DROP TABLE unknown_charge_point;

-- Whether it may send an Origin header without a password.
ALTER TABLE charge_point ADD COLUMN origin_allowed INTEGER NOT NULL DEFAULT 0;

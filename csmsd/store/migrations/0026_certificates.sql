-- Certificates that were issued here, and requests for them; and the roots that charge points reported.
CREATE TABLE certificate (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    organization TEXT NOT NULL,
    common_name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    serial TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    not_before INTEGER,
    not_after INTEGER,
    pem TEXT NOT NULL,
    csr TEXT NOT NULL,
    csr_hash TEXT NOT NULL,
    task INTEGER,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    reason TEXT
) STRICT;

CREATE INDEX certificate_of_charge_point ON certificate (charge_point, id);
CREATE UNIQUE INDEX certificate_by_fingerprint ON certificate (fingerprint) WHERE fingerprint <> '';

CREATE TABLE installed_certificate (
    charge_point TEXT NOT NULL COLLATE NOCASE,
    type TEXT NOT NULL,
    hash_algorithm TEXT NOT NULL,
    issuer_name_hash TEXT NOT NULL,
    issuer_key_hash TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (charge_point, type, hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number)
) STRICT, WITHOUT ROWID;

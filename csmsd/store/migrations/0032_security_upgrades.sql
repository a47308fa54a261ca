-- Each attempt to raise the security profile of a charge point (A05).
CREATE TABLE security_upgrade (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    from_profile INTEGER NOT NULL,
    to_profile INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user TEXT,
    reason TEXT
) STRICT;

CREATE INDEX security_upgrade_of_charge_point ON security_upgrade (charge_point, id);

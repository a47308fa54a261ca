-- Who gets more of what circuits carry: by label, idTag or transaction; and the meter of a circuit, at a charge point.

CREATE TABLE load_priority (
    kind TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    weight INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE circuit ADD COLUMN meter TEXT COLLATE NOCASE;
ALTER TABLE circuit ADD COLUMN meter_counts TEXT NOT NULL DEFAULT 'all';

-- When a charge point said that it has taken its certificate.
ALTER TABLE certificate ADD COLUMN taken_at INTEGER;

-- A key that a charge point was sent and may use by now, and the name that its certificates must bear.
ALTER TABLE charge_point ADD COLUMN password_hash_next TEXT;
ALTER TABLE charge_point ADD COLUMN certificate_name TEXT;

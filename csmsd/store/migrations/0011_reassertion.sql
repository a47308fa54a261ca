-- Whether a charge point gets its charging profiles again after a reconnect; NULL is what the setting says.
ALTER TABLE charge_point ADD COLUMN reassert INTEGER;

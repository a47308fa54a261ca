-- When the connection of a charge point ended: later than what it said last.
ALTER TABLE charge_point ADD COLUMN offline_since INTEGER;

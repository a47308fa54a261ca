-- Windows of the day go by the clocks of a time zone: when these are changed, the beginning moves.
ALTER TABLE charging_profile ADD COLUMN time_zone TEXT;
ALTER TABLE charging_profile ADD COLUMN utc_offset INTEGER NOT NULL DEFAULT 0;

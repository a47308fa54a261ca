-- By which profile a running transaction is limited, whether tenths are taken, and whether one begins under 0 A.

ALTER TABLE load_manner ADD COLUMN purpose TEXT;
ALTER TABLE load_manner ADD COLUMN decimals INTEGER;
ALTER TABLE limit_habits ADD COLUMN begins_at_zero INTEGER;

-- What ended is numbered in the order of the commits, so that an export can go on where the last one stopped.
ALTER TABLE transactions ADD COLUMN booking INTEGER;

UPDATE transactions SET booking = ended.number
FROM (
    SELECT id, row_number() OVER (ORDER BY coalesce(stop_received_at, stop_time, start_received_at), id) AS number
    FROM transactions WHERE state <> 'active'
) AS ended
WHERE transactions.id = ended.id;

CREATE INDEX transactions_booking ON transactions (booking) WHERE booking IS NOT NULL;

-- When the books were last exported, backed up and pruned, how far, and by whom.
CREATE TABLE milestone (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    user TEXT
) STRICT;

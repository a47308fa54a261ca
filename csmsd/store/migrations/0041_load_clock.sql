-- By which clock the limits of members go; it stood among the milestones of the books.
CREATE TABLE load_clock (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    steady INTEGER NOT NULL,
    boot TEXT NOT NULL,
    others_known INTEGER NOT NULL
) STRICT;

INSERT INTO load_clock SELECT 1, at, number, rtrim(user, '?'), user NOT LIKE '%?'
    FROM milestone WHERE name = 'steady_clock' AND user IS NOT NULL;
DELETE FROM milestone WHERE name = 'steady_clock';

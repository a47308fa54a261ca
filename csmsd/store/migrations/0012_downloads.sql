-- How much of an image may still be fetched with the token of an update, and which pieces of it were.

ALTER TABLE firmware_update ADD COLUMN bytes_left INTEGER NOT NULL DEFAULT 0;
ALTER TABLE firmware_update ADD COLUMN delivered TEXT NOT NULL DEFAULT '[]';

UPDATE firmware_update SET bytes_left = 4 * downloads_left * coalesce(
    (SELECT size FROM firmware_image WHERE name = file), 0
) WHERE downloads_left > 0;

-- An idTag with blanks before or behind it is the same as without them.
DROP INDEX transactions_of_id_tag;
CREATE INDEX transactions_of_id_tag ON transactions (trim(id_tag) COLLATE NOCASE, id);

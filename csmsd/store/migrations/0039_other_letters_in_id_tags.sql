-- SQLite takes letters of ASCII alone for the same in either case, and trims nothing but blanks.
CREATE INDEX transactions_of_other_letters ON transactions (id_tag) WHERE id_tag GLOB '*[^ -~]*';

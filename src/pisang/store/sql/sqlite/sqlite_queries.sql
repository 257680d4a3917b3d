-- What only SQLite is asked.

-- name: quick_check
-- `ok`, or what is wrong with the file.
PRAGMA quick_check (20);

-- name: foreign_key_check
-- Rows that name a row which is not there.
PRAGMA foreign_key_check;

-- What is asked of a ledger's file that is to move.

-- name: tables
-- The tables, in the order in which they were made: each after those that its rows name.
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid;

-- name: table_columns
-- The columns of a table.
SELECT name FROM pragma_table_info(:of) ORDER BY cid;

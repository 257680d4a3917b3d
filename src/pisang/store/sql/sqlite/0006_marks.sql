-- What is true of the ledger as a whole: its id, which a bucket is marked with.

CREATE TABLE marks (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID;

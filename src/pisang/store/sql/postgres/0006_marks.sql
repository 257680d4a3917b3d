-- What is true of the ledger as a whole: its id, which a bucket is marked with.

CREATE TABLE marks (
  name TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  value TEXT COLLATE "C" NOT NULL
);

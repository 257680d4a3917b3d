-- What a backup asks of the ledger that it copied.

-- name: ledger_counts
-- How many requests, attempts and images there are.
SELECT (SELECT count(*) FROM requests) AS requests, (SELECT count(*) FROM attempts) AS attempts,
  (SELECT count(*) FROM images) AS images;

-- name: integrity_check
-- `ok`, or what is wrong with the file, indexes included.
PRAGMA integrity_check (20);

-- name: used
-- Whether anything was ever written down here.
SELECT EXISTS (SELECT 1 FROM requests) OR EXISTS (SELECT 1 FROM gateway_keys)
  OR EXISTS (SELECT 1 FROM budgets) AS used;

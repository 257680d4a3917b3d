-- What only PostgreSQL is asked, and what it is asked in other words than SQLite.

-- name: place
-- What is there: a ledger of ours, or a table that would be in the way of one. Read from the
-- catalogue itself: to_regclass() answers from the session's cache, which does not hear of a table
-- that another made while this one waited for its turn.
SELECT coalesce(bool_or(relname = 'pisang'), false) AS ours,
  coalesce(bool_or(relname = 'requests'), false) AS taken,
  current_setting('server_encoding') AS encoding, current_schema() AS schema
FROM pg_class WHERE relname IN ('pisang', 'requests') AND pg_table_is_visible(oid);

-- name: schema_number
-- The number of the schema.
SELECT schema FROM pisang;

-- name: schema_mark
-- Writes down the number of the schema.
UPDATE pisang SET schema = :number;

-- name: marks_clear
-- Forgets what is true of a ledger as a whole: another one's rows come in its place.
DELETE FROM marks;

-- name: ledger_turn
-- Waits until it is this transaction's turn to write: those of all processes follow one another.
SELECT pg_advisory_xact_lock(CAST(:kind AS INTEGER), hashtext(current_schema()));

-- name: commit_mark
-- Writes down, with the jobs of a group, that the group was committed.
INSERT INTO commits (writer, number) VALUES (:writer, :number)
ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = now();

-- name: commit_newest
-- The newest group of a writer that was committed.
SELECT number FROM commits WHERE writer = :writer;

-- name: commit_forget
-- Forgets a writer that is through.
DELETE FROM commits WHERE writer = :writer;

-- name: commits_sweep
-- Forgets writers that have not written for a day: none waits that long for an answer.
DELETE FROM commits WHERE at < now() - interval '1 day';

-- name: life_take
-- Takes an owner's lock for as long as this connection lasts; whether it was free.
SELECT pg_try_advisory_lock(:key) AS taken;

-- name: life_beat
-- Answers, where the connection still is.
SELECT 1 AS here;

-- name: life_bury
-- Takes a dead owner's lock until this transaction ends; whether it was free.
SELECT pg_try_advisory_xact_lock(:key) AS taken;

-- name: lives_held
-- The owners' locks that are held.
SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- name: time_zone_set
-- Makes a place's days those of this connection.
SELECT set_config('TimeZone', :name, false);

-- name: server
-- What the server is, and what it promises.
SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  pg_is_in_recovery() AS standby;

-- name: newest_of_folder
-- The newest request asked in a folder: the index holds how its name begins.
SELECT id FROM requests
WHERE scope = :scope AND left(folder, 200) = left(:folder, 200) AND folder = :folder
  AND deleted_ms IS NULL
ORDER BY created_ms DESC, id DESC LIMIT 1;

-- name: image_last
-- The image of the newest wish asked in a folder that made one; drafts do not count.
SELECT i.* FROM requests AS r JOIN images AS i ON i.request_id = r.id
WHERE r.scope = :scope AND left(r.folder, 200) = left(:folder, 200) AND r.folder = :folder
  AND i.draft = 0
ORDER BY r.created_ms DESC, r.id DESC, i.created_ms DESC, i.ordinal LIMIT 1;

-- name: states_apart
-- Requests whose state is not that of their attempts: (id, state, attempts' states by commas).
SELECT r.id, r.state, string_agg(DISTINCT a.state, ',') AS states
FROM requests AS r JOIN attempts AS a ON a.request_id = r.id GROUP BY r.id;

-- Batches and their jobs: written down, taken, followed to their end.

-- name: batch_insert
-- Writes a batch down, whose jobs are to follow; nothing where it is there.
INSERT INTO batches (
  id, name, source, created_ms, scope, folder, out, options, state, priority, concurrency,
  interval_ms, max_cost_micros, max_cost_currency
) VALUES (
  :id, :named, :source, :created_ms, :scope, :folder, :out, :options, 'filling', :priority,
  :concurrency, :interval_ms, :max_cost_micros, :max_cost_currency
)
ON CONFLICT DO NOTHING;

-- name: batch_by_id
-- One batch.
SELECT * FROM batches WHERE id = :id;

-- name: batch_ids_by_prefix
-- The ids of batches that begin so, a few of them, of one scope or of all.
SELECT id FROM batches WHERE id >= :low AND id < :high AND (scope = :scope OR :scope IS NULL)
ORDER BY id LIMIT 10;

-- name: batches_newest
-- The newest batches, of one scope or of all.
SELECT * FROM batches
WHERE (scope = :scope OR :scope IS NULL) AND (created_ms < :before_ms OR (created_ms = :before_ms AND id < :before_id))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: batch_state_set
-- Opens a batch, or cancels it.
UPDATE batches SET state = :state WHERE id = :id;

-- name: batch_source_set
-- Says otherwise what made a batch.
UPDATE batches SET source = :source WHERE id = :id;

-- name: batch_limits_set
-- Changes a batch's own limits.
UPDATE batches SET priority = :priority, concurrency = :concurrency, interval_ms = :interval_ms,
  max_cost_micros = :max_cost_micros, max_cost_currency = :max_cost_currency
WHERE id = :id;

-- name: job_insert
-- Writes a job down; nothing where it is there.
INSERT INTO jobs (batch_id, number, request_id, via, terms, due_ms)
VALUES (:batch_id, :number, :request_id, :via, :terms, :due_ms)
ON CONFLICT DO NOTHING;

-- name: job_standing
-- The job that a request is, with what tells whether it is over.
SELECT j.batch_id, j.due_ms, j.ended, r.n, r.owner
FROM jobs AS j JOIN requests AS r ON r.id = j.request_id WHERE j.request_id = :request_id;

-- name: jobs_by_requests
-- Jobs by the ids of their requests (a JSON list).
SELECT * FROM jobs WHERE request_id IN (SELECT value FROM json_each(:ids));

-- name: batches_serving
-- The open batches of which a job waits that is due: the most urgent first, then whose turn it is.
SELECT id, priority, concurrency FROM batches
WHERE state = 'open' AND (CAST(:only AS TEXT) IS NULL OR id = :only)
  AND EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id AND due_ms IS NOT NULL AND due_ms <= :now_ms)
ORDER BY priority DESC, turn, created_ms, id;

-- name: batch_serve
-- Sends a batch to the end of its line.
UPDATE batches SET turn = (SELECT max(turn) + 1 FROM batches WHERE state = 'open') WHERE id = :id;

-- name: jobs_taken_count
-- How many jobs of a batch are taken and not over.
SELECT count(*) AS taken FROM jobs WHERE batch_id = :batch_id AND due_ms IS NULL AND ended IS NULL;

-- name: lanes
-- Which upstreams the waiting jobs of a batch may be asked of, each list once.
WITH RECURSIVE lane (via) AS (
  SELECT min(via) FROM jobs WHERE batch_id = :batch_id AND due_ms IS NOT NULL
  UNION ALL
  SELECT (SELECT min(via) FROM jobs
    WHERE batch_id = :batch_id AND due_ms IS NOT NULL AND jobs.via > lane.via)
  FROM lane WHERE lane.via IS NOT NULL
)
SELECT via FROM lane WHERE via IS NOT NULL;

-- name: jobs_due
-- The jobs of a lane whose time has come, in order.
SELECT * FROM jobs
WHERE batch_id = :batch_id AND via = :via AND due_ms IS NOT NULL AND due_ms <= :now_ms
ORDER BY due_ms, number LIMIT :limit;

-- name: job_take
-- Takes a job out of the line.
UPDATE jobs SET due_ms = NULL, tries = tries + 1 WHERE batch_id = :batch_id AND number = :number;

-- name: job_wait
-- Puts a job into the line, to be taken from then on.
UPDATE jobs SET due_ms = :due_ms, state = 'planned' WHERE request_id = :request_id;

-- name: job_untake
-- Puts a job back into the line as if it had not been taken.
UPDATE jobs SET due_ms = 0, tries = tries - 1 WHERE request_id = :request_id;

-- name: job_again
-- Puts a job that is over back into the line.
UPDATE jobs SET due_ms = 0, state = 'planned', ended = NULL, tries = 0
WHERE request_id = :request_id AND ended IS NOT NULL;

-- name: jobs_owing
-- The jobs of a batch that are over and owe an image that failed.
SELECT j.request_id FROM jobs AS j JOIN requests AS r ON r.id = j.request_id
WHERE j.batch_id = :batch_id AND j.ended IS NOT NULL
  AND (j.state = 'failed' OR (j.state IN ('done', 'refused') AND r.n > (
    SELECT count(DISTINCT a.ordinal) FROM attempts AS a WHERE a.request_id = j.request_id
    AND a.state IN ('done', 'refused', 'unknown', 'written_off', 'rebought'))));

-- name: jobs_unknown
-- The attempts of unknown outcome of a batch's jobs that are over.
SELECT a.id, a.request_id FROM jobs AS j JOIN attempts AS a ON a.request_id = j.request_id
WHERE j.batch_id = :batch_id AND j.state = 'unknown' AND j.ended IS NOT NULL AND a.state = 'unknown';

-- name: job_follow
-- Keeps a job's state beside its request's.
UPDATE jobs SET state = :state WHERE request_id = :request_id AND due_ms IS NULL AND state <> :state;

-- name: batch_ending
-- Counts one more end of a batch's jobs.
UPDATE batches SET endings = endings + 1 WHERE id = :id;

-- name: job_end
-- The job is over: the newest of its batch.
UPDATE jobs SET due_ms = NULL, ended = (SELECT endings FROM batches WHERE id = jobs.batch_id)
WHERE request_id = :request_id;

-- name: jobs_page
-- The jobs of a batch in order, in some states (a JSON list) or in any, behind a row.
SELECT * FROM jobs
WHERE batch_id = :batch_id AND number > :after
  AND (CAST(:states AS TEXT) IS NULL OR state IN (SELECT value FROM json_each(:states)))
ORDER BY number LIMIT :limit;

-- name: jobs_ended_page
-- The jobs of a batch in the order they came to their end, behind one.
SELECT * FROM jobs WHERE batch_id = :batch_id AND ended > :after ORDER BY ended LIMIT :limit;

-- name: batch_states
-- How many jobs of a batch are in each state.
SELECT state, count(*) AS jobs FROM jobs WHERE batch_id = :batch_id GROUP BY state;

-- name: batch_open_counts
-- How many jobs of a batch wait, and how many are taken.
SELECT (SELECT count(*) FROM jobs WHERE batch_id = :batch_id AND due_ms IS NOT NULL) AS waiting,
  (SELECT count(*) FROM jobs WHERE batch_id = :batch_id AND due_ms IS NULL AND ended IS NULL) AS taken;

-- name: batch_standing
-- The state of a batch, and whether a job of it waits or is taken.
SELECT state,
  EXISTS (SELECT 1 FROM jobs WHERE batch_id = :id AND due_ms IS NOT NULL) AS waiting,
  EXISTS (SELECT 1 FROM jobs WHERE batch_id = :id AND due_ms IS NULL AND ended IS NULL) AS taken
FROM batches WHERE id = :id;

-- name: batch_sums
-- What the attempts of a batch cost, and what may have been paid for nothing, by currency.
SELECT free, coalesce(cost_currency, price_currency) AS currency,
  coalesce(sum(CASE WHEN charged = 'yes' THEN coalesce(cost_micros, price_micros) END), 0) AS spent,
  coalesce(sum(CASE WHEN state = 'unknown' THEN coalesce(cost_micros, price_micros) END), 0) AS at_stake,
  coalesce(sum(CASE WHEN charged <> 'no' AND cost_micros IS NULL AND price_micros IS NULL THEN 1 END), 0)
    AS unpriced
FROM attempts WHERE batch_id = :batch_id AND batch_id IS NOT NULL AND charged <> 'no'
GROUP BY free, coalesce(cost_currency, price_currency);

-- name: batch_times
-- When the first attempt of a batch was sent, the newest ended, how many were done lately, and when
-- the first of those was sent.
SELECT (SELECT min(sent_ms) FROM attempts WHERE batch_id = :batch_id AND batch_id IS NOT NULL) AS started_ms,
  max(ended_ms) AS ended_ms,
  coalesce(sum(CASE WHEN ended_ms >= :since_ms AND state = 'done' THEN 1 END), 0) AS done_lately,
  min(CASE WHEN ended_ms >= :since_ms AND state = 'done' THEN sent_ms END) AS lately_ms
FROM attempts WHERE batch_id = :batch_id AND batch_id IS NOT NULL;

-- name: batch_failures
-- For what its attempts failed whose jobs are over without an image, by code.
SELECT a.error_code AS code, count(DISTINCT j.number) AS jobs
FROM jobs AS j JOIN attempts AS a ON a.request_id = j.request_id AND a.state = j.state
WHERE j.batch_id = :batch_id AND j.state IN ('failed', 'refused', 'unknown') AND a.error_code IS NOT NULL
GROUP BY a.error_code;

-- name: batch_admission
-- A batch, until when an upstream asked to be left alone, and whether a call waits for it.
SELECT b.*, (SELECT until_ms FROM pauses WHERE upstream = :upstream) AS paused_until_ms,
  EXISTS (SELECT 1 FROM waits WHERE upstream = :upstream AND until_ms >= :now_ms) AS others_wait
FROM batches AS b WHERE b.id = :id;

-- name: batch_live
-- How many attempts of a batch are under way.
SELECT count(*) AS live FROM attempts
WHERE batch_id = :batch_id AND batch_id IS NOT NULL AND state IN ('planned', 'sent');

-- name: batch_live_owners
-- The same by owner: those of a dead one hold no slot.
SELECT owner, count(*) AS live FROM attempts
WHERE batch_id = :batch_id AND batch_id IS NOT NULL AND state IN ('planned', 'sent') GROUP BY owner;

-- name: batch_last_start
-- When the newest attempt of a batch started, up to a time.
SELECT max(sent_ms) AS at FROM attempts
WHERE batch_id = :batch_id AND batch_id IS NOT NULL AND sent_ms <= :until;

-- name: batch_count
-- Adds to what a batch's cap counts.
UPDATE batches SET counted_micros = counted_micros + :micros
WHERE id = :id AND max_cost_currency = :currency;

-- name: batch_recount
-- Counts anew what a batch's cap counts.
UPDATE batches SET counted_micros = (
  SELECT coalesce(sum(counted_micros), 0) FROM attempts
  WHERE batch_id = batches.id AND batch_id IS NOT NULL
    AND counted_currency = batches.max_cost_currency AND free = 0
) WHERE id = :id;

-- name: pause_put
-- An upstream is left alone until then; one that is longer stands.
INSERT INTO pauses (upstream, until_ms) VALUES (:upstream, :until_ms)
ON CONFLICT (upstream) DO UPDATE SET until_ms = excluded.until_ms
WHERE excluded.until_ms > pauses.until_ms;

-- name: wait_put
-- A call waits for a slot of an upstream, and asks again before then.
INSERT INTO waits (attempt_id, upstream, until_ms) VALUES (:attempt_id, :upstream, :until_ms)
ON CONFLICT (attempt_id) DO UPDATE SET until_ms = excluded.until_ms;

-- name: wait_forget
-- A call waits no more; nor does any that should have asked again by now.
DELETE FROM waits WHERE attempt_id = :attempt_id OR until_ms < :now_ms;

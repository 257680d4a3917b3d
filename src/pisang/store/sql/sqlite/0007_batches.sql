-- Batches: requests that are written down before anybody works on them. A job is a request and a
-- row here; whoever has room takes it, and it goes the road of every other request from there.

CREATE TABLE batches (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL, -- the file it was read from, or what else made it
  created_ms INTEGER NOT NULL,
  scope TEXT NOT NULL,
  folder TEXT, -- where it was asked
  out TEXT, -- where its files go
  options TEXT NOT NULL, -- JSON: what its face has to know to go on with it
  state TEXT NOT NULL CHECK (state IN ('filling', 'open', 'cancelled')),
  priority INTEGER NOT NULL,
  concurrency INTEGER, -- the batch's own limits, over all processes
  interval_ms INTEGER NOT NULL,
  max_cost_micros INTEGER,
  max_cost_currency TEXT,
  counted_micros INTEGER NOT NULL DEFAULT 0, -- what max_cost counts of its attempts now
  turn INTEGER NOT NULL DEFAULT 0, -- when it was last served: the lowest of equals comes next
  endings INTEGER NOT NULL DEFAULT 0 -- how often a job of it came to its end
);
CREATE INDEX batches_created ON batches (created_ms);
CREATE INDEX batches_open ON batches (priority, turn) WHERE state = 'open';

CREATE TABLE jobs (
  batch_id TEXT NOT NULL REFERENCES batches (id),
  number INTEGER NOT NULL, -- its row
  request_id TEXT NOT NULL REFERENCES requests (id),
  via TEXT NOT NULL, -- JSON: the upstreams that may be asked, in order
  terms TEXT NOT NULL, -- JSON: what else of the order the request does not tell
  state TEXT NOT NULL DEFAULT 'planned', -- its request's; planned where that is to be tried again
  tries INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER, -- it waits, until then at least; NULL: it is taken, or over
  ended INTEGER, -- it is over, as the so manieth of its batch
  PRIMARY KEY (batch_id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX jobs_request ON jobs (request_id);
CREATE INDEX jobs_waiting ON jobs (batch_id, via, due_ms, number) WHERE due_ms IS NOT NULL;
CREATE INDEX jobs_taken ON jobs (batch_id) WHERE due_ms IS NULL AND ended IS NULL;
CREATE INDEX jobs_states ON jobs (batch_id, state, number);
CREATE INDEX jobs_ended ON jobs (batch_id, ended) WHERE ended IS NOT NULL;

ALTER TABLE attempts ADD COLUMN batch_id TEXT; -- the batch whose limits it counts toward
CREATE INDEX attempts_batch_starts ON attempts (batch_id, sent_ms) WHERE batch_id IS NOT NULL;
CREATE INDEX attempts_batch_open ON attempts (batch_id, owner)
WHERE batch_id IS NOT NULL AND state IN ('planned', 'sent');
CREATE INDEX attempts_batch_sums ON attempts (batch_id, charged, free, state, cost_currency, cost_micros, price_currency, price_micros, ended_ms)
WHERE batch_id IS NOT NULL;

CREATE TABLE pauses ( -- upstreams that asked to be left alone for a while
  upstream TEXT PRIMARY KEY NOT NULL,
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE waits ( -- calls that somebody waits for, while their upstream has no slot for them
  attempt_id TEXT PRIMARY KEY NOT NULL,
  upstream TEXT NOT NULL,
  until_ms INTEGER NOT NULL -- it asks again before then, or is gone
) WITHOUT ROWID;
CREATE INDEX waits_upstream ON waits (upstream, until_ms);

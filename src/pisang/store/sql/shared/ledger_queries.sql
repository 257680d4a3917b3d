-- What writers run: begin, claim, settle, resolve, recover. Parameters by name, always.

-- name: request_insert
-- Writes a request down, planned and owned.
INSERT INTO requests (
  id, created_ms, scope, face, prompt, glyphs, model, n, spec, fingerprint, idempotency_key,
  parent, folder, tags, route, state, owner
) VALUES (
  :id, :created_ms, :scope, :face, :prompt, :glyphs, :model, :n, :spec, :fingerprint,
  :idempotency_key, :parent, :folder, :tags, :route, 'planned', :owner
);

-- name: ref_insert
-- Ties a content to the request that needs it.
INSERT INTO refs (request_id, sha256) VALUES (:request_id, :sha256)
ON CONFLICT DO NOTHING;

-- name: key_find
-- The request that stands for an idempotency key, with its state.
SELECT k.request_id, k.fingerprint, k.created_ms, r.state, r.owner, r.n
FROM keys AS k JOIN requests AS r ON r.id = k.request_id
WHERE k.scope = :scope AND k.key = :key;

-- name: key_put
-- Lets a request stand for a key from now on.
INSERT INTO keys (scope, key, request_id, fingerprint, created_ms)
VALUES (:scope, :key, :request_id, :fingerprint, :created_ms)
ON CONFLICT (scope, key) DO UPDATE SET
  request_id = excluded.request_id, fingerprint = excluded.fingerprint,
  created_ms = excluded.created_ms;

-- name: request_take
-- Makes a process the owner of a request.
UPDATE requests SET owner = :owner WHERE id = :id;

-- name: request_release
-- Lets a request go, if it is that owner's.
UPDATE requests SET owner = NULL WHERE id = :id AND owner = :owner;

-- name: request_abandon
-- A planned request of which no attempt was ever written has failed: nothing was sent.
UPDATE requests SET state = 'failed', owner = NULL
WHERE id = :id AND state = 'planned'
  AND NOT EXISTS (SELECT 1 FROM attempts WHERE request_id = requests.id)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE request_id = requests.id);

-- name: request_state_set
-- Keeps a request's state beside its attempts'.
UPDATE requests SET state = :state WHERE id = :id AND state <> :state;

-- name: request_standing
-- Whose a request is, who works on it, and its state.
SELECT scope, state, owner FROM requests WHERE id = :id AND deleted_ms IS NULL;

-- name: attempt_states
-- The attempts of a request, oldest first.
SELECT id, ordinal, state FROM attempts WHERE request_id = :request_id
ORDER BY ordinal, created_ms, id;

-- name: attempt_insert
-- Writes an attempt down.
INSERT INTO attempts (
  id, request_id, ordinal, upstream, wire, kind, model, image_size, state, charged,
  price_micros, price_currency, held_micros, counted_micros, counted_currency,
  free, owner, created_ms, sent_ms, deadline_ms, log_id, batch_id
) VALUES (
  :id, :request_id, :ordinal, :upstream, :wire, :kind, :model, :image_size, :state, :charged,
  :price_micros, :price_currency, :held_micros, :counted_micros, :counted_currency,
  :free, :owner, :created_ms, :sent_ms, :deadline_ms, :log_id, :batch_id
);

-- name: attempt_money
-- One attempt as far as moving it needs, with its request's scope and parent image.
SELECT a.id, a.request_id, a.upstream, a.state, a.free, a.sent_ms, a.owner, a.batch_id,
  a.price_micros, a.price_currency, a.held_micros, a.counted_micros, a.counted_currency,
  r.scope, r.parent
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.id = :id;

-- name: attempt_move
-- Moves an attempt to another state, with its money.
UPDATE attempts SET
  state = :state, charged = :charged, ended_ms = :ended_ms,
  counted_micros = :counted_micros, counted_currency = :counted_currency
WHERE id = :id;

-- name: attempt_cost
-- Writes down what an attempt cost, and whence that is known.
UPDATE attempts SET cost_micros = :cost_micros, cost_currency = :cost_currency, basis = :basis
WHERE id = :id;

-- name: attempt_outcome
-- Writes down what an attempt's upstream said.
UPDATE attempts SET
  status = :status, error_code = :error_code, error_fields = :error_fields, message = :message,
  excerpt = :excerpt, finish_reason = :finish_reason, text = :text, usage = :usage,
  requested = :requested, upstream_request_id = :upstream_request_id,
  response_id = :response_id, warnings = :warnings
WHERE id = :id;

-- name: image_insert
-- Writes an image of an attempt down, and what a gallery looks for it by.
INSERT INTO images (
  attempt_id, ordinal, request_id, sha256, mime, width, height, bytes, draft, declared, parent,
  created_ms, asked_ms, scope, model, upstream, image_size
) SELECT
  a.id, :ordinal, r.id, :sha256, :mime, :width, :height, :bytes, :draft, CAST(:declared AS TEXT),
  r.parent, :created_ms, r.created_ms, r.scope, a.model, a.upstream, a.image_size
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id WHERE a.id = :attempt_id
ON CONFLICT (attempt_id, ordinal) DO UPDATE SET
  sha256 = excluded.sha256, mime = excluded.mime, width = excluded.width,
  height = excluded.height, bytes = excluded.bytes, draft = excluded.draft,
  declared = excluded.declared;

-- name: answer_put
-- Keeps the stored answer of an attempt.
INSERT INTO answers (attempt_id, created_ms, record) VALUES (:attempt_id, :created_ms, :record)
ON CONFLICT (attempt_id) DO UPDATE SET record = excluded.record, created_ms = excluded.created_ms;

-- name: answer_content_put
-- Ties a content to the answer that holds it.
INSERT INTO answer_contents (attempt_id, sha256, kind) VALUES (:attempt_id, :sha256, :kind)
ON CONFLICT DO NOTHING;

-- name: live_count
-- How many attempts at an upstream are under way.
SELECT count(*) AS live FROM attempts
WHERE upstream = :upstream AND state IN ('planned', 'sent') AND state = 'sent';

-- name: live_owners
-- The same by owner: those of a dead one hold no slot.
SELECT owner, count(*) AS live FROM attempts
WHERE upstream = :upstream AND state IN ('planned', 'sent') AND state = 'sent' GROUP BY owner;

-- name: last_start
-- When the newest attempt at an upstream started, up to a time.
SELECT max(sent_ms) AS at FROM attempts WHERE upstream = :upstream AND sent_ms <= :until;

-- name: nth_start
-- When the n-th newest attempt at an upstream started, up to a time (skip = n - 1).
SELECT sent_ms AS at FROM attempts WHERE upstream = :upstream AND sent_ms <= :until
ORDER BY sent_ms DESC LIMIT 1 OFFSET :skip;

-- name: request_money
-- What the attempts of a request hold or cost, in whichever currency each is known.
SELECT counted_micros, counted_currency, price_micros, price_currency, cost_micros, cost_currency,
  charged
FROM attempts WHERE request_id = :request_id AND free = 0;

-- name: open_owners
-- Who owns attempts that are not ended.
SELECT DISTINCT owner FROM attempts WHERE state IN ('planned', 'sent');

-- name: open_request_owners
-- Who works on requests.
SELECT DISTINCT owner FROM requests WHERE owner IS NOT NULL;

-- name: open_of_owner
-- The attempts not ended of one owner.
SELECT id FROM attempts WHERE owner = :owner AND state IN ('planned', 'sent') ORDER BY created_ms, id;

-- name: attempts_take
-- Makes a process the owner of another's attempts that are not ended.
UPDATE attempts SET owner = :owner WHERE owner = :dead AND state IN ('planned', 'sent');

-- name: attempt_take_back
-- Makes a process the owner of an attempt, however it ended.
UPDATE attempts SET owner = :owner WHERE id = :id;

-- name: requests_of_owner
-- The requests that one owner works on.
SELECT id FROM requests WHERE owner = :owner;

-- name: requests_disown
-- Lets all requests of one owner go.
UPDATE requests SET owner = NULL WHERE owner = :owner;

-- name: budgets_for
-- The budgets that a claim counts toward.
SELECT id, scope, period, cap_micros, cap_currency, time_zone FROM budgets
WHERE scope IN ('all', 'upstream:' || :upstream, 'key:' || :key,
  'team:' || (SELECT team FROM gateway_keys WHERE id = :key))
ORDER BY id;

-- name: budgets_all
-- Every budget.
SELECT id, scope, period, cap_micros, cap_currency, time_zone FROM budgets ORDER BY id;

-- name: budget_put
-- Sets a budget.
INSERT INTO budgets (id, scope, period, cap_micros, cap_currency, time_zone)
VALUES (:id, :scope, :period, :cap_micros, :cap_currency, :time_zone)
ON CONFLICT (id) DO UPDATE SET
  scope = excluded.scope, period = excluded.period, cap_micros = excluded.cap_micros,
  cap_currency = excluded.cap_currency, time_zone = excluded.time_zone;

-- name: budget_delete
-- Takes a budget away (its counters first).
DELETE FROM budgets WHERE id = :id;

-- name: counters_delete
-- Takes a budget's counters away.
DELETE FROM counters WHERE budget_id = :budget_id;

-- name: counter_get
-- What a budget has counted in one window.
SELECT micros FROM counters WHERE budget_id = :budget_id AND "window" = :window;

-- name: counter_add
-- Adds to a budget's counter of one window, which begins at nothing.
INSERT INTO counters (budget_id, "window", micros) VALUES (:budget_id, :window, :micros)
ON CONFLICT (budget_id, "window") DO UPDATE SET micros = counters.micros + excluded.micros;

-- name: counted_between
-- What attempts started in a time span count, for one upstream and key where given.
SELECT coalesce(sum(a.counted_micros), 0) AS micros
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.free = 0 AND a.counted_currency = :currency
  AND a.sent_ms >= :since AND a.sent_ms < :until
  AND (a.upstream = :upstream OR :upstream IS NULL) AND (r.scope = :key OR :key IS NULL)
  AND (r.scope IN (SELECT id FROM gateway_keys WHERE team = :team) OR :team IS NULL);

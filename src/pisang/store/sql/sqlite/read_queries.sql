-- What readers run: the questions of the faces.

-- name: request_by_id
-- One request.
SELECT * FROM requests WHERE id = :id AND deleted_ms IS NULL;

-- name: request_ids_by_prefix
-- The ids that begin so, a few of them.
SELECT id FROM requests WHERE id >= :low AND id < :high AND deleted_ms IS NULL ORDER BY id LIMIT 10;

-- name: requests_by_ids
-- Requests by a JSON list of ids.
SELECT * FROM requests WHERE id IN (SELECT value FROM json_each(:ids));

-- name: attempts_by_requests
-- The attempts of requests, given as a JSON list of ids, in order.
SELECT * FROM attempts WHERE request_id IN (SELECT value FROM json_each(:ids))
ORDER BY request_id, ordinal, created_ms, id;

-- name: images_by_requests
-- The images of requests, given as a JSON list of ids, in order.
SELECT i.* FROM images AS i JOIN attempts AS a ON a.id = i.attempt_id
WHERE i.request_id IN (SELECT value FROM json_each(:ids))
ORDER BY i.request_id, a.ordinal, a.created_ms, a.id, i.ordinal;

-- name: attempt_by_id
-- One attempt.
SELECT * FROM attempts WHERE id = :id;

-- name: attempts_unknown
-- The attempts whose outcome is unknown, oldest first.
SELECT * FROM attempts WHERE state = 'unknown' ORDER BY sent_ms, id;

-- name: attempts_open
-- The attempts that are not ended, oldest first.
SELECT * FROM attempts WHERE state IN ('planned', 'sent') ORDER BY created_ms, id;

-- name: answer_by_attempt
-- The stored answer of an attempt.
SELECT record, whole FROM answers WHERE attempt_id = :attempt_id;

-- name: images_by_sha256
-- The images that begin with that hash, newest first; at most a few.
SELECT * FROM images WHERE sha256 >= :low AND sha256 < :high ORDER BY sha256, created_ms DESC LIMIT 50;

-- name: image_last
-- The image of the newest wish asked in a folder that made one; drafts do not count.
SELECT i.* FROM requests AS r JOIN images AS i ON i.request_id = r.id
WHERE r.scope = :scope AND r.folder = :folder AND i.draft = 0
ORDER BY r.created_ms DESC, r.id DESC, i.created_ms DESC, i.ordinal LIMIT 1;

-- name: requests_by_parents
-- The requests that edit one of these images (a JSON list of hashes), oldest first.
SELECT id FROM requests WHERE parent IN (SELECT value FROM json_each(:parents))
  AND deleted_ms IS NULL
ORDER BY created_ms, id LIMIT :limit;

-- name: history_search
-- The newest requests whose prompt holds the pattern: one walk over an index that holds all it asks.
SELECT id FROM requests INDEXED BY requests_search
WHERE created_ms <= :before_ms AND glyphs & :glyphs = :glyphs
  AND (:scope IS NULL OR scope = :scope) AND prompt LIKE :pattern ESCAPE '\'
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL AND (:state IS NULL OR state = :state)
  AND (:upstream IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: history_newest
-- The newest requests.
SELECT id FROM requests INDEXED BY requests_search
WHERE created_ms <= :before_ms AND (:scope IS NULL OR scope = :scope)
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL
  AND (:upstream IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: history_in_state
-- The newest requests in one state.
SELECT id FROM requests INDEXED BY requests_state
WHERE state = :state AND created_ms <= :before_ms AND (:scope IS NULL OR scope = :scope)
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL
  AND (:upstream IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: took_newest
-- How long the newest images of a model and size took, among the newest attempts at an upstream.
-- What a later process settled took longer than it was given: that is no time of the upstream's.
SELECT ended_ms - sent_ms AS took_ms FROM (
  SELECT * FROM attempts INDEXED BY attempts_starts
  WHERE upstream = :upstream AND sent_ms IS NOT NULL ORDER BY sent_ms DESC LIMIT :among)
WHERE model = :model AND image_size IS :image_size AND state = 'done'
  AND ended_ms - sent_ms BETWEEN 0 AND deadline_ms
LIMIT :limit;

-- name: costs_by_upstream
-- What was spent since a time, and what may have been, by upstream and currency.
SELECT upstream AS name, coalesce(cost_currency, price_currency, '') AS currency,
  count(*) AS attempts,
  sum(CASE WHEN charged = 'yes' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS spent,
  sum(CASE WHEN charged = 'unknown' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS at_stake
FROM attempts WHERE sent_ms >= :since AND free = 0 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: costs_by_model
-- The same by model and currency.
SELECT model AS name, coalesce(cost_currency, price_currency, '') AS currency,
  count(*) AS attempts,
  sum(CASE WHEN charged = 'yes' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS spent,
  sum(CASE WHEN charged = 'unknown' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS at_stake
FROM attempts WHERE sent_ms >= :since AND free = 0 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: costs_by_day
-- The same by day (UTC) and currency.
SELECT date(sent_ms / 1000, 'unixepoch') AS name,
  coalesce(cost_currency, price_currency, '') AS currency,
  count(*) AS attempts,
  sum(CASE WHEN charged = 'yes' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS spent,
  sum(CASE WHEN charged = 'unknown' THEN coalesce(cost_micros, price_micros, 0) ELSE 0 END) AS at_stake
FROM attempts WHERE sent_ms >= :since AND free = 0 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: costs_by_key
-- The same by the caller's key (`local` for the command line and the SDK) and currency.
SELECT r.scope AS name, coalesce(a.cost_currency, a.price_currency, '') AS currency,
  count(*) AS attempts,
  sum(CASE WHEN a.charged = 'yes' THEN coalesce(a.cost_micros, a.price_micros, 0) ELSE 0 END) AS spent,
  sum(CASE WHEN a.charged = 'unknown' THEN coalesce(a.cost_micros, a.price_micros, 0) ELSE 0 END) AS at_stake
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.sent_ms >= :since AND a.free = 0 GROUP BY 1, 2 ORDER BY 1, 2;

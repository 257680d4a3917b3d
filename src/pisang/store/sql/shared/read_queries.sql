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

-- name: attempts_unknown_in_scope
-- The attempts whose outcome is unknown, oldest first, of one scope or of all.
SELECT a.* FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.state = 'unknown' AND (r.scope = :scope OR :scope IS NULL) ORDER BY a.sent_ms, a.id;

-- name: image_in_scope
-- One image by its whole hash, made by a request of one scope or of any.
SELECT i.* FROM images AS i JOIN requests AS r ON r.id = i.request_id
WHERE i.sha256 = :sha256 AND (r.scope = :scope OR :scope IS NULL)
ORDER BY i.created_ms, i.attempt_id, i.ordinal LIMIT 1;

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
WHERE created_ms BETWEEN :since_ms AND :before_ms AND glyphs & :glyphs = :glyphs
  AND (scope = :scope OR :scope IS NULL) AND prompt LIKE :pattern ESCAPE '\'
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL AND (state = :state OR :state IS NULL)
  AND (CAST(:upstream AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
  AND (CAST(:tag AS TEXT) IS NULL OR (tags <> '[]' AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag)))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: history_newest
-- The newest requests.
SELECT id FROM requests INDEXED BY requests_search
WHERE created_ms BETWEEN :since_ms AND :before_ms AND (scope = :scope OR :scope IS NULL)
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL
  AND (CAST(:upstream AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
  AND (CAST(:tag AS TEXT) IS NULL OR (tags <> '[]' AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag)))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: history_in_state
-- The newest requests in one state.
SELECT id FROM requests INDEXED BY requests_state
WHERE state = :state AND created_ms BETWEEN :since_ms AND :before_ms AND (scope = :scope OR :scope IS NULL)
  AND (created_ms < :before_ms OR id < :before_id)
  AND deleted_ms IS NULL
  AND (CAST(:upstream AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM attempts INDEXED BY attempts_request WHERE request_id = requests.id AND upstream = :upstream))
  AND (CAST(:tag AS TEXT) IS NULL OR (tags <> '[]' AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag)))
ORDER BY created_ms DESC, id DESC LIMIT :limit;

-- name: took_newest
-- How long the newest images of a model and size took, among the newest attempts at an upstream.
-- What a later process settled took longer than it was given: that is no time of the upstream's.
SELECT ended_ms - sent_ms AS took_ms FROM (
  SELECT * FROM attempts INDEXED BY attempts_starts
  WHERE upstream = :upstream AND sent_ms IS NOT NULL ORDER BY sent_ms DESC LIMIT :among) AS newest
WHERE model = :model AND (image_size = :image_size OR image_size IS NULL AND :image_size IS NULL)
  AND state = 'done'
  AND ended_ms - sent_ms BETWEEN 0 AND deadline_ms
LIMIT :limit;

-- name: attempts_near
-- The other attempts of a model at an upstream that were sent within a time span.
SELECT * FROM attempts
WHERE upstream = :upstream AND sent_ms BETWEEN :low AND :high AND model = :model AND id <> :id
ORDER BY sent_ms, id;

-- name: costs
-- What attempts sent in a time span cost, and what they may have, by what is asked and currency.
WITH one AS (
  SELECT DISTINCT a.id, a.state, a.charged,
    CASE :by
      WHEN 'day' THEN date(a.sent_ms / 1000, 'unixepoch', 'localtime')
      WHEN 'model' THEN a.model
      WHEN 'key' THEN r.scope
      WHEN 'team' THEN coalesce((SELECT k.team FROM gateway_keys AS k WHERE k.id = r.scope), '')
      WHEN 'tag' THEN coalesce(t.value, '')
      ELSE a.upstream
    END AS name,
    coalesce(a.cost_currency, a.price_currency, '') AS currency,
    coalesce(a.cost_micros, a.price_micros) AS micros,
    (SELECT count(*) FROM images AS i WHERE i.attempt_id = a.id AND i.draft = 0) AS images
  FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
  LEFT JOIN json_each(CASE :by WHEN 'tag' THEN r.tags ELSE '[]' END) AS t
    ON t.value NOT LIKE 'rebuy:%'
  WHERE a.sent_ms >= :since AND a.sent_ms < :until AND a.free = 0
    AND (r.scope = :scope OR :scope IS NULL)
)
SELECT name, currency, count(*) AS attempts, sum(images) AS images,
  coalesce(sum(CASE WHEN charged = 'yes' THEN micros END), 0) AS spent,
  coalesce(sum(CASE WHEN charged = 'unknown' AND state NOT IN ('written_off', 'rebought')
    THEN micros END), 0) AS at_stake,
  coalesce(sum(CASE WHEN charged = 'unknown' AND state IN ('written_off', 'rebought')
    THEN micros END), 0) AS given_up,
  coalesce(sum(CASE WHEN charged <> 'no' AND micros IS NULL THEN 1 END), 0) AS unpriced
FROM one GROUP BY 1, 2 ORDER BY 1, 2;

-- name: costs_play
-- How much was painted for play money in a time span.
SELECT count(*) AS attempts, coalesce(sum((
  SELECT count(*) FROM images AS i WHERE i.attempt_id = a.id AND i.draft = 0
)), 0) AS images
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.sent_ms >= :since AND a.sent_ms < :until AND a.free = 1
  AND (r.scope = :scope OR :scope IS NULL);

-- name: counted_in_window
-- What attempts started in a time span count, by currency: all, under way, and of unknown outcome.
SELECT a.counted_currency AS currency, sum(a.counted_micros) AS micros,
  coalesce(sum(CASE WHEN a.state = 'sent' THEN a.counted_micros END), 0) AS held,
  coalesce(sum(CASE WHEN a.state = 'unknown' THEN a.counted_micros END), 0) AS at_stake
FROM attempts AS a JOIN requests AS r ON r.id = a.request_id
WHERE a.free = 0 AND a.counted_currency IS NOT NULL
  AND a.sent_ms >= :since AND a.sent_ms < :until
  AND (a.upstream = :upstream OR :upstream IS NULL) AND (r.scope = :key OR :key IS NULL)
  AND (r.scope IN (SELECT id FROM gateway_keys WHERE team = :team) OR :team IS NULL)
GROUP BY 1 ORDER BY 1;

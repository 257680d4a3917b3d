-- What gc, delete and doctor run.

-- name: newest_ms
-- When the newest request was written down; 0 when there is none.
SELECT coalesce(max(created_ms), 0) AS at FROM requests;

-- name: raw_contents_drop
-- Lets go what is needed only to replay answers older than a time.
DELETE FROM answer_contents WHERE kind = 'raw' AND attempt_id IN (
  SELECT attempt_id FROM answers WHERE whole = 1 AND created_ms < :before);

-- name: answers_thin
-- Marks answers older than a time as not whole.
UPDATE answers SET whole = 0 WHERE whole = 1 AND created_ms < :before;

-- name: answer_contents_drop
-- Lets go what answers older than a time hold.
DELETE FROM answer_contents WHERE attempt_id IN (
  SELECT attempt_id FROM answers WHERE created_ms < :before);

-- name: answers_drop
-- Lets answers older than a time go.
DELETE FROM answers WHERE created_ms < :before;

-- name: keys_drop
-- Frees idempotency keys older than a time whose request is neither open nor unknown.
DELETE FROM keys WHERE created_ms < :before AND request_id IN (
  SELECT id FROM requests WHERE id = keys.request_id
  AND state NOT IN ('planned', 'sent', 'unknown'));

-- name: images_counted
-- How many images there are, and how many are older than a time.
SELECT count(*) AS images, coalesce(sum(CASE WHEN created_ms < :before THEN 1 END), 0) AS older FROM images;

-- name: images_over
-- When the newest image was made that is too many, where the newest may fill so many bytes in all.
SELECT max(created_ms) AS at FROM (
  SELECT created_ms, sum(bytes) OVER (ORDER BY created_ms DESC) AS total FROM (
    SELECT max(created_ms) AS created_ms, max(bytes) AS bytes FROM images GROUP BY sha256
  ) AS each_once
) AS summed WHERE total > :most;

-- name: image_answers_drop
-- Lets the answers go that hold an image older than a time (their contents first).
DELETE FROM answers WHERE attempt_id IN (
  SELECT attempt_id FROM images WHERE created_ms < :before);

-- name: image_answer_contents_drop
-- Lets go what those answers hold.
DELETE FROM answer_contents WHERE attempt_id IN (
  SELECT attempt_id FROM images WHERE created_ms < :before);

-- name: images_drop
-- Lets images older than a time go.
DELETE FROM images WHERE created_ms < :before;

-- name: unreferenced
-- Which of these hashes (a JSON list) no row names.
SELECT value AS sha256 FROM json_each(:hashes)
WHERE NOT EXISTS (SELECT 1 FROM images WHERE sha256 = value)
  AND NOT EXISTS (SELECT 1 FROM refs WHERE sha256 = value)
  AND NOT EXISTS (SELECT 1 FROM answer_contents WHERE sha256 = value);

-- name: attempt_states_by_ids
-- The states of attempts and their owners, given as a JSON list of ids.
SELECT id, state, owner FROM attempts WHERE id IN (SELECT value FROM json_each(:ids));

-- name: oldest_open
-- When the oldest attempt under way started; NULL when there is none.
SELECT min(created_ms) AS at FROM attempts WHERE state IN ('planned', 'sent');

-- name: hashes_of_request
-- Every content that a request's rows name.
SELECT sha256 FROM images WHERE request_id = :id
UNION SELECT sha256 FROM refs WHERE request_id = :id
UNION SELECT c.sha256 FROM answer_contents AS c JOIN attempts AS a ON a.id = c.attempt_id
  WHERE a.request_id = :id;

-- name: request_answer_contents_delete
-- Takes away what the answers of a request hold.
DELETE FROM answer_contents WHERE attempt_id IN (
  SELECT id FROM attempts WHERE request_id = :id);

-- name: request_answers_delete
-- Takes the answers of a request away.
DELETE FROM answers WHERE attempt_id IN (SELECT id FROM attempts WHERE request_id = :id);

-- name: request_images_delete
-- Takes the images of a request away.
DELETE FROM images WHERE request_id = :id;

-- name: request_refs_delete
-- Takes the references of a request away.
DELETE FROM refs WHERE request_id = :id;

-- name: request_keys_delete
-- Frees the idempotency keys that a request stands for.
DELETE FROM keys WHERE request_id = :id;

-- name: request_blank
-- Leaves only the books of a request.
UPDATE requests SET prompt = '', glyphs = 0, spec = '{}', idempotency_key = NULL, parent = NULL,
  folder = NULL, tags = '[]', deleted_ms = :at_ms WHERE id = :id;

-- name: attempts_blank
-- Leaves only the books of a request's attempts.
UPDATE attempts SET message = NULL, excerpt = '', text = '', error_fields = '{}',
  warnings = '[]', requested = '{}' WHERE request_id = :id;

-- name: hashes_of_image_answers
-- Every content of the answers that an image came in.
SELECT DISTINCT sha256 FROM answer_contents WHERE attempt_id IN (
  SELECT attempt_id FROM images WHERE sha256 = :sha256);

-- name: image_own_answer_contents_delete
-- Takes away what the answers hold that an image came in.
DELETE FROM answer_contents WHERE attempt_id IN (
  SELECT attempt_id FROM images WHERE sha256 = :sha256);

-- name: image_own_answers_delete
-- Takes the answers away that an image came in: they can't be replayed without it.
DELETE FROM answers WHERE attempt_id IN (SELECT attempt_id FROM images WHERE sha256 = :sha256);

-- name: image_delete
-- Takes an image away, wherever it was made.
DELETE FROM images WHERE sha256 = :sha256;

-- name: image_parents_forget
-- Images edited from one that is gone have no parent.
UPDATE images SET parent = NULL WHERE parent IN (SELECT value FROM json_each(:hashes))
  AND NOT EXISTS (SELECT 1 FROM images AS made WHERE made.sha256 = images.parent);

-- name: request_parents_forget
-- Requests that edit an image that is gone have no parent.
UPDATE requests SET parent = NULL WHERE parent IN (SELECT value FROM json_each(:hashes))
  AND NOT EXISTS (SELECT 1 FROM images AS made WHERE made.sha256 = requests.parent);

-- name: all_contents
-- Every content that a row names, with its size where it is known, and what it is.
SELECT sha256, max(size) AS size, min(kind) AS kind FROM (
  SELECT sha256, bytes AS size, 'an image' AS kind FROM images
  UNION ALL SELECT sha256, NULL, 'part of an answer' FROM answer_contents
  UNION ALL SELECT sha256, NULL, 'a reference' FROM refs
) AS named GROUP BY sha256;

-- name: contents_count
-- How many contents rows name.
SELECT count(*) AS contents FROM (
  SELECT sha256 FROM images UNION SELECT sha256 FROM answer_contents UNION SELECT sha256 FROM refs
) AS named;

-- name: contents_between
-- The same of those whose hash begins between two marks: the upper one is not among them.
SELECT sha256, max(size) AS size FROM (
  SELECT sha256, bytes AS size FROM images WHERE sha256 >= :low AND sha256 < :high
  UNION ALL SELECT sha256, NULL FROM answer_contents WHERE sha256 >= :low AND sha256 < :high
  UNION ALL SELECT sha256, NULL FROM refs WHERE sha256 >= :low AND sha256 < :high
) AS named GROUP BY sha256;

-- name: states_apart
-- Requests whose state is not that of their attempts: (id, state, attempts' states by commas).
SELECT r.id, r.state, group_concat(DISTINCT a.state) AS states
FROM requests AS r JOIN attempts AS a ON a.request_id = r.id GROUP BY r.id;

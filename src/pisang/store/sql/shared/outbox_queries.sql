-- What is still to be done with images that are safe.

-- name: outbox_put
-- Writes down what is to be done with a request's images.
INSERT INTO outbox (request_id, owner, spec, created_ms)
VALUES (:request_id, :owner, :spec, :created_ms)
ON CONFLICT (request_id, owner) DO UPDATE SET
  spec = excluded.spec, created_ms = excluded.created_ms, done_ms = NULL, result = NULL;

-- name: outbox_of_request
-- Everything that was or is to be done with a request's images, newest first.
SELECT owner, spec, created_ms, done_ms, result FROM outbox
WHERE request_id = :request_id ORDER BY created_ms DESC, owner;

-- name: outbox_take
-- Makes a process the one that does what another asked for and did not.
UPDATE outbox SET owner = :owner
WHERE request_id = :request_id AND owner = :dead AND done_ms IS NULL;

-- name: outbox_done
-- Writes down that it was done, and what it came to.
UPDATE outbox SET done_ms = :done_ms, result = :result
WHERE request_id = :request_id AND owner = :owner;

-- name: request_outbox_delete
-- Forgets what was done with a request's images.
DELETE FROM outbox WHERE request_id = :id;

-- name: newest_of_folder
-- The newest request asked in a folder.
SELECT id FROM requests
WHERE scope = :scope AND folder = :folder AND deleted_ms IS NULL
ORDER BY created_ms DESC, id DESC LIMIT 1;

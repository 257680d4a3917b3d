-- Twins of a request, and who waits for it.

-- name: twins
-- Requests without a key of the same scope, route and fingerprint since a time, oldest first.
SELECT id AS request_id, fingerprint, created_ms, state, owner, n, client_owner, delivered
FROM requests
WHERE scope = :scope AND route = :route AND fingerprint = :fingerprint AND created_ms >= :since
  AND idempotency_key IS NULL AND deleted_ms IS NULL
ORDER BY created_ms, id;

-- name: request_attach
-- A client waits for a request's answer at that process.
UPDATE requests SET client_owner = :owner, delivered = 0 WHERE id = :id;

-- name: request_detach
-- No client waits for a request's answer any more; whether it came whole.
UPDATE requests SET client_owner = NULL, delivered = CASE WHEN delivered = 1 THEN 1 ELSE :delivered END
WHERE id = :id;

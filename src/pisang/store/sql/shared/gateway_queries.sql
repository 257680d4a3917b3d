-- Keys of a gateway's callers, and how much was asked for with each.

-- name: gateway_key_put
-- Writes a new key down.
INSERT INTO gateway_keys (
  id, name, digest, role, team, models, max_size, rpm, concurrency, created_ms, expires_ms
) VALUES (
  :id, :named, :digest, :role, :team, :models, :max_size, :rpm, :concurrency, :created_ms,
  :expires_ms
);

-- name: gateway_key_by_id
-- One key.
SELECT * FROM gateway_keys WHERE id = :id;

-- name: gateway_keys_all
-- Every key, oldest first, revoked ones too.
SELECT * FROM gateway_keys ORDER BY created_ms, id;

-- name: gateway_keys_any
-- Whether there ever was a key.
SELECT EXISTS (SELECT 1 FROM gateway_keys) AS found;

-- name: gateway_key_revoke
-- Takes a key back, unless it was before.
UPDATE gateway_keys SET revoked_ms = :at_ms WHERE id = :id AND revoked_ms IS NULL;

-- name: nth_asked
-- When the nth newest request of a key was written down; none in the far future.
SELECT created_ms AS at FROM requests
WHERE scope = :scope AND scope <> 'local' AND created_ms <= :until
ORDER BY created_ms DESC LIMIT 1 OFFSET :skip;

-- name: working_owners
-- How many requests of a key are being worked on, by the process that does.
SELECT owner, count(*) AS live FROM requests
WHERE scope = :scope AND scope <> 'local' AND owner IS NOT NULL GROUP BY owner;

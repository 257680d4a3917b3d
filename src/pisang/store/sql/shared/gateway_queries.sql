-- Keys of a gateway's callers, and how much was asked for with each.

-- name: gateway_key_put
-- Writes a new key down.
INSERT INTO gateway_keys (
  id, name, digest, role, team, models, max_size, rpm, concurrency, created_ms, expires_ms,
  declared, hook
) VALUES (
  :id, :named, :digest, :role, :team, :models, :max_size, :rpm, :concurrency, :created_ms,
  :expires_ms, :declared, :hook
);

-- name: gateway_key_edit
-- Changes what a key may; its text, its id and when it was made stay.
UPDATE gateway_keys SET
  name = :named, role = :role, team = :team, models = :models, max_size = :max_size, rpm = :rpm,
  concurrency = :concurrency, expires_ms = :expires_ms, revoked_ms = :revoked_ms,
  declared = :declared, hook = :hook
WHERE id = :id;

-- name: gateway_key_by_id
-- One key, with what its team is told.
SELECT k.*, t.hook AS team_hook FROM gateway_keys AS k
LEFT JOIN gateway_teams AS t ON t.name = k.team
WHERE k.id = :id;

-- name: gateway_keys_all
-- Every key, oldest first, revoked ones too.
SELECT k.*, t.hook AS team_hook FROM gateway_keys AS k
LEFT JOIN gateway_teams AS t ON t.name = k.team
ORDER BY k.created_ms, k.id;

-- name: gateway_keys_any
-- Whether there ever was a key.
SELECT EXISTS (SELECT 1 FROM gateway_keys) AS found;

-- name: gateway_key_revoke
-- Takes a key back, unless it was before.
UPDATE gateway_keys SET revoked_ms = :at_ms WHERE id = :id AND revoked_ms IS NULL;

-- name: gateway_team_put
-- Writes a team down, or changes who is told of it.
INSERT INTO gateway_teams (name, hook, declared, created_ms)
VALUES (:named, :hook, :declared, :created_ms)
ON CONFLICT (name) DO UPDATE SET hook = excluded.hook, declared = excluded.declared;

-- name: gateway_teams_all
-- Every team that was written down; keys may name others.
SELECT * FROM gateway_teams ORDER BY name;

-- name: gateway_team_delete
-- Takes a team away.
DELETE FROM gateway_teams WHERE name = :named;

-- name: nth_asked
-- When the nth newest request of a key was written down; none in the far future.
SELECT created_ms AS at FROM requests
WHERE scope = :scope AND scope <> 'local' AND created_ms <= :until
ORDER BY created_ms DESC LIMIT 1 OFFSET :skip;

-- name: working_owners
-- How many requests of a key are being worked on, by the process that does.
SELECT owner, count(*) AS live FROM requests
WHERE scope = :scope AND scope <> 'local' AND owner IS NOT NULL GROUP BY owner;

-- name: unknown_totals
-- How many attempts are unknown and what may have been paid for them, by upstream and currency.
SELECT upstream, coalesce(cost_currency, price_currency, '') AS currency, count(*) AS attempts,
  coalesce(sum(coalesce(cost_micros, price_micros)), 0) AS at_stake
FROM attempts WHERE state = 'unknown' AND free = 0
GROUP BY upstream, coalesce(cost_currency, price_currency, '');

-- name: open_totals
-- How many attempts are not ended, over all processes, by upstream and state.
SELECT upstream, state, count(*) AS attempts FROM attempts
WHERE state IN ('planned', 'sent') GROUP BY upstream, state;

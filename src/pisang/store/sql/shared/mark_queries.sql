-- What is true of the ledger as a whole.

-- name: mark_get
-- What stands under a name.
SELECT value FROM marks WHERE name = :mark;

-- name: mark_put
-- Writes something down under a name, unless something stands there.
INSERT INTO marks (name, value) VALUES (:mark, :value) ON CONFLICT (name) DO NOTHING;

-- Who may ask a gateway, and what he may. A key's text is never stored, only its SHA-256. Rows
-- stay for good: a gateway that had a key once asks for one ever after.

CREATE TABLE gateway_keys (
  id TEXT PRIMARY KEY NOT NULL, -- also the scope of what is asked with it
  name TEXT NOT NULL,
  digest BLOB NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('read', 'use', 'admin')),
  team TEXT,
  models TEXT NOT NULL DEFAULT '[]', -- JSON; empty: any
  max_size TEXT,
  rpm INTEGER,
  concurrency INTEGER,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) WITHOUT ROWID;

-- What a key asked for lately and what of it is under way; the command line's own is not counted.
CREATE INDEX requests_asked ON requests (scope, created_ms) WHERE scope <> 'local';
CREATE INDEX requests_working ON requests (scope, owner)
WHERE owner IS NOT NULL AND scope <> 'local';

-- The ledger as of schema 4, the same as in SQLite: see its files for what became of it when.
-- Texts are ordered by their bytes (COLLATE "C"), as there, whatever the database's own order is.
-- Times are milliseconds since the epoch, money is integer micro-units beside its currency.

CREATE TABLE pisang ( -- one row: that this schema is a ledger of ours, and of which number
  schema BIGINT NOT NULL
);
INSERT INTO pisang (schema) VALUES (0);

CREATE TABLE commits ( -- the newest group that each writer committed: asked for when a
  writer TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- connection broke before the answer to COMMIT came
  number BIGINT NOT NULL,
  at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- SQLite's words for the day of a time: that of this connection's time zone, which is set to the
-- asking machine's own.
CREATE FUNCTION date (seconds BIGINT, unit TEXT, zone TEXT) RETURNS TEXT LANGUAGE sql STABLE
RETURN to_char(to_timestamp(seconds), 'YYYY-MM-DD');

-- The texts of a JSON list. NUL, which no text can hold here, is U+FFFD as in every column.
CREATE FUNCTION pisang_texts (list TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE
RETURN json_array_elements_text(replace(list, '\u0000', U&'\FFFD')::json);

CREATE TABLE requests (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  created_ms BIGINT NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  face TEXT COLLATE "C" NOT NULL,
  prompt TEXT COLLATE "C" NOT NULL,
  glyphs BIGINT NOT NULL, -- a sketch of the prompt's characters: see store/search.py
  model TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL,
  spec TEXT COLLATE "C" NOT NULL, -- JSON, without pictures
  route TEXT COLLATE "C" NOT NULL DEFAULT '', -- where a gateway's caller asked it; '' at the other faces
  fingerprint TEXT COLLATE "C" NOT NULL,
  idempotency_key TEXT COLLATE "C",
  parent TEXT COLLATE "C",
  folder TEXT COLLATE "C",
  tags TEXT COLLATE "C" NOT NULL DEFAULT '[]', -- JSON
  state TEXT COLLATE "C" NOT NULL DEFAULT 'planned', -- of its attempts, kept by the same commit
  owner TEXT COLLATE "C", -- the process that works on it; NULL once it is finished with
  delivered BIGINT, -- whether a gateway's answer reached its caller to the last byte
  deleted_ms BIGINT, -- set: only the books are left of it
  client_owner TEXT COLLATE "C" -- the process that a client waits at for it
);
-- Without the prompt: an entry of an index holds no more than 2,700 bytes here.
CREATE INDEX requests_search ON requests (created_ms, glyphs, scope);
CREATE INDEX requests_state ON requests (state, created_ms);
CREATE INDEX requests_folder ON requests (scope, left(folder, 200), created_ms);
CREATE INDEX requests_twins ON requests (scope, route, fingerprint, created_ms);
CREATE INDEX requests_owner ON requests (owner) WHERE owner IS NOT NULL;
CREATE INDEX requests_parent ON requests (parent) WHERE parent IS NOT NULL;

CREATE TABLE keys (
  scope TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
  fingerprint TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX keys_request ON keys (request_id);

CREATE TABLE refs (
  request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
  sha256 TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (request_id, sha256)
);
CREATE INDEX refs_sha256 ON refs (sha256);

CREATE TABLE attempts (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
  ordinal BIGINT NOT NULL,
  upstream TEXT COLLATE "C" NOT NULL,
  wire TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  image_size TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL CHECK (state IN (
    'planned', 'sent', 'done', 'refused', 'failed', 'unknown', 'written_off', 'rebought')),
  charged TEXT COLLATE "C" NOT NULL CHECK (charged IN ('no', 'yes', 'unknown')),
  price_micros BIGINT, -- the worst case, in the upstream's currency
  price_currency TEXT COLLATE "C",
  held_micros BIGINT, -- the same in the ledger's currency
  counted_micros BIGINT NOT NULL DEFAULT 0, -- what budgets count of it now
  counted_currency TEXT COLLATE "C",
  cost_micros BIGINT, -- what moved, or may have
  cost_currency TEXT COLLATE "C",
  basis TEXT COLLATE "C" NOT NULL DEFAULT 'none',
  free BIGINT NOT NULL DEFAULT 0,
  owner TEXT COLLATE "C",
  created_ms BIGINT NOT NULL,
  sent_ms BIGINT,
  ended_ms BIGINT,
  deadline_ms BIGINT NOT NULL,
  log_id TEXT COLLATE "C",
  status BIGINT,
  error_code TEXT COLLATE "C",
  error_fields TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- JSON
  message TEXT COLLATE "C",
  excerpt TEXT COLLATE "C" NOT NULL DEFAULT '',
  finish_reason TEXT COLLATE "C",
  text TEXT COLLATE "C" NOT NULL DEFAULT '',
  usage TEXT COLLATE "C", -- JSON
  requested TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- JSON
  upstream_request_id TEXT COLLATE "C",
  response_id TEXT COLLATE "C",
  warnings TEXT COLLATE "C" NOT NULL DEFAULT '[]' -- JSON
);
CREATE INDEX attempts_request ON attempts (request_id, ordinal, created_ms);
CREATE INDEX attempts_starts ON attempts (upstream, sent_ms);
CREATE INDEX attempts_open ON attempts (upstream, owner) WHERE state IN ('planned', 'sent');
CREATE INDEX attempts_unknown ON attempts (sent_ms) WHERE state = 'unknown';

CREATE TABLE images (
  attempt_id TEXT COLLATE "C" NOT NULL REFERENCES attempts (id),
  ordinal BIGINT NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
  sha256 TEXT COLLATE "C" NOT NULL,
  mime TEXT COLLATE "C" NOT NULL,
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  draft BIGINT NOT NULL,
  declared TEXT COLLATE "C",
  parent TEXT COLLATE "C",
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (attempt_id, ordinal)
);
CREATE INDEX images_sha256 ON images (sha256);
CREATE INDEX images_request ON images (request_id);
CREATE INDEX images_created ON images (created_ms);
CREATE INDEX images_parent ON images (parent) WHERE parent IS NOT NULL;

CREATE TABLE answers (
  attempt_id TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES attempts (id),
  created_ms BIGINT NOT NULL,
  whole BIGINT NOT NULL DEFAULT 1, -- 0: its raw contents were let go, its signatures are left
  record BYTEA NOT NULL -- zlib over the JSON of domain/serial.py
);
CREATE INDEX answers_created ON answers (created_ms);

CREATE TABLE answer_contents (
  attempt_id TEXT COLLATE "C" NOT NULL REFERENCES answers (attempt_id),
  sha256 TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('image', 'signature', 'raw')),
  PRIMARY KEY (attempt_id, sha256)
);
CREATE INDEX answer_contents_sha256 ON answer_contents (sha256);

CREATE TABLE budgets (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  period TEXT COLLATE "C" NOT NULL CHECK (period IN ('day', 'month', 'total')),
  cap_micros BIGINT NOT NULL,
  cap_currency TEXT COLLATE "C" NOT NULL,
  time_zone TEXT COLLATE "C" NOT NULL
);
CREATE INDEX budgets_scope ON budgets (scope);

CREATE TABLE counters ( -- running sums of counted_micros, one a budget and window
  budget_id TEXT COLLATE "C" NOT NULL REFERENCES budgets (id),
  "window" TEXT COLLATE "C" NOT NULL,
  micros BIGINT NOT NULL,
  PRIMARY KEY (budget_id, "window")
);

-- The outbox: what is to happen with a request's images once they are safe (files written where
-- their user wants them). It is written with the request, so that whoever finds the images after a
-- crash knows what is still to be done.

CREATE TABLE outbox (
  request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
  owner TEXT COLLATE "C" NOT NULL, -- the process that asked for it, and does it unless it died
  spec TEXT COLLATE "C" NOT NULL, -- JSON: what is to be done
  created_ms BIGINT NOT NULL,
  done_ms BIGINT,
  result TEXT COLLATE "C", -- JSON: what it came to
  PRIMARY KEY (request_id, owner)
);

-- Who may ask a gateway, and what he may. A key's text is never stored, only its SHA-256. Rows
-- stay for good: a gateway that had a key once asks for one ever after.

CREATE TABLE gateway_keys (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- also the scope of what is asked with it
  name TEXT COLLATE "C" NOT NULL,
  digest BYTEA NOT NULL,
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('read', 'use', 'admin')),
  team TEXT COLLATE "C",
  models TEXT COLLATE "C" NOT NULL DEFAULT '[]', -- JSON; empty: any
  max_size TEXT COLLATE "C",
  rpm BIGINT,
  concurrency BIGINT,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT,
  revoked_ms BIGINT
);

-- What a key asked for lately and what of it is under way; the command line's own is not counted.
CREATE INDEX requests_asked ON requests (scope, created_ms) WHERE scope <> 'local';
CREATE INDEX requests_working ON requests (scope, owner)
WHERE owner IS NOT NULL AND scope <> 'local';

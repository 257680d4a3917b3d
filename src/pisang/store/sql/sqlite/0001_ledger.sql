-- The ledger: requests, their attempts, the images they made, the money they hold.
-- Times are milliseconds since the epoch, money is integer micro-units beside its currency.

CREATE TABLE requests (
  id TEXT PRIMARY KEY NOT NULL,
  created_ms INTEGER NOT NULL,
  scope TEXT NOT NULL,
  face TEXT NOT NULL,
  prompt TEXT NOT NULL,
  glyphs INTEGER NOT NULL, -- a sketch of the prompt's characters: see store/search.py
  model TEXT NOT NULL,
  n INTEGER NOT NULL,
  spec TEXT NOT NULL, -- JSON, without pictures
  route TEXT NOT NULL DEFAULT '', -- where a gateway's caller asked it; '' at the other faces
  fingerprint TEXT NOT NULL,
  idempotency_key TEXT,
  parent TEXT,
  folder TEXT,
  tags TEXT NOT NULL DEFAULT '[]', -- JSON
  state TEXT NOT NULL DEFAULT 'planned', -- of its attempts, kept by the same commit
  owner TEXT, -- the process that works on it; NULL once it is finished with
  delivered INTEGER, -- whether a gateway's answer reached its caller to the last byte
  deleted_ms INTEGER -- set: only the books are left of it
);
CREATE INDEX requests_search ON requests (created_ms, glyphs, scope, prompt);
CREATE INDEX requests_state ON requests (state, created_ms);
CREATE INDEX requests_folder ON requests (scope, folder, created_ms);
CREATE INDEX requests_twins ON requests (scope, route, fingerprint, created_ms);
CREATE INDEX requests_owner ON requests (owner) WHERE owner IS NOT NULL;
CREATE INDEX requests_parent ON requests (parent) WHERE parent IS NOT NULL;

CREATE TABLE keys (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  fingerprint TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX keys_request ON keys (request_id);

CREATE TABLE refs (
  request_id TEXT NOT NULL REFERENCES requests (id),
  sha256 TEXT NOT NULL,
  PRIMARY KEY (request_id, sha256)
) WITHOUT ROWID;
CREATE INDEX refs_sha256 ON refs (sha256);

CREATE TABLE attempts (
  id TEXT PRIMARY KEY NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  ordinal INTEGER NOT NULL,
  upstream TEXT NOT NULL,
  wire TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  image_size TEXT,
  state TEXT NOT NULL CHECK (state IN (
    'planned', 'sent', 'done', 'refused', 'failed', 'unknown', 'written_off', 'rebought')),
  charged TEXT NOT NULL CHECK (charged IN ('no', 'yes', 'unknown')),
  price_micros INTEGER, -- the worst case, in the upstream's currency
  price_currency TEXT,
  held_micros INTEGER, -- the same in the ledger's currency
  counted_micros INTEGER NOT NULL DEFAULT 0, -- what budgets count of it now
  counted_currency TEXT,
  cost_micros INTEGER, -- what moved, or may have
  cost_currency TEXT,
  basis TEXT NOT NULL DEFAULT 'none',
  free INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  created_ms INTEGER NOT NULL,
  sent_ms INTEGER,
  ended_ms INTEGER,
  deadline_ms INTEGER NOT NULL,
  log_id TEXT,
  status INTEGER,
  error_code TEXT,
  error_fields TEXT NOT NULL DEFAULT '{}', -- JSON
  message TEXT,
  excerpt TEXT NOT NULL DEFAULT '',
  finish_reason TEXT,
  text TEXT NOT NULL DEFAULT '',
  usage TEXT, -- JSON
  requested TEXT NOT NULL DEFAULT '{}', -- JSON
  upstream_request_id TEXT,
  response_id TEXT,
  warnings TEXT NOT NULL DEFAULT '[]' -- JSON
);
CREATE INDEX attempts_request ON attempts (request_id, ordinal, created_ms);
CREATE INDEX attempts_starts ON attempts (upstream, sent_ms);
CREATE INDEX attempts_open ON attempts (upstream, owner) WHERE state IN ('planned', 'sent');
CREATE INDEX attempts_unknown ON attempts (sent_ms) WHERE state = 'unknown';

CREATE TABLE images (
  attempt_id TEXT NOT NULL REFERENCES attempts (id),
  ordinal INTEGER NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  sha256 TEXT NOT NULL,
  mime TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  draft INTEGER NOT NULL,
  declared TEXT,
  parent TEXT,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (attempt_id, ordinal)
);
CREATE INDEX images_sha256 ON images (sha256);
CREATE INDEX images_request ON images (request_id);
CREATE INDEX images_created ON images (created_ms);
CREATE INDEX images_parent ON images (parent) WHERE parent IS NOT NULL;

CREATE TABLE answers (
  attempt_id TEXT PRIMARY KEY NOT NULL REFERENCES attempts (id),
  created_ms INTEGER NOT NULL,
  whole INTEGER NOT NULL DEFAULT 1, -- 0: its raw contents were let go, its signatures are left
  record BLOB NOT NULL -- zlib over the JSON of domain/serial.py
);
CREATE INDEX answers_created ON answers (created_ms);

CREATE TABLE answer_contents (
  attempt_id TEXT NOT NULL REFERENCES answers (attempt_id),
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('image', 'signature', 'raw')),
  PRIMARY KEY (attempt_id, sha256)
) WITHOUT ROWID;
CREATE INDEX answer_contents_sha256 ON answer_contents (sha256);

CREATE TABLE budgets (
  id TEXT PRIMARY KEY NOT NULL,
  scope TEXT NOT NULL,
  period TEXT NOT NULL CHECK (period IN ('day', 'month', 'total')),
  cap_micros INTEGER NOT NULL,
  cap_currency TEXT NOT NULL,
  time_zone TEXT NOT NULL
);
CREATE INDEX budgets_scope ON budgets (scope);

CREATE TABLE counters ( -- running sums of counted_micros, one a budget and window
  budget_id TEXT NOT NULL REFERENCES budgets (id),
  "window" TEXT NOT NULL,
  micros INTEGER NOT NULL,
  PRIMARY KEY (budget_id, "window")
) WITHOUT ROWID;

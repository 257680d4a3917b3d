-- A gateway's callers: keys and teams that the settings declare, who is told when a request is
-- over, and which budgets were found nearly used up.

ALTER TABLE gateway_keys ADD COLUMN declared INTEGER NOT NULL DEFAULT 0; -- 1: the settings name it
ALTER TABLE gateway_keys ADD COLUMN hook TEXT; -- JSON: where its requests' ends are told

CREATE TABLE gateway_teams (
  name TEXT PRIMARY KEY NOT NULL,
  hook TEXT, -- the same for those of its keys that have none of their own
  declared INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY NOT NULL, -- the same whenever it is told again
  request_id TEXT REFERENCES requests (id),
  url TEXT NOT NULL,
  secret TEXT, -- what it is signed with
  base TEXT NOT NULL DEFAULT '', -- before the addresses of images
  body TEXT, -- JSON: what is told; NULL: the request, as it stands then
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
  tries INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL, -- not before then
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  status INTEGER, -- what the other side answered last
  problem TEXT, -- or why it did not
  UNIQUE (request_id, url)
) WITHOUT ROWID;
CREATE INDEX webhooks_waiting ON webhooks (next_ms) WHERE state = 'waiting';

CREATE TABLE budget_alerts ( -- one a budget, window and mark, however often it is passed
  budget_id TEXT NOT NULL,
  "window" TEXT NOT NULL,
  percent INTEGER NOT NULL,
  used_micros INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  told_ms INTEGER,
  PRIMARY KEY (budget_id, "window", percent)
) WITHOUT ROWID;
CREATE INDEX budget_alerts_untold ON budget_alerts (at_ms) WHERE told_ms IS NULL;

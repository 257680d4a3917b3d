-- A gateway's callers: keys and teams that the settings declare, who is told when a request is
-- over, and which budgets were found nearly used up.

ALTER TABLE gateway_keys ADD COLUMN declared BIGINT NOT NULL DEFAULT 0; -- 1: the settings name it
ALTER TABLE gateway_keys ADD COLUMN hook TEXT COLLATE "C"; -- JSON: where its requests' ends are told

CREATE TABLE gateway_teams (
  name TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  hook TEXT COLLATE "C", -- the same for those of its keys that have none of their own
  declared BIGINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL
);

CREATE TABLE webhooks (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- the same whenever it is told again
  request_id TEXT COLLATE "C" REFERENCES requests (id),
  url TEXT COLLATE "C" NOT NULL,
  secret TEXT COLLATE "C", -- what it is signed with
  base TEXT COLLATE "C" NOT NULL DEFAULT '', -- before the addresses of images
  body TEXT COLLATE "C", -- JSON: what is told; NULL: the request, as it stands then
  state TEXT COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
  tries BIGINT NOT NULL DEFAULT 0,
  next_ms BIGINT NOT NULL, -- not before then
  created_ms BIGINT NOT NULL,
  ended_ms BIGINT,
  status BIGINT, -- what the other side answered last
  problem TEXT COLLATE "C", -- or why it did not
  UNIQUE (request_id, url)
);
CREATE INDEX webhooks_waiting ON webhooks (next_ms) WHERE state = 'waiting';

CREATE TABLE budget_alerts ( -- one a budget, window and mark, however often it is passed
  budget_id TEXT COLLATE "C" NOT NULL,
  "window" TEXT COLLATE "C" NOT NULL,
  percent BIGINT NOT NULL,
  used_micros BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  told_ms BIGINT,
  PRIMARY KEY (budget_id, "window", percent)
);
CREATE INDEX budget_alerts_untold ON budget_alerts (at_ms) WHERE told_ms IS NULL;

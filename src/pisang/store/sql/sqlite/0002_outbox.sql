-- The outbox: what is to happen with a request's images once they are safe (files written where
-- their user wants them). It is written with the request, so that whoever finds the images after a
-- crash knows what is still to be done.

CREATE TABLE outbox (
  request_id TEXT NOT NULL REFERENCES requests (id),
  owner TEXT NOT NULL, -- the process that asked for it, and does it unless it died
  spec TEXT NOT NULL, -- JSON: what is to be done
  created_ms INTEGER NOT NULL,
  done_ms INTEGER,
  result TEXT, -- JSON: what it came to
  PRIMARY KEY (request_id, owner)
) WITHOUT ROWID;

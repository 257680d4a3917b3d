-- Who waits for an answer: a request that nobody waits for, and whose outcome nobody was told, is
-- joined by an equal one that comes without a key.

ALTER TABLE requests ADD COLUMN client_owner TEXT; -- the process that a client waits at for it

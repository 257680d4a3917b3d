-- The gallery: beside each image what it is looked for by, and how its users marked it.

ALTER TABLE images ADD COLUMN asked_ms INTEGER NOT NULL DEFAULT 0; -- when its request was made
ALTER TABLE images ADD COLUMN scope TEXT NOT NULL DEFAULT ''; -- its request's
ALTER TABLE images ADD COLUMN model TEXT NOT NULL DEFAULT ''; -- its attempt's, as the next two
ALTER TABLE images ADD COLUMN upstream TEXT NOT NULL DEFAULT '';
ALTER TABLE images ADD COLUMN image_size TEXT;
ALTER TABLE images ADD COLUMN favourite_ms INTEGER; -- since when it is one
ALTER TABLE images ADD COLUMN trashed_ms INTEGER; -- since when it lies in the trash
UPDATE images SET (asked_ms, scope, model, upstream, image_size) = (
  SELECT r.created_ms, r.scope, a.model, a.upstream, a.image_size
  FROM attempts AS a JOIN requests AS r ON r.id = a.request_id WHERE a.id = images.attempt_id);

-- Whatever is looked for, a walk over one index tells which of them fit.
CREATE INDEX images_gallery ON images (asked_ms, request_id, scope, model, upstream, image_size,
  width, height)
WHERE draft = 0 AND trashed_ms IS NULL;
CREATE INDEX images_favourites ON images (favourite_ms) WHERE favourite_ms IS NOT NULL;
CREATE INDEX images_trashed ON images (trashed_ms) WHERE trashed_ms IS NOT NULL;

CREATE TABLE archives ( -- images that somebody is about to fetch as one file
  id TEXT PRIMARY KEY NOT NULL,
  scope TEXT NOT NULL, -- whose they are to be
  images TEXT NOT NULL, -- JSON: a list of `request/hash`
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;

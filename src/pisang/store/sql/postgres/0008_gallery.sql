-- The gallery: beside each image what it is looked for by, and how its users marked it.

ALTER TABLE images ADD COLUMN asked_ms BIGINT NOT NULL DEFAULT 0; -- when its request was made
ALTER TABLE images ADD COLUMN scope TEXT COLLATE "C" NOT NULL DEFAULT ''; -- its request's
ALTER TABLE images ADD COLUMN model TEXT COLLATE "C" NOT NULL DEFAULT ''; -- its attempt's, as the next two
ALTER TABLE images ADD COLUMN upstream TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE images ADD COLUMN image_size TEXT COLLATE "C";
ALTER TABLE images ADD COLUMN favourite_ms BIGINT; -- since when it is one
ALTER TABLE images ADD COLUMN trashed_ms BIGINT; -- since when it lies in the trash
UPDATE images SET (asked_ms, scope, model, upstream, image_size) = (
  SELECT r.created_ms, r.scope, a.model, a.upstream, a.image_size
  FROM attempts AS a JOIN requests AS r ON r.id = a.request_id WHERE a.id = images.attempt_id);

-- Without the words: an entry of an index holds no more than 2,700 bytes here.
CREATE INDEX images_gallery ON images (asked_ms, request_id)
WHERE draft = 0 AND trashed_ms IS NULL;
CREATE INDEX images_favourites ON images (favourite_ms) WHERE favourite_ms IS NOT NULL;
CREATE INDEX images_trashed ON images (trashed_ms) WHERE trashed_ms IS NOT NULL;

CREATE TABLE archives ( -- images that somebody is about to fetch as one file
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  scope TEXT COLLATE "C" NOT NULL, -- whose they are to be
  images TEXT COLLATE "C" NOT NULL, -- JSON: a list of `request/hash`
  until_ms BIGINT NOT NULL
);

-- With the id, so that a walk over it is in the order that is asked for, and ends where enough was found.
DROP INDEX requests_search;
CREATE INDEX requests_search ON requests (created_ms, id, glyphs, scope);

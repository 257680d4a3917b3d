-- What a gallery shows, and what its users marked.
--
-- Each walk is in the order of an index, so that it ends at its limit however little PostgreSQL's planner
-- knows of the values (from the sixth time on it plans without). That a prompt is matched in a CASE keeps
-- it from taking a match for something rare.

-- name: gallery_newest
-- The images that fit and lie in no trash, newest request first.
SELECT i.*, r.prompt
FROM images AS i INDEXED BY images_gallery
JOIN requests AS r ON r.id = i.request_id
WHERE i.draft = 0 AND i.trashed_ms IS NULL AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
ORDER BY i.asked_ms DESC, i.request_id DESC LIMIT :limit;

-- name: gallery_newest_count
-- How many of these there are, counted up to the limit.
SELECT count(*) AS images FROM (SELECT 1 AS one FROM images AS i INDEXED BY images_gallery
WHERE i.draft = 0 AND i.trashed_ms IS NULL AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
LIMIT :limit) AS counted;

-- name: gallery_found
-- The same where the prompt holds the pattern: the walk of history_search.
SELECT i.*, r.prompt
FROM requests AS r INDEXED BY requests_search
JOIN images AS i INDEXED BY images_request ON i.request_id = r.id
WHERE r.created_ms BETWEEN :since_ms AND :before_ms AND (r.scope = :scope OR :scope IS NULL)
  AND (r.created_ms < :before_ms OR r.id < :before_id)
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.draft = 0 AND i.trashed_ms IS NULL
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
ORDER BY r.created_ms DESC, r.id DESC LIMIT :limit;

-- name: gallery_found_count
-- How many of these there are, counted up to the limit.
SELECT count(*) AS images FROM (SELECT 1 AS one FROM requests AS r INDEXED BY requests_search
JOIN images AS i INDEXED BY images_request ON i.request_id = r.id
WHERE r.created_ms BETWEEN :since_ms AND :before_ms AND (r.scope = :scope OR :scope IS NULL)
  AND (r.created_ms < :before_ms OR r.id < :before_id)
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.draft = 0 AND i.trashed_ms IS NULL
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
LIMIT :limit) AS counted;

-- name: gallery_favourites
-- Those of them that are favourites.
SELECT i.*, r.prompt
FROM images AS i INDEXED BY images_favourites
JOIN requests AS r ON r.id = i.request_id
WHERE i.favourite_ms IS NOT NULL AND i.draft = 0 AND i.trashed_ms IS NULL
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
ORDER BY i.asked_ms DESC, i.request_id DESC LIMIT :limit;

-- name: gallery_favourites_count
-- How many of these there are, counted up to the limit.
SELECT count(*) AS images FROM (SELECT 1 AS one FROM images AS i INDEXED BY images_favourites
JOIN requests AS r ON r.id = i.request_id
WHERE i.favourite_ms IS NOT NULL AND i.draft = 0 AND i.trashed_ms IS NULL
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
LIMIT :limit) AS counted;

-- name: gallery_trash
-- Those that fit and lie in the trash.
SELECT i.*, r.prompt
FROM images AS i INDEXED BY images_trashed
JOIN requests AS r ON r.id = i.request_id
WHERE i.trashed_ms IS NOT NULL AND i.draft = 0 AND (:favourite = 0 OR i.favourite_ms IS NOT NULL)
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
ORDER BY i.asked_ms DESC, i.request_id DESC LIMIT :limit;

-- name: gallery_trash_count
-- How many of these there are, counted up to the limit.
SELECT count(*) AS images FROM (SELECT 1 AS one FROM images AS i INDEXED BY images_trashed
JOIN requests AS r ON r.id = i.request_id
WHERE i.trashed_ms IS NOT NULL AND i.draft = 0 AND (:favourite = 0 OR i.favourite_ms IS NOT NULL)
  AND CASE WHEN r.glyphs & :glyphs = :glyphs THEN r.prompt LIKE :pattern ESCAPE '\' ELSE false END
  AND i.asked_ms BETWEEN :since_ms AND :before_ms
  AND (i.asked_ms < :before_ms OR i.request_id < :before_id)
  AND (i.scope = :scope OR :scope IS NULL)
  AND (CAST(:model AS TEXT) IS NULL OR i.model = :model)
  AND (CAST(:upstream AS TEXT) IS NULL OR i.upstream = :upstream)
  AND (CAST(:image_size AS TEXT) IS NULL OR i.image_size = :image_size)
  AND i.width > :low * i.height AND i.width < :high * i.height
LIMIT :limit) AS counted;

-- name: gallery_one
-- One image by its whole hash, with the newest wish that made it, wherever it lies.
SELECT i.*, r.prompt
FROM images AS i JOIN requests AS r ON r.id = i.request_id
WHERE i.sha256 = :sha256 AND i.draft = 0 AND (i.scope = :scope OR :scope IS NULL)
ORDER BY i.asked_ms DESC, i.request_id DESC LIMIT 1;

-- name: images_among
-- Those of these images (a JSON list of `request/hash`) that there are.
SELECT i.request_id, i.sha256, max(i.bytes) AS bytes, max(i.favourite_ms) AS favourite_ms,
  max(i.trashed_ms) AS trashed_ms
FROM json_each(:pairs) AS p
JOIN images AS i ON i.request_id = substr(p.value, 1, length(p.value) - 65)
  AND i.sha256 = substr(p.value, length(p.value) - 63)
WHERE i.draft = 0 AND (i.scope = :scope OR :scope IS NULL)
GROUP BY i.request_id, i.sha256;

-- name: images_favour
-- Makes these images favourites as of a time, or no longer (NULL).
UPDATE images SET favourite_ms = :at_ms WHERE request_id || '/' || sha256 IN (
    SELECT value FROM json_each(:pairs))
  AND request_id IN (SELECT substr(value, 1, length(value) - 65) FROM json_each(:pairs));

-- name: images_trash
-- Puts these images into the trash as of a time, or takes them out (NULL).
UPDATE images SET trashed_ms = :at_ms WHERE request_id || '/' || sha256 IN (
    SELECT value FROM json_each(:pairs))
  AND request_id IN (SELECT substr(value, 1, length(value) - 65) FROM json_each(:pairs));

-- name: archive_put
-- Notes which images are to be fetched as one file, by whom, and until when.
INSERT INTO archives (id, scope, images, until_ms) VALUES (:id, :scope, :images, :until_ms);

-- name: archives_sweep
-- Forgets those whose time is over.
DELETE FROM archives WHERE until_ms <= :now_ms;

-- name: archive_get
-- The images of one that is still to be had.
SELECT images FROM archives WHERE id = :id AND scope = :scope AND until_ms > :now_ms;

-- name: requests_trashed
-- The requests of which every image was put into the trash before a time, a few of them.
SELECT DISTINCT i.request_id FROM images AS i INDEXED BY images_trashed
WHERE i.trashed_ms < :before_ms AND i.request_id > :after AND NOT EXISTS (
  SELECT 1 FROM images AS other WHERE other.request_id = i.request_id AND other.draft = 0
    AND (other.trashed_ms IS NULL OR other.trashed_ms >= :before_ms))
ORDER BY i.request_id LIMIT :limit;

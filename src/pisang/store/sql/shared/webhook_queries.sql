-- Who is to be told what, and how far that is.

-- name: webhook_put
-- Writes down that somebody is to be told; once for each request and address.
INSERT INTO webhooks (id, request_id, url, secret, base, body, next_ms, created_ms)
VALUES (:id, :request_id, :url, :secret, :base, :body, :next_ms, :next_ms)
ON CONFLICT DO NOTHING;

-- name: webhooks_due
-- What may be told now: nobody works on its request any more.
SELECT w.*, r.state AS request_state FROM webhooks AS w
LEFT JOIN requests AS r ON r.id = w.request_id
WHERE w.state = 'waiting' AND w.next_ms <= :now_ms
  AND (w.request_id IS NULL OR (r.owner IS NULL AND r.state <> 'sent'
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE request_id = w.request_id AND ended IS NULL)))
ORDER BY w.next_ms, w.id LIMIT :most;

-- name: webhook_take
-- Gives one try to whoever asks first: the others see that its time has moved.
UPDATE webhooks SET tries = tries + 1, next_ms = :until_ms
WHERE id = :id AND state = 'waiting' AND next_ms = :seen_ms;

-- name: webhook_tell
-- Writes down how a try ended.
UPDATE webhooks SET state = :state, status = :status, problem = :problem, next_ms = :next_ms,
  ended_ms = :ended_ms
WHERE id = :id;

-- name: webhook_again
-- Begins anew with one that ended, or waits.
UPDATE webhooks SET state = 'waiting', tries = 0, next_ms = :now_ms, ended_ms = NULL
WHERE id = :id;

-- name: webhook_drop
-- Takes away what was not told of a request yet.
DELETE FROM webhooks WHERE request_id = :request_id AND tries = 0;

-- name: webhook_by_id
-- One of them.
SELECT * FROM webhooks WHERE id = :id;

-- name: webhooks_of_request
-- Those of a request, oldest first.
SELECT * FROM webhooks WHERE request_id = :request_id ORDER BY created_ms, id;

-- name: webhooks_of_state
-- Those in a state, newest first, of one scope or of all.
SELECT w.* FROM webhooks AS w LEFT JOIN requests AS r ON r.id = w.request_id
WHERE w.state = :state AND (r.scope = :scope OR :scope IS NULL)
ORDER BY w.created_ms DESC, w.id LIMIT :most;

-- name: request_webhooks_delete
-- Forgets who was told of a request.
DELETE FROM webhooks WHERE request_id = :id;

-- name: budget_alert_put
-- Writes down that a budget passed a mark; once for each of its windows.
INSERT INTO budget_alerts (budget_id, "window", percent, used_micros, at_ms)
VALUES (:budget_id, :window, :percent, :used_micros, :at_ms)
ON CONFLICT DO NOTHING;

-- name: budget_alerts_untold
-- The marks that nobody was told of, oldest first, with their budgets.
SELECT a.budget_id, a."window", a.percent, a.used_micros, a.at_ms,
  b.id, b.scope, b.period, b.cap_micros, b.cap_currency, b.time_zone
FROM budget_alerts AS a JOIN budgets AS b ON b.id = a.budget_id
WHERE a.told_ms IS NULL ORDER BY a.at_ms, a.budget_id, a.percent;

-- name: budget_alert_told
-- Gives the telling to whoever asks first.
UPDATE budget_alerts SET told_ms = :at_ms
WHERE budget_id = :budget_id AND "window" = :window AND percent = :percent AND told_ms IS NULL;

-- name: budget_alerts_forget
-- A budget that is set anew begins without marks.
DELETE FROM budget_alerts WHERE budget_id = :budget_id;

-- A funnel as tutorials that are exact have it: for every request the latest first step so far whose way has come to this step,
-- a running maximum for each further step. (The common form, the first of each step after the one before, is not exact.)
WITH one AS (
    SELECT user_id, created_at, feature, max(created_at) FILTER (WHERE feature = 'chat') OVER in_order AS start
    FROM log WINDOW in_order AS (PARTITION BY user_id ORDER BY created_at)
), two AS (
    SELECT user_id, created_at, feature, start AS start_1,
        max(start) FILTER (WHERE feature = 'summarize' AND created_at <= start + interval '7 days') OVER in_order AS start
    FROM one WINDOW in_order AS (PARTITION BY user_id ORDER BY created_at)
), three AS (
    SELECT user_id, created_at, feature, start_1, start AS start_2,
        max(start) FILTER (WHERE feature = 'code' AND created_at <= start + interval '7 days') OVER in_order AS start
    FROM two WINDOW in_order AS (PARTITION BY user_id ORDER BY created_at)
), person AS (
    SELECT user_id, count(start_1) > 0 AS reached_1, count(start_2) > 0 AS reached_2, count(start) > 0 AS reached_3,
        bool_or(feature = 'search' AND created_at <= start + interval '7 days') AS reached_4
    FROM three GROUP BY user_id
)
SELECT s.step_number, count(*) FILTER (WHERE CASE s.step_number WHEN 1 THEN reached_1 WHEN 2 THEN reached_2 WHEN 3 THEN reached_3 ELSE reached_4 END) AS users
FROM person CROSS JOIN generate_series(1, 4) AS s(step_number)
WHERE btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
GROUP BY s.step_number ORDER BY s.step_number

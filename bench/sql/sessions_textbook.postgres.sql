-- Sessions as most would write them: the gap to the request before by lag(), a running sum that numbers the sessions, and a
-- grouping by that number.
WITH request AS (
    SELECT user_id, created_at, lag(created_at) OVER (PARTITION BY user_id ORDER BY created_at) AS previous FROM log
), numbered AS (
    SELECT user_id, created_at, count(*) FILTER (WHERE (created_at <= previous + interval '30 minutes') IS NOT TRUE)
        OVER (PARTITION BY user_id ORDER BY created_at ROWS UNBOUNDED PRECEDING) AS session
    FROM request
    WHERE created_at IS NOT NULL
), session AS (
    SELECT user_id, count(*) AS requests, min(created_at) AS started, max(created_at) AS ended
    FROM numbered
    WHERE btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
    GROUP BY user_id, session
), closed AS (
    SELECT *, ended + interval '30 minutes' < (SELECT max(created_at) FROM log) AS closed, date_part('epoch', ended - started) AS seconds
    FROM session
)
SELECT count(DISTINCT user_id) AS users, count(*) AS sessions, sum(requests)::bigint AS requests,
    avg(seconds) FILTER (WHERE closed) AS active_mean_seconds,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE closed) AS active_median_seconds,
    avg((requests = 1)::int) FILTER (WHERE closed)::float8 AS single_request_share
FROM closed

-- Sessions in DuckDB: per user the sorted times and the places where a session begins. Tried (seconds): this form 1.5; begins and
-- ends of a session from the unfolded list 1.9; windows twice, the second over what begins or ends, 2.6; lag and a running
-- sum 3.6.
WITH person AS (
    SELECT user_id, list_sort(list(epoch_us(created_at))) AS times FROM log GROUP BY ALL
), begins AS (
    SELECT user_id, times, list_filter(range(1, len(times) + 1), lambda i: i = 1 OR times[i] - times[i - 1] > 1800000000) AS firsts FROM person
), piece AS (
    SELECT user_id, times, unnest(firsts) AS first, unnest(list_append(firsts[2:], len(times) + 1)) AS after FROM begins
), session AS MATERIALIZED (
    SELECT user_id, first, times[first] AS started, times[after - 1] AS ended, after - first AS requests FROM piece
)
SELECT count(*) FILTER (WHERE first = 1) AS users, count(*) AS sessions, CAST(sum(requests) AS BIGINT) AS requests,
    CAST(sum(micros) FILTER (WHERE closed) AS DOUBLE) / 1000000 / count(*) FILTER (WHERE closed) AS active_mean_seconds,
    quantile_cont(micros, 0.5) FILTER (WHERE closed) / 1000000 AS active_median_seconds,
    count(*) FILTER (WHERE closed AND requests = 1) / count(*) FILTER (WHERE closed) AS single_request_share
FROM (
    SELECT first, requests, ended - started AS micros, ended + 1800000000 < (SELECT max(ended) FROM session) AS closed
    FROM session WHERE trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
)

-- Sessions: a user's requests with gaps of at most 30 minutes. Of each user's sorted times only those matter that begin or end a
-- session, so neither a running sum nor a grouping of all requests by session is needed: the n-th end belongs to the n-th
-- begin. The users are dealt out to two processes as in engagement.postgres.sql, with its settings. The arrays are in order because
-- array_agg takes the rows of a sorted subquery as they come. Tried on 10 million requests with work_mem = 2GB (seconds):
--   this form                                                                              15
--   one process, lag() and lead(), then lead() over what begins or ends, parallel sort     22
--   the same, no parallel sort                                                             27
--   the classic: lag(), a running sum, GROUP BY, with COLLATE "C"                          35
--   the classic, default collation                                                         45
WITH session AS MATERIALIZED (
    SELECT user_id, unnest(array_agg(number) FILTER (WHERE begins)) AS first, unnest(array_agg(number) FILTER (WHERE ends)) AS last,
        unnest(array_agg(created_at) FILTER (WHERE begins)) AS started, unnest(array_agg(created_at) FILTER (WHERE ends)) AS ended
    FROM (
        SELECT user_id, number, created_at, (created_at <= previous + interval '30 minutes') IS NOT TRUE AS begins,
            (next <= created_at + interval '30 minutes') IS NOT TRUE AS ends
        FROM (
            SELECT user_id, unnest(times) AS created_at, unnest(NULL::timestamptz || times) AS previous,
                unnest(times[2:] || NULL::timestamptz) AS next, generate_series(1, cardinality(times)) AS number
            FROM (
                SELECT user_id COLLATE "C" AS user_id, array_agg(created_at) AS times
                FROM (
                    SELECT user_id, created_at FROM log WHERE (hashtext(user_id) < 0) IS TRUE
                    ORDER BY user_id COLLATE "C", 2
                ) AS request
                GROUP BY 1
            ) AS person
        ) AS request
        WHERE created_at IS NOT NULL
    ) AS request
    WHERE begins OR ends
    GROUP BY 1
    UNION ALL
    SELECT user_id, unnest(array_agg(number) FILTER (WHERE begins)) AS first, unnest(array_agg(number) FILTER (WHERE ends)) AS last,
        unnest(array_agg(created_at) FILTER (WHERE begins)) AS started, unnest(array_agg(created_at) FILTER (WHERE ends)) AS ended
    FROM (
        SELECT user_id, number, created_at, (created_at <= previous + interval '30 minutes') IS NOT TRUE AS begins,
            (next <= created_at + interval '30 minutes') IS NOT TRUE AS ends
        FROM (
            SELECT user_id, unnest(times) AS created_at, unnest(NULL::timestamptz || times) AS previous,
                unnest(times[2:] || NULL::timestamptz) AS next, generate_series(1, cardinality(times)) AS number
            FROM (
                SELECT user_id COLLATE "C" AS user_id, array_agg(created_at) AS times
                FROM (
                    SELECT user_id, created_at FROM log WHERE (hashtext(user_id) < 0) IS NOT TRUE
                    ORDER BY user_id COLLATE "C", 2
                ) AS request
                GROUP BY 1
            ) AS person
        ) AS request
        WHERE created_at IS NOT NULL
    ) AS request
    WHERE begins OR ends
    GROUP BY 1
)
SELECT count(*) FILTER (WHERE first = 1) AS users, count(*) AS sessions, sum(requests)::bigint AS requests,
    sum(micros) FILTER (WHERE closed)::float8 / 1000000 / nullif(count(*) FILTER (WHERE closed), 0) AS active_mean_seconds,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) FILTER (WHERE closed) / 1000000 AS active_median_seconds,
    count(*) FILTER (WHERE closed AND requests = 1)::float8 / nullif(count(*) FILTER (WHERE closed), 0) AS single_request_share
FROM (
    SELECT first, last - first + 1 AS requests, round(date_part('epoch', ended - started) * 1000000)::bigint AS micros,
        ended + interval '30 minutes' < last_request AS closed
    FROM session, (SELECT max(ended) AS last_request FROM session) AS log_end
    WHERE btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
) AS session

-- Daily, weekly and monthly users in DuckDB: days counted by the gap to the next, as in engagement.postgres.sql, from a sorted
-- list of days per user. Tried (seconds): this form 0.58; lead() over the pairs 0.73; three groupings by day instead of one by day
-- and gap, and a second scan for the last day, 0.86.
WITH pair AS (
    SELECT user_id, created_at::date AS day FROM log GROUP BY ALL
), person AS (
    SELECT coalesce(trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id'), false) AS counted, list_sort(list(day)) AS days
    FROM pair GROUP BY user_id
), span AS MATERIALIZED (
    SELECT day, counted, CAST(least(next - day, 30) AS INTEGER) AS gap, count(*) AS users
    FROM (SELECT counted, unnest(days) AS day, unnest(list_append(days[2:], NULL)) AS next FROM person)
    GROUP BY ALL
), change AS (
    SELECT day, users AS begins, 0 AS weekly, 0 AS monthly FROM span WHERE counted
    UNION ALL SELECT day + least(gap, 7), 0, users, 0 FROM span WHERE counted
    UNION ALL SELECT day + gap, 0, 0, users FROM span WHERE counted
    UNION ALL SELECT CAST(unnest(generate_series(first::timestamp, last::timestamp, INTERVAL 1 DAY)) AS DATE), 0, 0, 0
    FROM (SELECT min(day) FILTER (WHERE counted) AS first, max(day) AS last FROM span)
), total AS (
    SELECT day, sum(begins) AS begins, sum(weekly) AS weekly, sum(monthly) AS monthly FROM change GROUP BY ALL
)
SELECT day, CAST(begins AS BIGINT) AS daily_users, CAST(sum(begins - weekly) OVER (ORDER BY day) AS BIGINT) AS weekly_users,
    CAST(sum(begins - monthly) OVER (ORDER BY day) AS BIGINT) AS monthly_users
FROM total WHERE day <= (SELECT max(day) FROM span)
ORDER BY 1

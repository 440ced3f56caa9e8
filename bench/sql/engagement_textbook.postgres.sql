-- Daily users and those of the trailing 7 and 30 days as tutorials teach it: every day joined with the 30 up to it.
WITH active AS MATERIALIZED (
    SELECT DISTINCT user_id, created_at::date AS day
    FROM log
    WHERE user_id IS NOT NULL AND btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
)
SELECT d::date AS day, count(DISTINCT user_id) FILTER (WHERE a.day = d::date) AS daily_users,
    count(DISTINCT user_id) FILTER (WHERE a.day > d::date - 7) AS weekly_users, count(DISTINCT user_id) AS monthly_users
FROM generate_series((SELECT min(day) FROM active), (SELECT max(created_at)::date FROM log), interval '1 day') AS d
    JOIN active AS a ON a.day BETWEEN d::date - 29 AND d::date
GROUP BY 1, d
ORDER BY 1

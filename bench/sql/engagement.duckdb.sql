-- Daily, weekly and monthly users in DuckDB, by running sums as in engagement.postgres.sql.
WITH pair AS MATERIALIZED (
    SELECT user_id, created_at::date AS day FROM log GROUP BY ALL
), active AS MATERIALIZED (
    SELECT day, coalesce(lead(day) OVER (PARTITION BY user_id ORDER BY day), DATE '9999-01-01') AS next FROM pair
    WHERE trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
), begins AS (
    SELECT day, count(*) AS users FROM active GROUP BY ALL
), ceases AS (
    SELECT day, sum(weekly) AS weekly, sum(monthly) AS monthly FROM (
        SELECT least(next, day + 7) AS day, count(*) AS weekly, 0 AS monthly FROM active GROUP BY 1
        UNION ALL
        SELECT least(next, day + 30), 0, count(*) FROM active GROUP BY 1
    ) GROUP BY ALL
), days AS (
    SELECT CAST(unnest(generate_series((SELECT min(day) FROM begins)::timestamp, (SELECT max(created_at)::date FROM log)::timestamp,
        INTERVAL 1 DAY)) AS DATE) AS day
)
SELECT d.day, coalesce(b.users, 0) AS daily_users,
    CAST(sum(coalesce(b.users, 0) - coalesce(c.weekly, 0)) OVER (ORDER BY d.day) AS BIGINT) AS weekly_users,
    CAST(sum(coalesce(b.users, 0) - coalesce(c.monthly, 0)) OVER (ORDER BY d.day) AS BIGINT) AS monthly_users
FROM days AS d LEFT JOIN begins AS b ON b.day = d.day LEFT JOIN ceases AS c ON c.day = d.day
ORDER BY 1

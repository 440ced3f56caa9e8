-- Daily users and those of the trailing 7 and 30 days, exact. Joining every day with the 30 before it takes 30 times as many
-- rows; here each user's active day counts from itself until the day before the next active one, or until 6 (29) days later,
-- and the figures are running sums of who begins to count and who ceases to.
WITH pair AS MATERIALIZED (
    SELECT user_id, created_at::date AS day
    FROM log
    GROUP BY 1, 2
), active AS MATERIALIZED (
    SELECT day, lead(day, 1, 'infinity') OVER (PARTITION BY user_id ORDER BY day) AS next
    FROM pair
    WHERE btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
), begins AS (
    SELECT day, count(*) AS users FROM active GROUP BY 1
), ceases AS (
    SELECT day, sum(weekly) AS weekly, sum(monthly) AS monthly
    FROM (
        SELECT least(next, day + 7) AS day, count(*) AS weekly, 0 AS monthly FROM active GROUP BY 1
        UNION ALL
        SELECT least(next, day + 30), 0, count(*) FROM active GROUP BY 1
    ) AS c
    GROUP BY 1
)
SELECT d::date AS day, coalesce(b.users, 0) AS daily_users,
    sum(coalesce(b.users, 0) - coalesce(c.weekly, 0)) OVER (ORDER BY d)::bigint AS weekly_users,
    sum(coalesce(b.users, 0) - coalesce(c.monthly, 0)) OVER (ORDER BY d)::bigint AS monthly_users
FROM generate_series((SELECT min(day) FROM begins), (SELECT max(created_at)::date FROM log), interval '1 day') AS d
    LEFT JOIN begins AS b ON b.day = d
    LEFT JOIN ceases AS c ON c.day = d
ORDER BY 1

-- Daily users and those of the trailing 7 and 30 days, exact. Joining every day with the 30 before it takes 30 times as many
-- rows; here each user's active day counts from itself until the day before the next active one, or until 6 (29) days later.
-- So it is enough to count the days by how long it is until the next; the figures are running sums over these few counts.
-- The users are dealt out to two processes, each of which scans the log for its own. For this the settings keep PostgreSQL from
-- parallel scans (min_parallel_table_scan_size = 1TB), and from sorting where it could hash (enable_sort = off). Window
-- functions must not run in workers, so the next day comes from an array; hashtext() < 0 is a condition whose selectivity the
-- planner guesses well enough to hash. Tried on 10 million requests with work_mem = 2GB (seconds; then over the narrow log):
--   this form                                                                               6.6    5.2
--   the same, sorting allowed                                                               6.8    5.6
--   four bigint masks of 64 days per user, unpacked by bytes; 192 days only                 7.8
--   one process, lead() OVER (PARTITION BY user_id COLLATE "C" ORDER BY day)                8.1    7.3
--   the same, date_bin instead of ::date                                                    9.6
--   three groupings by day instead of one by day and gap, default collation, second scan   14.2
--   two processes with array_agg(day ORDER BY day)                                         14.3
WITH span AS MATERIALIZED (
    SELECT day, counted, least(next - day, 30) AS gap, count(*) AS users
    FROM (
        SELECT btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id') AS counted,
            unnest(days) AS day, unnest(days[2:] || NULL::date) AS next
        FROM (
            SELECT user_id COLLATE "C" AS user_id, array_agg(day) AS days
            FROM (
                SELECT user_id, created_at::date AS day FROM log WHERE (hashtext(user_id) < 0) IS TRUE
                GROUP BY 1, 2 ORDER BY user_id COLLATE "C", 2
            ) AS pair
            GROUP BY 1
        ) AS person
    ) AS active
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT day, counted, least(next - day, 30) AS gap, count(*) AS users
    FROM (
        SELECT btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id') AS counted,
            unnest(days) AS day, unnest(days[2:] || NULL::date) AS next
        FROM (
            SELECT user_id COLLATE "C" AS user_id, array_agg(day) AS days
            FROM (
                SELECT user_id, created_at::date AS day FROM log WHERE (hashtext(user_id) < 0) IS NOT TRUE
                GROUP BY 1, 2 ORDER BY user_id COLLATE "C", 2
            ) AS pair
            GROUP BY 1
        ) AS person
    ) AS active
    GROUP BY 1, 2, 3
), change AS (
    SELECT day, users AS begins, 0 AS weekly, 0 AS monthly FROM span WHERE counted
    UNION ALL SELECT day + least(gap, 7), 0, users, 0 FROM span WHERE counted
    UNION ALL SELECT day + gap, 0, 0, users FROM span WHERE counted
), total AS (
    SELECT day, sum(begins) AS begins, sum(weekly) AS weekly, sum(monthly) AS monthly FROM change GROUP BY 1
)
SELECT d::date AS day, coalesce(begins, 0)::bigint AS daily_users,
    sum(begins - weekly) OVER (ORDER BY d)::bigint AS weekly_users,
    sum(begins - monthly) OVER (ORDER BY d)::bigint AS monthly_users
FROM (SELECT min(day) FILTER (WHERE counted) AS first, max(day) AS last FROM span) AS ends
    CROSS JOIN LATERAL generate_series(first, last, interval '1 day') AS d
    LEFT JOIN total ON total.day = d
ORDER BY 1

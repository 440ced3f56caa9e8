-- Weekly retention as tutorials teach it: the users' first weeks, the weeks they were active in, a join, a count.
WITH request AS (
    SELECT user_id, date_trunc('week', created_at)::date AS week
    FROM log
    WHERE user_id IS NOT NULL AND btrim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
), cohort AS (
    SELECT user_id, min(week) AS cohort_start FROM request GROUP BY 1
), size AS (
    SELECT cohort_start, count(*) AS users FROM cohort GROUP BY 1
), returned AS (
    SELECT c.cohort_start, (r.week - c.cohort_start) / 7 AS number, count(DISTINCT r.user_id) AS users
    FROM cohort AS c JOIN request AS r USING (user_id)
    GROUP BY 1, 2
)
SELECT s.cohort_start, s.users AS cohort_users, n.number AS period_number, coalesce(r.users, 0) AS retained_users
FROM size AS s
    CROSS JOIN LATERAL generate_series(0, ((SELECT max(created_at)::date FROM log) - s.cohort_start) / 7 - 1) AS n(number)
    LEFT JOIN returned AS r ON r.cohort_start = s.cohort_start AND r.number = n.number
ORDER BY 1, 3

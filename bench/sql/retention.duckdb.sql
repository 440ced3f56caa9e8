-- Weekly retention in DuckDB. Its distinct aggregation of the pairs is the fast part; grouping by whole weeks beats
-- date_trunc('week', …) here too.
WITH pair AS MATERIALIZED (
    SELECT user_id, (created_at::date - DATE '2000-01-03') // 7 AS week FROM log GROUP BY ALL
), cohort AS MATERIALIZED (
    SELECT user_id, min(week) AS cohort FROM pair
    WHERE trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id') GROUP BY ALL
), size AS (
    SELECT cohort, count(*) AS users FROM cohort GROUP BY ALL
), returned AS (
    SELECT cohort, week - cohort AS number, count(*) AS users FROM pair JOIN cohort USING (user_id) GROUP BY ALL
), number AS (
    SELECT s.cohort, s.users, unnest(range((SELECT max(created_at)::date - DATE '2000-01-03' FROM log) // 7 - s.cohort)) AS number FROM size AS s
)
SELECT DATE '2000-01-03' + CAST(7 * n.cohort AS INTEGER) AS cohort_start, n.users AS cohort_users, n.number AS period_number,
    coalesce(r.users, 0) AS retained_users
FROM number AS n LEFT JOIN returned AS r USING (cohort, number)
ORDER BY 1, 3

-- Weekly retention in DuckDB: per user one bit for each week, as in retention.postgres.sql and for at most 64 weeks too.
-- Tried (seconds): this form 0.22; distinct pairs of user and week, any length, 0.38 with one scan or two; the same by
-- time_bucket 0.46; list(DISTINCT week) per user 0.45; weeks from epoch_us instead of a cast to date 0.24.
WITH person AS MATERIALIZED (
    SELECT user_id, min(created_at)::date AS first, max(created_at)::date AS last,
        bit_or(1::UBIGINT << CAST((created_at::date - DATE '2000-01-03') // 7 & 63 AS UBIGINT)) AS weeks
    FROM log GROUP BY ALL
), member AS MATERIALIZED (
    SELECT (first - DATE '2000-01-03') // 7 AS cohort, weeks, count(*) AS users FROM person
    WHERE trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id') GROUP BY ALL
), cell AS (
    SELECT cohort, weeks, users, unnest(range((SELECT max(last) - DATE '2000-01-03' FROM person) // 7 - cohort)) AS number FROM member
)
SELECT DATE '2000-01-03' + CAST(7 * cohort AS INTEGER) AS cohort_start, CAST(sum(users) AS BIGINT) AS cohort_users, number AS period_number,
    CAST(coalesce(sum(users) FILTER (WHERE (weeks >> CAST(cohort + number & 63 AS UBIGINT)) & 1 = 1), 0) AS BIGINT) AS retained_users
FROM cell GROUP BY cohort, number
ORDER BY 1, 3

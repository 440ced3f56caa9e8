-- Weekly retention in ClickHouse: per user the set of weeks as an array, which is faster than grouping by user and week.
WITH (SELECT toDate(max(created_at), 'UTC') FROM log) AS last_day
SELECT cohort_start, cohort_users, period_number, retained_users
FROM (
    SELECT toDate('2000-01-03') + 7 * cohort AS cohort_start, count() AS cohort_users, sumForEach(retained) AS retained_by_number,
        intDiv(last_day - toDate('2000-01-03'), 7) - cohort AS numbers
    FROM (
        SELECT groupUniqArray(intDiv(toDate(created_at, 'UTC') - toDate('2000-01-03'), 7)) AS weeks, arrayMin(weeks) AS cohort,
            arrayMap(n -> has(weeks, cohort + n), range(toUInt32(intDiv(last_day - toDate('2000-01-03'), 7) - cohort + 1))) AS retained
        FROM log GROUP BY user_id
        HAVING trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
    )
    GROUP BY cohort
)
ARRAY JOIN arraySlice(retained_by_number, 1, numbers) AS retained_users, range(toUInt32(numbers)) AS period_number
ORDER BY 1, 3

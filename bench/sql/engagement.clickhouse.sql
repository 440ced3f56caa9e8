-- Daily, weekly and monthly users in ClickHouse: per user the sorted days, then running sums as in engagement.postgres.sql.
WITH (SELECT (toDate32(min(created_at), 'UTC'), toDate32(max(created_at), 'UTC')) FROM log) AS ends
SELECT day, begins AS daily_users, toInt64(sum(weekly) OVER running) AS weekly_users, toInt64(sum(monthly) OVER running) AS monthly_users
FROM (
    SELECT day, sum(begin) AS begins, sum(begin - week_ends) AS weekly, sum(begin - month_ends) AS monthly
    FROM (
        SELECT change.1 AS day, change.2 AS begin, change.3 AS week_ends, change.4 AS month_ends
        FROM (
            SELECT arraySort(groupUniqArray(toDate32(created_at, 'UTC'))) AS days, arrayPushBack(arrayPopFront(days), toDate32('2299-01-01')) AS next
            FROM log GROUP BY user_id
            HAVING trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
        )
        ARRAY JOIN arrayConcat(arrayMap(d -> (d, 1, 0, 0), days), arrayMap((d, n) -> (least(n, d + 7), 0, 1, 0), days, next),
            arrayMap((d, n) -> (least(n, d + 30), 0, 0, 1), days, next)) AS change
        UNION ALL
        SELECT arrayJoin(arrayMap(n -> ends.1 + n, range(toUInt32(dateDiff('day', ends.1, ends.2) + 1)))), 0, 0, 0
    )
    GROUP BY day
)
WHERE day <= ends.2
WINDOW running AS (ORDER BY day)
ORDER BY day

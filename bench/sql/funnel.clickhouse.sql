-- A funnel in ClickHouse: windowFunnel, made for it. One feature a request, so that it counts what funnel counts.
SELECT step_number, countIf(level >= step_number) AS users
FROM (
    SELECT windowFunnel(604800000000)(toUInt64(toUnixTimestamp64Micro(created_at)), feature = 'chat', feature = 'summarize',
        feature = 'code', feature = 'search') AS level
    FROM log
    GROUP BY user_id
    HAVING trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
)
ARRAY JOIN [1, 2, 3, 4] AS step_number
GROUP BY step_number ORDER BY step_number

-- Sessions in ClickHouse: per user the sorted times, split where the gap is longer than 30 minutes. Tried (seconds, on a busy
-- machine): this form and one with the places where sessions begin 1.2; windows and a running sum 4.3.
SELECT countIf(number = 1) AS users, count() AS sessions, toUInt64(sum(size)) AS requests,
    toFloat64(sumIf(ended - started, closed)) / 1000000 / countIf(closed) AS active_mean_seconds,
    quantileExactInclusiveIf(0.5)(ended - started, closed) / 1000000 AS active_median_seconds,
    countIf(closed AND size = 1) / countIf(closed) AS single_request_share
FROM (
    SELECT number, started, ended, size, counted, ended + 1800000000 < max(ended) OVER () AS closed
    FROM (
        SELECT trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id') AS counted,
            arraySort(groupArray(toUnixTimestamp64Micro(created_at))) AS times,
            arraySplit((t, gap) -> gap > 1800000000, times, arrayDifference(times)) AS pieces
        FROM log GROUP BY user_id
    )
    ARRAY JOIN arrayEnumerate(pieces) AS number, arrayMap(p -> p[1], pieces) AS started,
        arrayMap(p -> p[-1], pieces) AS ended, arrayMap(p -> length(p), pieces) AS size
)
WHERE counted

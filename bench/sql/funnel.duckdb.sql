-- A funnel in DuckDB: per user the sorted steps, folded into the latest start of a way to each step. An exact way must know that
-- start: the first step after the one before is not the best. Tried on a million requests, on a busy machine (seconds): this form
-- 0.9; three running maxima over windows 1.7.
WITH person AS (
    SELECT user_id, list_sort(list(epoch_us(created_at) * 4 + CASE feature WHEN 'chat' THEN 0 WHEN 'summarize' THEN 1 WHEN 'code' THEN 2 ELSE 3 END)) AS events
    FROM log WHERE feature IN ('chat', 'summarize', 'code', 'search') GROUP BY user_id
), way AS (
    SELECT list_reduce(events, lambda s, e: CASE e % 4
        WHEN 0 THEN [e // 4, s[2], s[3], s[4]]
        WHEN 1 THEN CASE WHEN e // 4 <= s[1] + 604800000000 THEN [s[1], s[1], s[3], s[4]] ELSE s END
        WHEN 2 THEN CASE WHEN e // 4 <= s[2] + 604800000000 THEN [s[1], s[2], s[2], s[4]] ELSE s END
        ELSE CASE WHEN e // 4 <= s[3] + 604800000000 THEN [s[1], s[2], s[3], s[3]] ELSE s END END,
        [NULL, NULL, NULL, NULL]::BIGINT[]) AS s
    FROM person WHERE trim(user_id) <> '' AND user_id NOT IN ('anonymous', 'default_user_id')
)
SELECT unnest([1, 2, 3, 4]), unnest([count(s[1]), count(s[2]), count(s[3]), count(s[4])]) FROM way

-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.

CREATE FUNCTION user_metrics.active_users(
    activity user_metrics.activity, period text DEFAULT 'day', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'active_users_of_activity';
COMMENT ON FUNCTION user_metrics.active_users(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; users are new in the period of their first request in the log; complete: the period has elapsed, lies within the log and is not cut by since

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''day'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: active users whose first request in the log lies in the period
  returning_users: active users who are not new
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics_internal.active_users(
    source regclass, period text, by_value text, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'active_users_over_log';

CREATE FUNCTION user_metrics.active_users(
    source regclass, period text DEFAULT 'day', by_value text DEFAULT 'each', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'each')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.active_users(
            source, period, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.active_users(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'active_users', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.active_users(regclass, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; users are new in the period of their first request in the log; complete: the period has elapsed, lies within the log and is not cut by since

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''day'')
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''each'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: active users whose first request in the log lies in the period
  returning_users: active users who are not new
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics.active_users(
    source text, period text DEFAULT 'day', by_value text DEFAULT 'each', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 AS $$
    SELECT r.* FROM user_metrics.active_users(source::pg_catalog.regclass, period, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.active_users(text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; users are new in the period of their first request in the log; complete: the period has elapsed, lies within the log and is not cut by since; with the log given by name, as in active_users(''request_log'')';

CREATE FUNCTION user_metrics.active_user_list(
    source regclass, period_start date, period text DEFAULT 'day', by_value text DEFAULT 'each',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, user_id text, is_new boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'active_user_list_over_log';
COMMENT ON FUNCTION user_metrics.active_user_list(regclass, date, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users that active_users counts in a period, and whether each is new; refused while small groups are hidden

Arguments:
  source: the log: a table, view or foreign table
  period_start: first day of the period, as in the column of that name of the function that counts its users
  period: day, week, month, quarter or year (default ''day'')
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''each'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  user_id: the user
  is_new: whether the user''s first request in the log lies in the period';

CREATE FUNCTION user_metrics.engagement(
    activity user_metrics.activity, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 400
AS 'MODULE_PATHNAME', 'engagement_of_activity';
COMMENT ON FUNCTION user_metrics.engagement(user_metrics.activity, timestamptz, timestamptz, timestamptz) IS
    'daily, trailing 7-day and trailing 30-day active users of each local day, and stickiness, the ratio of daily to monthly users; complete: the day has elapsed and the 30 days lie within the log

Arguments:
  activity: the value to read
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  day: local day
  daily_users: users active on the day
  weekly_users: users active on the day or in the 6 days before
  monthly_users: users active on the day or in the 29 days before
  stickiness: daily_users / monthly_users, 0 to 1; NULL without monthly users
  complete: whether the day has elapsed and the 30 days lie within the log';

CREATE FUNCTION user_metrics_internal.engagement(
    source regclass, by_value text, since timestamptz, until timestamptz, filter jsonb, by text, timezone text,
    as_of timestamptz
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 400 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'engagement_over_log';

CREATE FUNCTION user_metrics.engagement(
    source regclass, by_value text DEFAULT 'each', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 400 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'each')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.engagement(
            source, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'engagement', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.engagement(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'daily, trailing 7-day and trailing 30-day active users of each local day, and stickiness, the ratio of daily to monthly users; complete: the day has elapsed and the 30 days lie within the log

Arguments:
  source: the log: a table, view or foreign table
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''each'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  day: local day
  daily_users: users active on the day
  weekly_users: users active on the day or in the 6 days before
  monthly_users: users active on the day or in the 29 days before
  stickiness: daily_users / monthly_users, 0 to 1; NULL without monthly users
  complete: whether the day has elapsed and the 30 days lie within the log';

CREATE FUNCTION user_metrics.engagement(
    source text, by_value text DEFAULT 'each', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 400 AS $$
    SELECT r.* FROM user_metrics.engagement(source::pg_catalog.regclass, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.engagement(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'daily, trailing 7-day and trailing 30-day active users of each local day, and stickiness, the ratio of daily to monthly users; complete: the day has elapsed and the 30 days lie within the log; with the log given by name, as in engagement(''request_log'')';

CREATE FUNCTION user_metrics.stickiness(
    activity user_metrics.activity, days integer DEFAULT 28, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 28
AS 'MODULE_PATHNAME', 'stickiness_of_activity';
COMMENT ON FUNCTION user_metrics.stickiness(user_metrics.activity, integer, timestamptz, timestamptz, timestamptz) IS
    'distribution of users by number of active days in a window (power user curve): users with exactly and with at least each number, and their share of all active users

Arguments:
  activity: the value to read
  days: number of days to look back, from 1 to 3660 (default 28)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  active_days: number of active days, from 1 to days
  users: users active on exactly this many days
  users_at_least: users active on this many days or more; NULL if any row is too small to show
  share: users / all users active in the window; NULL if any row is too small to show';

CREATE FUNCTION user_metrics_internal.stickiness(
    source regclass, days integer, by_value text, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 28 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'stickiness_over_log';

CREATE FUNCTION user_metrics.stickiness(
    source regclass, days integer DEFAULT 28, by_value text DEFAULT 'each', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 28 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'each')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.stickiness(
            source, days, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.stickiness(NULL::user_metrics.activity, days => days);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'stickiness', user_metrics_internal.relation(source), ARRAY['days'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, days;
END
$$;
COMMENT ON FUNCTION user_metrics.stickiness(regclass, integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distribution of users by number of active days in a window (power user curve): users with exactly and with at least each number, and their share of all active users

Arguments:
  source: the log: a table, view or foreign table
  days: number of days to look back, from 1 to 3660 (default 28)
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''each'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  active_days: number of active days, from 1 to days
  users: users active on exactly this many days
  users_at_least: users active on this many days or more; NULL if any row is too small to show
  share: users / all users active in the window; NULL if any row is too small to show';

CREATE FUNCTION user_metrics.stickiness(
    source text, days integer DEFAULT 28, by_value text DEFAULT 'each', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 28 AS $$
    SELECT r.* FROM user_metrics.stickiness(source::pg_catalog.regclass, days, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.stickiness(text, integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distribution of users by number of active days in a window (power user curve): users with exactly and with at least each number, and their share of all active users; with the log given by name, as in stickiness(''request_log'')';

CREATE FUNCTION user_metrics.lifecycle(
    activity user_metrics.activity, period text DEFAULT 'week', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, active_users bigint, new_users bigint, retained_users bigint, resurrected_users bigint,
    churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'lifecycle_of_activity';
COMMENT ON FUNCTION user_metrics.lifecycle(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, active in the previous period = retained + churned; churned_users and quick_ratio are NULL until the period is complete, and unless the previous period lies within the log

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''week'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: users active for the first time in the log
  retained_users: users who were also active in the previous period
  resurrected_users: users who were active earlier, but not in the previous period
  churned_users: users active in the previous period but not in this one; NULL until complete, and unless the previous period lies within the log
  quick_ratio: (new + resurrected) / churned; NULL if churned_users is NULL or 0
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics_internal.lifecycle(
    source regclass, period text, by_value text, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lifecycle_over_log';

CREATE FUNCTION user_metrics.lifecycle(
    source regclass, period text DEFAULT 'week', by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'first')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.lifecycle(
            source, period, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.lifecycle(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'lifecycle', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(regclass, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, active in the previous period = retained + churned; churned_users and quick_ratio are NULL until the period is complete, and unless the previous period lies within the log

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''week'')
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: users active for the first time in the log
  retained_users: users who were also active in the previous period
  resurrected_users: users who were active earlier, but not in the previous period
  churned_users: users active in the previous period but not in this one; NULL until complete, and unless the previous period lies within the log
  quick_ratio: (new + resurrected) / churned; NULL if churned_users is NULL or 0
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics.lifecycle(
    source text, period text DEFAULT 'week', by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.lifecycle(source::pg_catalog.regclass, period, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, active in the previous period = retained + churned; churned_users and quick_ratio are NULL until the period is complete, and unless the previous period lies within the log; with the log given by name, as in lifecycle(''request_log'')';

CREATE FUNCTION user_metrics.lifecycle_users(
    source regclass, period_start date, period text DEFAULT 'week', state text DEFAULT NULL,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, user_id text, state text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lifecycle_users_over_log';
COMMENT ON FUNCTION user_metrics.lifecycle_users(regclass, date, text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users that lifecycle counts in a period as new, retained, resurrected or churned; refused while small groups are hidden

Arguments:
  source: the log: a table, view or foreign table
  period_start: first day of the period, as in the column of that name of the function that counts its users
  period: day, week, month, quarter or year (default ''week'')
  state: new, retained, resurrected or churned; by default all of them
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  user_id: the user
  state: new, retained, resurrected, or churned: active in the previous period but not in this one; as in lifecycle, no user is known to have churned until the period is complete, and unless the previous period lies within the log';

CREATE FUNCTION user_metrics.retention_matrix(
    activity user_metrics.activity, cohort text DEFAULT 'week', period text DEFAULT 'week',
    offsets integer[] DEFAULT NULL, kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first',
    brackets text[] DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 500
AS 'MODULE_PATHNAME', 'retention_matrix_of_activity';
COMMENT ON FUNCTION user_metrics.retention_matrix(user_metrics.activity, text, text, integer[], text, text, text, text[], timestamptz, timestamptz, timestamptz) IS
    'retention by cohort and period, among users whose own period has elapsed, with 95 % Wilson bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling, 24_hours

Arguments:
  activity: the value to read
  cohort: period that defines cohorts by first active day: day, week, month, quarter or year (default ''week'')
  period: period of return: day, week, month, quarter or year (default ''week'')
  offsets: period numbers to report, from 0 to 100000; by default all that have started
  kind: kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every period so far) (default ''on'')
  clock: how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request) (default ''calendar'')
  cohorts: first (users belong to the cohort of their first active day) or recurring (users join the cohort of each period in which they are active) (default ''first'')
  brackets: ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  cohort_start: first local day of the period that contains the users'' first active day
  cohort_users: users of the cohort
  period_number: number of the period; 0 contains the first active day
  eligible_users: users whose own period has elapsed
  retained_users: eligible users who were retained; NULL without eligible users
  retention_rate: retained_users / eligible_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether all users are eligible, and the cohort''s period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics_internal.retention_matrix(
    source regclass, cohort text, period text, offsets integer[], kind text, clock text, cohorts text, brackets text[],
    start_event jsonb, return_event jsonb, min_requests integer, signups regclass, by_value text, since timestamptz,
    until timestamptz, filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 500 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'retention_matrix_over_log';

CREATE FUNCTION user_metrics.retention_matrix(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first', brackets text[] DEFAULT NULL,
    start_event jsonb DEFAULT NULL, return_event jsonb DEFAULT NULL, min_requests integer DEFAULT 1,
    signups regclass DEFAULT NULL, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 500 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF lower(clock) = '24_hours'
        OR start_event IS NOT NULL
        OR return_event IS NOT NULL
        OR min_requests <> 1
        OR signups IS NOT NULL
        OR by IS NOT NULL AND lower(COALESCE(by_value, 'first')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.retention_matrix(
            source, cohort, period, offsets, kind, clock, cohorts, brackets, start_event, return_event, min_requests, signups, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.retention_matrix(NULL::user_metrics.activity, cohort => cohort, period => period, offsets => offsets, kind => kind, clock => clock, cohorts => cohorts, brackets => brackets);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_matrix', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock', 'cohorts', 'brackets'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock, cohorts, brackets;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(regclass, text, text, integer[], text, text, text, text[], jsonb, jsonb, integer, regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by cohort and period, among users whose own period has elapsed, with 95 % Wilson bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling, 24_hours

Arguments:
  source: the log: a table, view or foreign table
  cohort: period that defines cohorts by first active day: day, week, month, quarter or year (default ''week'')
  period: period of return: day, week, month, quarter or year (default ''week'')
  offsets: period numbers to report, from 0 to 100000; by default all that have started
  kind: kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every period so far) (default ''on'')
  clock: how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request) (default ''calendar'')
  cohorts: first (users belong to the cohort of their first active day) or recurring (users join the cohort of each period in which they are active) (default ''first'')
  brackets: ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets
  start_event: requests that make a user a member of a cohort, in the form of filter; by default every request
  return_event: requests that count as a return, in the form of filter; by default every request
  min_requests: the fewest returns in a period that make a user retained in it, from 1 (default 1)
  signups: table or view of users and their signup times, with columns like those of a log: cohorts are those of the signup, and users without a request are members too
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  cohort_start: first local day of the period that contains the users'' first active day
  cohort_users: users of the cohort
  period_number: number of the period; 0 contains the first active day
  eligible_users: users whose own period has elapsed
  retained_users: eligible users who were retained; NULL without eligible users
  retention_rate: retained_users / eligible_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether all users are eligible, and the cohort''s period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics.retention_matrix(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first', brackets text[] DEFAULT NULL,
    start_event jsonb DEFAULT NULL, return_event jsonb DEFAULT NULL, min_requests integer DEFAULT 1,
    signups regclass DEFAULT NULL, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 500 AS $$
    SELECT r.* FROM user_metrics.retention_matrix(source::pg_catalog.regclass, cohort, period, offsets, kind, clock, cohorts, brackets, start_event, return_event, min_requests, signups, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(text, text, text, integer[], text, text, text, text[], jsonb, jsonb, integer, regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by cohort and period, among users whose own period has elapsed, with 95 % Wilson bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling, 24_hours; with the log given by name, as in retention_matrix(''request_log'')';

CREATE FUNCTION user_metrics.retention_curve(
    activity user_metrics.activity, cohort text DEFAULT 'week', period text DEFAULT 'week',
    offsets integer[] DEFAULT NULL, kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first',
    brackets text[] DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'retention_curve_of_activity';
COMMENT ON FUNCTION user_metrics.retention_curve(user_metrics.activity, text, text, integer[], text, text, text, text[], timestamptz, timestamptz, timestamptz) IS
    'retention pooled over all cohorts: sum of retained users over sum of eligible users, with 95 % Wilson bounds

Arguments:
  activity: the value to read
  cohort: period that defines cohorts by first active day: day, week, month, quarter or year (default ''week'')
  period: period of return: day, week, month, quarter or year (default ''week'')
  offsets: period numbers to report, from 0 to 100000; by default all that have started
  kind: kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every period so far) (default ''on'')
  clock: how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request) (default ''calendar'')
  cohorts: first (users belong to the cohort of their first active day) or recurring (users join the cohort of each period in which they are active) (default ''first'')
  brackets: ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_number: number of the period; 0 contains the first active day
  cohort_users: users of all cohorts
  eligible_users: users whose own period has elapsed
  retained_users: eligible users who were retained; NULL without eligible users
  retention_rate: retained_users / eligible_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether all users are eligible';

CREATE FUNCTION user_metrics_internal.retention_curve(
    source regclass, cohort text, period text, offsets integer[], kind text, clock text, cohorts text, brackets text[],
    start_event jsonb, return_event jsonb, min_requests integer, signups regclass, by_value text, since timestamptz,
    until timestamptz, filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'retention_curve_over_log';

CREATE FUNCTION user_metrics.retention_curve(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first', brackets text[] DEFAULT NULL,
    start_event jsonb DEFAULT NULL, return_event jsonb DEFAULT NULL, min_requests integer DEFAULT 1,
    signups regclass DEFAULT NULL, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF lower(clock) = '24_hours'
        OR start_event IS NOT NULL
        OR return_event IS NOT NULL
        OR min_requests <> 1
        OR signups IS NOT NULL
        OR by IS NOT NULL AND lower(COALESCE(by_value, 'first')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.retention_curve(
            source, cohort, period, offsets, kind, clock, cohorts, brackets, start_event, return_event, min_requests, signups, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.retention_curve(NULL::user_metrics.activity, cohort => cohort, period => period, offsets => offsets, kind => kind, clock => clock, cohorts => cohorts, brackets => brackets);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_curve', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock', 'cohorts', 'brackets'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock, cohorts, brackets;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(regclass, text, text, integer[], text, text, text, text[], jsonb, jsonb, integer, regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sum of retained users over sum of eligible users, with 95 % Wilson bounds

Arguments:
  source: the log: a table, view or foreign table
  cohort: period that defines cohorts by first active day: day, week, month, quarter or year (default ''week'')
  period: period of return: day, week, month, quarter or year (default ''week'')
  offsets: period numbers to report, from 0 to 100000; by default all that have started
  kind: kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every period so far) (default ''on'')
  clock: how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request) (default ''calendar'')
  cohorts: first (users belong to the cohort of their first active day) or recurring (users join the cohort of each period in which they are active) (default ''first'')
  brackets: ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets
  start_event: requests that make a user a member of a cohort, in the form of filter; by default every request
  return_event: requests that count as a return, in the form of filter; by default every request
  min_requests: the fewest returns in a period that make a user retained in it, from 1 (default 1)
  signups: table or view of users and their signup times, with columns like those of a log: cohorts are those of the signup, and users without a request are members too
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_number: number of the period; 0 contains the first active day
  cohort_users: users of all cohorts
  eligible_users: users whose own period has elapsed
  retained_users: eligible users who were retained; NULL without eligible users
  retention_rate: retained_users / eligible_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether all users are eligible';

CREATE FUNCTION user_metrics.retention_curve(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first', brackets text[] DEFAULT NULL,
    start_event jsonb DEFAULT NULL, return_event jsonb DEFAULT NULL, min_requests integer DEFAULT 1,
    signups regclass DEFAULT NULL, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.retention_curve(source::pg_catalog.regclass, cohort, period, offsets, kind, clock, cohorts, brackets, start_event, return_event, min_requests, signups, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(text, text, text, integer[], text, text, text, text[], jsonb, jsonb, integer, regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sum of retained users over sum of eligible users, with 95 % Wilson bounds; with the log given by name, as in retention_curve(''request_log'')';

CREATE FUNCTION user_metrics.retention_users(
    source regclass, period_number integer, cohort_start date DEFAULT NULL, cohort text DEFAULT 'week',
    period text DEFAULT 'week', kind text DEFAULT 'on', clock text DEFAULT 'calendar', cohorts text DEFAULT 'first',
    brackets text[] DEFAULT NULL, start_event jsonb DEFAULT NULL, return_event jsonb DEFAULT NULL,
    min_requests integer DEFAULT 1, signups regclass DEFAULT NULL, by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, user_id text, cohort_start date, eligible boolean, retained boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'retention_users_over_log';
COMMENT ON FUNCTION user_metrics.retention_users(regclass, integer, date, text, text, text, text, text, text[], jsonb, jsonb, integer, regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users of a cohort of retention_matrix, or of all cohorts, and whether each is eligible and retained in a period; refused while small groups are hidden

Arguments:
  source: the log: a table, view or foreign table
  period_number: number of the period, from 0 to 100000; with brackets the first number of one of them
  cohort_start: first day of the cohort''s period; by default the users of all cohorts are listed
  cohort: period that defines cohorts by first active day: day, week, month, quarter or year (default ''week'')
  period: period of return: day, week, month, quarter or year (default ''week'')
  kind: kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every period so far) (default ''on'')
  clock: how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request) (default ''calendar'')
  cohorts: first (users belong to the cohort of their first active day) or recurring (users join the cohort of each period in which they are active) (default ''first'')
  brackets: ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets
  start_event: requests that make a user a member of a cohort, in the form of filter; by default every request
  return_event: requests that count as a return, in the form of filter; by default every request
  min_requests: the fewest returns in a period that make a user retained in it, from 1 (default 1)
  signups: table or view of users and their signup times, with columns like those of a log: cohorts are those of the signup, and users without a request are members too
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  user_id: the user
  cohort_start: first local day of the period of the user''s cohort
  eligible: whether the user''s own period has elapsed
  retained: whether the user was retained in it; NULL if not eligible';

CREATE FUNCTION user_metrics.cohort_table(
    activity user_metrics.activity, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort date, users bigint, week_1 double precision, week_2 double precision, week_4 double precision,
    week_8 double precision, week_12 double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 24
AS 'MODULE_PATHNAME', 'cohort_table_of_activity';
COMMENT ON FUNCTION user_metrics.cohort_table(user_metrics.activity, timestamptz, timestamptz, timestamptz) IS
    'monthly cohorts and the share of their users active in weeks 1, 2, 4, 8 and 12, each of seven days, from the user''s first day; NULL until the week has elapsed for every user of the cohort

Arguments:
  activity: the value to read
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  cohort: first day of the month that contains the users'' first active day
  users: users whose first active day lies in the month
  week_1: share of these users active on days 0 to 6 after their first day, 0 to 1
  week_2: share of these users active on days 7 to 13 after their first day
  week_4: share of these users active on days 21 to 27 after their first day
  week_8: share of these users active on days 49 to 55 after their first day
  week_12: share of these users active on days 77 to 83 after their first day';

CREATE FUNCTION user_metrics.cohort_table(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort date, users bigint, week_1 double precision, week_2 double precision, week_4 double precision,
    week_8 double precision, week_12 double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'cohort_table', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, NULL, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.cohort_table(regclass, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'monthly cohorts and the share of their users active in weeks 1, 2, 4, 8 and 12, each of seven days, from the user''s first day; NULL until the week has elapsed for every user of the cohort

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  cohort: first day of the month that contains the users'' first active day
  users: users whose first active day lies in the month
  week_1: share of these users active on days 0 to 6 after their first day, 0 to 1
  week_2: share of these users active on days 7 to 13 after their first day
  week_4: share of these users active on days 21 to 27 after their first day
  week_8: share of these users active on days 49 to 55 after their first day
  week_12: share of these users active on days 77 to 83 after their first day';

CREATE FUNCTION user_metrics.cohort_table(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort date, users bigint, week_1 double precision, week_2 double precision, week_4 double precision,
    week_8 double precision, week_12 double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 AS $$
    SELECT r.* FROM user_metrics.cohort_table(source::pg_catalog.regclass, since, until, filter, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.cohort_table(text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'monthly cohorts and the share of their users active in weeks 1, 2, 4, 8 and 12, each of seven days, from the user''s first day; NULL until the week has elapsed for every user of the cohort; with the log given by name, as in cohort_table(''request_log'')';

CREATE FUNCTION user_metrics.session_stats(
    sessions user_metrics.sessions, period text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, users bigint, sessions bigint, requests bigint, requests_per_session double precision,
    active_mean_seconds double precision, active_median_seconds double precision, active_p90_seconds double precision,
    span_mean_seconds double precision, single_request_share double precision, engaged_rate double precision,
    returned_24h_rate double precision, return_median_seconds double precision, return_p90_seconds double precision,
    completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint, completion_rate double precision,
    abandonment_point_mean double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'session_stats_of_sessions';
COMMENT ON FUNCTION user_metrics.session_stats(user_metrics.sessions, text, timestamptz, timestamptz, text, timestamptz) IS
    'session metrics of the sessions that started in each period, or of all time: number, duration, depth, return within a day and outcome; means and rates are over closed sessions, which are no longer open

Arguments:
  sessions: the value to read
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first local day of the period; NULL for all time
  users: users with at least one of these sessions
  sessions: sessions that started in the period
  requests: their requests
  requests_per_session: mean number of requests
  active_mean_seconds: mean active time: from start to end without pauses above session_gap
  active_median_seconds: median active time
  active_p90_seconds: 90th percentile of the active time
  span_mean_seconds: mean time from start to end
  single_request_share: share with a single request, 0 to 1
  engaged_rate: share with two or more requests that did not fail, 0 to 1
  returned_24h_rate: share after which the user was back within a day, after an absence above session_gap, among sessions that ended at least a day before observation did
  return_median_seconds: median time from the end of a visit to the user''s next, by Kaplan-Meier; NULL if observation ends before
  return_p90_seconds: 90th percentile of that time
  completed_sessions: sessions whose last request succeeded; NULL if the log does not show it
  abandoned_sessions: sessions whose last request failed; NULL if the log does not show it
  open_sessions: sessions that may still continue
  completion_rate: completed / (completed + abandoned), 0 to 1
  abandonment_point_mean: mean number of requests of abandoned sessions';

CREATE FUNCTION user_metrics.session_stats(
    source regclass, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, requests bigint,
    requests_per_session double precision, active_mean_seconds double precision, active_median_seconds double precision,
    active_p90_seconds double precision, span_mean_seconds double precision, single_request_share double precision,
    engaged_rate double precision, returned_24h_rate double precision, return_median_seconds double precision,
    return_p90_seconds double precision, completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint,
    completion_rate double precision, abandonment_point_mean double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.session_stats(NULL::user_metrics.sessions, period => period, timezone => timezone);
    PERFORM user_metrics_internal.session_reach('session_stats', since, session_gap, max_idle);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'session_stats', user_metrics_internal.relation(source), ARRAY['period', 'timezone'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period, timezone,
        session_gap, max_idle, user_metrics_internal.session_reach('session_stats', since, session_gap, max_idle);
END
$$;
COMMENT ON FUNCTION user_metrics.session_stats(regclass, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'session metrics of the sessions that started in each period, or of all time: number, duration, depth, return within a day and outcome; means and rates are over closed sessions, which are no longer open

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period; NULL for all time
  users: users with at least one of these sessions
  sessions: sessions that started in the period
  requests: their requests
  requests_per_session: mean number of requests
  active_mean_seconds: mean active time: from start to end without pauses above session_gap
  active_median_seconds: median active time
  active_p90_seconds: 90th percentile of the active time
  span_mean_seconds: mean time from start to end
  single_request_share: share with a single request, 0 to 1
  engaged_rate: share with two or more requests that did not fail, 0 to 1
  returned_24h_rate: share after which the user was back within a day, after an absence above session_gap, among sessions that ended at least a day before observation did
  return_median_seconds: median time from the end of a visit to the user''s next, by Kaplan-Meier; NULL if observation ends before
  return_p90_seconds: 90th percentile of that time
  completed_sessions: sessions whose last request succeeded; NULL if the log does not show it
  abandoned_sessions: sessions whose last request failed; NULL if the log does not show it
  open_sessions: sessions that may still continue
  completion_rate: completed / (completed + abandoned), 0 to 1
  abandonment_point_mean: mean number of requests of abandoned sessions';

CREATE FUNCTION user_metrics.session_stats(
    source text, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, requests bigint,
    requests_per_session double precision, active_mean_seconds double precision, active_median_seconds double precision,
    active_p90_seconds double precision, span_mean_seconds double precision, single_request_share double precision,
    engaged_rate double precision, returned_24h_rate double precision, return_median_seconds double precision,
    return_p90_seconds double precision, completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint,
    completion_rate double precision, abandonment_point_mean double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.session_stats(source::pg_catalog.regclass, period, session_gap, max_idle, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_stats(text, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'session metrics of the sessions that started in each period, or of all time: number, duration, depth, return within a day and outcome; means and rates are over closed sessions, which are no longer open; with the log given by name, as in session_stats(''request_log'')';

CREATE FUNCTION user_metrics.session_time(
    sessions user_metrics.sessions, busy user_metrics.sessions, period text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, users bigint, sessions bigint, span_seconds double precision, active_seconds double precision,
    away_seconds double precision, busy_seconds double precision, think_seconds double precision,
    busy_share double precision, busy_mean_seconds double precision, think_mean_seconds double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'session_time_of_sessions';
COMMENT ON FUNCTION user_metrics.session_time(user_metrics.sessions, user_metrics.sessions, text, timestamptz, timestamptz, text, timestamptz) IS
    'breakdown of the time of closed sessions: away in pauses above session_gap, or active; and active time into busy time, in which at least one answer is awaited, and think time, which is the rest

Arguments:
  sessions: the value to read
  busy: a value of the same requests, made with session_gap and max_idle of 0
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first local day of the period; NULL for all time
  users: users with at least one session that started in the period
  sessions: closed sessions that started in the period
  span_seconds: time from their first requests to the ends of their last answers; what sessions of a user share counts once, here and in the following columns
  active_seconds: the same without pauses above session_gap
  away_seconds: span_seconds less active_seconds
  busy_seconds: active time in which at least one answer was awaited
  think_seconds: active_seconds less busy_seconds
  busy_share: busy_seconds / active_seconds, 0 to 1
  busy_mean_seconds: mean busy time per session
  think_mean_seconds: mean think time per session';

CREATE FUNCTION user_metrics.session_time(
    source regclass, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, span_seconds double precision,
    active_seconds double precision, away_seconds double precision, busy_seconds double precision,
    think_seconds double precision, busy_share double precision, busy_mean_seconds double precision,
    think_mean_seconds double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'session_time_over_log';
COMMENT ON FUNCTION user_metrics.session_time(regclass, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'breakdown of the time of closed sessions: away in pauses above session_gap, or active; and active time into busy time, in which at least one answer is awaited, and think time, which is the rest

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period; NULL for all time
  users: users with at least one session that started in the period
  sessions: closed sessions that started in the period
  span_seconds: time from their first requests to the ends of their last answers; what sessions of a user share counts once, here and in the following columns
  active_seconds: the same without pauses above session_gap
  away_seconds: span_seconds less active_seconds
  busy_seconds: active time in which at least one answer was awaited
  think_seconds: active_seconds less busy_seconds
  busy_share: busy_seconds / active_seconds, 0 to 1
  busy_mean_seconds: mean busy time per session
  think_mean_seconds: mean think time per session';

CREATE FUNCTION user_metrics.session_time(
    source text, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, span_seconds double precision,
    active_seconds double precision, away_seconds double precision, busy_seconds double precision,
    think_seconds double precision, busy_share double precision, busy_mean_seconds double precision,
    think_mean_seconds double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.session_time(source::pg_catalog.regclass, period, session_gap, max_idle, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_time(text, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'breakdown of the time of closed sessions: away in pauses above session_gap, or active; and active time into busy time, in which at least one answer is awaited, and think time, which is the rest; with the log given by name, as in session_time(''request_log'')';

CREATE FUNCTION user_metrics.session_hazard(
    sessions user_metrics.sessions, max_requests integer DEFAULT 50, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    request_number integer, sessions_reaching bigint, abandoned_here bigint, hazard double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'session_hazard_of_sessions';
COMMENT ON FUNCTION user_metrics.session_hazard(user_metrics.sessions, integer, timestamptz, timestamptz, timestamptz) IS
    'abandonment hazard: probability that a session is abandoned at its 1st, 2nd, 3rd ... request, among sessions that reach it

Arguments:
  sessions: the value to read
  max_requests: largest request number to report, from 1 to 10000 (default 50)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  request_number: number of the request within its session, from 1
  sessions_reaching: sessions that reach it and are known to continue or to end there
  abandoned_here: those of them that end there with a failed request
  hazard: abandoned_here / sessions_reaching, 0 to 1';

CREATE FUNCTION user_metrics.session_hazard(
    source regclass, max_requests integer DEFAULT 50, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, request_number integer, sessions_reaching bigint, abandoned_here bigint, hazard double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.session_hazard(NULL::user_metrics.sessions, max_requests => max_requests);
    PERFORM user_metrics_internal.session_reach('session_hazard', since, session_gap, max_idle);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'session_hazard', user_metrics_internal.relation(source), ARRAY['max_requests'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, max_requests,
        session_gap, max_idle, user_metrics_internal.session_reach('session_hazard', since, session_gap, max_idle);
END
$$;
COMMENT ON FUNCTION user_metrics.session_hazard(regclass, integer, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'abandonment hazard: probability that a session is abandoned at its 1st, 2nd, 3rd ... request, among sessions that reach it

Arguments:
  source: the log: a table, view or foreign table
  max_requests: largest request number to report, from 1 to 10000 (default 50)
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  request_number: number of the request within its session, from 1
  sessions_reaching: sessions that reach it and are known to continue or to end there
  abandoned_here: those of them that end there with a failed request
  hazard: abandoned_here / sessions_reaching, 0 to 1';

CREATE FUNCTION user_metrics.session_hazard(
    source text, max_requests integer DEFAULT 50, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, request_number integer, sessions_reaching bigint, abandoned_here bigint, hazard double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 50 AS $$
    SELECT r.* FROM user_metrics.session_hazard(source::pg_catalog.regclass, max_requests, session_gap, max_idle, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_hazard(text, integer, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'abandonment hazard: probability that a session is abandoned at its 1st, 2nd, 3rd ... request, among sessions that reach it; with the log given by name, as in session_hazard(''request_log'')';

CREATE FUNCTION user_metrics.session_list(
    source regclass, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, containing jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    active_seconds double precision, span_seconds double precision, requests bigint, errors bigint, outcome text,
    cost_usd double precision, tokens bigint, features text, models text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'session_list_over_log';
COMMENT ON FUNCTION user_metrics.session_list(regclass, interval, interval, jsonb, timestamptz, timestamptz, jsonb, timestamptz) IS
    'sessions with their user, start, end, requests, errors and outcome

Arguments:
  source: the log: a table, view or foreign table
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  containing: list only sessions with a request that has these values, as whole sessions; the syntax is that of filter
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: user of the session
  session_number: ordinal number of the session among the user''s sessions from the start of the log, regardless of since
  session_id: session id; NULL for a session formed by the gap
  started_at: time of the first request
  ended_at: time at which the last answer was complete
  active_seconds: time between start and end without pauses above session_gap
  span_seconds: time between start and end
  requests: number of requests
  errors: number of failed requests
  outcome: completed, abandoned, open, or NULL if not known
  cost_usd: sum of the known costs of its requests
  tokens: sum of their known prompt and completion tokens
  features: features used, by name, separated by commas
  models: models used, by name, separated by commas';

CREATE FUNCTION user_metrics.session_list(
    source text, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, containing jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    active_seconds double precision, span_seconds double precision, requests bigint, errors bigint, outcome text,
    cost_usd double precision, tokens bigint, features text, models text
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 AS $$
    SELECT r.* FROM user_metrics.session_list(source::pg_catalog.regclass, session_gap, max_idle, containing, since, until, filter, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_list(text, interval, interval, jsonb, timestamptz, timestamptz, jsonb, timestamptz) IS
    'sessions with their user, start, end, requests, errors and outcome; with the log given by name, as in session_list(''request_log'')';

CREATE FUNCTION user_metrics.session_list(
    sessions user_metrics.sessions, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    session_number bigint, session_key bigint, started_at timestamptz, ended_at timestamptz,
    active_seconds double precision, span_seconds double precision, requests bigint, errors bigint, outcome text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'session_list_of_sessions';
COMMENT ON FUNCTION user_metrics.session_list(user_metrics.sessions, timestamptz, timestamptz, timestamptz) IS
    'sessions of a stored value with their user, start, end, requests, errors and outcome (completed, abandoned, open, or NULL if not known)

Arguments:
  sessions: the value to read
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  session_number: ordinal number of the session among the user''s sessions, regardless of since
  session_key: hash of the session id; NULL for a session formed by the gap
  started_at: time of the first request
  ended_at: time at which the last answer was complete
  active_seconds: time between start and end without pauses above session_gap
  span_seconds: time between start and end
  requests: number of requests
  errors: number of failed requests
  outcome: completed, abandoned, open, or NULL if not known';

CREATE FUNCTION user_metrics.funnel(
    source regclass, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard', period text DEFAULT NULL,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, complete boolean, step_number integer, step text, users bigint,
    eligible_users bigint, reached_users bigint, from_previous_rate double precision, from_first_rate double precision,
    dropped_users bigint, open_users bigint, median_seconds double precision, p90_seconds double precision,
    rate_low double precision, rate_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'funnel_over_log';
COMMENT ON FUNCTION user_metrics.funnel(regclass, jsonb, interval, text, jsonb, text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'conversion funnel: users who reached each step, their share of those who reached the previous and the first step, users who dropped out before it, users who are not eligible because their window has not elapsed, and time between steps

Arguments:
  source: the log: a table, view or foreign table
  steps: steps: a JSON array of up to 64 objects, each with a filter, an optional name and, with mode ordered, optional conditions: within and after (longest and least time from the step before), optional (the step may be skipped) and entry (users may enter with it)
  within: longest time from the first step to the last (default ''7 days'')
  mode: condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered (default ''ordered'')
  exclude: requests that must not occur between two steps: a filter or a JSON array of filters
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  period: day, week, month, quarter or year: one funnel for the users who enter in each; by default one for all time
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), each (every request counts in the segment of its own value), or step N, such as step 2 (that of the request that is this step) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range in which users enter, exclusive; what they do later is still read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation, which may lie after until; by default the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period in which users entered; NULL for all time
  complete: whether all who entered in the period are counted and eligible: it has elapsed, and a window after it, and is cut neither by since or until nor by the beginning of the log; NULL for all time
  step_number: number of the step, from 1
  step: name of the step; of an unordered funnel, how many of the steps are done
  users: users who reached the step so far, eligible or not
  eligible_users: users who entered, which is with the first step unless others are entries, and whose window has elapsed since they first did
  reached_users: eligible users who reached the step
  from_previous_rate: reached_users / reached_users of the previous step, 0 to 1; NULL for the first step; where steps are optional or entries, the share of the eligible users for whom it could come next
  from_first_rate: reached_users / eligible_users, 0 to 1
  dropped_users: eligible users who reached the previous step and not this one
  open_users: users who reached the previous step, not yet this one, and are not eligible yet
  median_seconds: median time from the previous step over eligible users; NULL for the first step
  p90_seconds: 90th percentile of the time from the previous step over eligible users; NULL for the first step
  rate_low: lower 95 % bound of from_first_rate
  rate_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.funnel(
    source text, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered', exclude jsonb DEFAULT NULL,
    compatibility text DEFAULT 'standard', period text DEFAULT NULL, by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, complete boolean, step_number integer, step text, users bigint,
    eligible_users bigint, reached_users bigint, from_previous_rate double precision, from_first_rate double precision,
    dropped_users bigint, open_users bigint, median_seconds double precision, p90_seconds double precision,
    rate_low double precision, rate_high double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 AS $$
    SELECT r.* FROM user_metrics.funnel(source::pg_catalog.regclass, steps, within, mode, exclude, compatibility, period, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.funnel(text, jsonb, interval, text, jsonb, text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'conversion funnel: users who reached each step, their share of those who reached the previous and the first step, users who dropped out before it, users who are not eligible because their window has not elapsed, and time between steps; with the log given by name, as in funnel(''request_log'')';

CREATE FUNCTION user_metrics.funnel_steps(
    funnel user_metrics.funnel, steps text[] DEFAULT NULL, compatibility text DEFAULT 'standard',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    step_number integer, step text, users bigint, eligible_users bigint, reached_users bigint,
    from_previous_rate double precision, from_first_rate double precision, dropped_users bigint, open_users bigint,
    median_seconds double precision, p90_seconds double precision, rate_low double precision,
    rate_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'funnel_steps_of_funnel';
COMMENT ON FUNCTION user_metrics.funnel_steps(user_metrics.funnel, text[], text, timestamptz, timestamptz, timestamptz) IS
    'conversion funnel of a stored value: users who reached each step, their share of those who reached the previous and the first step, users who dropped out before it, users who are not eligible yet, and time between steps; steps may be named

Arguments:
  funnel: the value to read
  steps: names of the steps, one each; steps with NULL, and by default all, are named by number
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  since: start of the reported range, inclusive
  until: end of the range in which users enter, exclusive; what they do later is still read
  as_of: end of observation, which may lie after until; by default the time of the last request

Columns:
  step_number: number of the step, from 1
  step: name of the step; of an unordered funnel, how many of the steps are done
  users: users who reached the step so far, eligible or not
  eligible_users: users who entered, which is with the first step unless others are entries, and whose window has elapsed since they first did
  reached_users: eligible users who reached the step
  from_previous_rate: reached_users / reached_users of the previous step, 0 to 1; NULL for the first step; where steps are optional or entries, the share of the eligible users for whom it could come next
  from_first_rate: reached_users / eligible_users, 0 to 1
  dropped_users: eligible users who reached the previous step and not this one
  open_users: users who reached the previous step, not yet this one, and are not eligible yet
  median_seconds: median time from the previous step over eligible users; NULL for the first step
  p90_seconds: 90th percentile of the time from the previous step over eligible users; NULL for the first step
  rate_low: lower 95 % bound of from_first_rate
  rate_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.funnel_users(
    source regclass, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, step_number integer, step text, reached_at timestamptz, status text, eligible boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'funnel_users_over_log';
COMMENT ON FUNCTION user_metrics.funnel_users(regclass, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, timestamptz) IS
    'progress of each user in a funnel: completed steps and their times, and the next step, before which the user dropped or which is still open; only eligible users are in the rates of funnel

Arguments:
  source: the log: a table, view or foreign table
  steps: steps: a JSON array of up to 64 objects, each with a filter, an optional name and, with mode ordered, optional conditions: within and after (longest and least time from the step before), optional (the step may be skipped) and entry (users may enter with it)
  within: longest time from the first step to the last (default ''7 days'')
  mode: condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered (default ''ordered'')
  exclude: requests that must not occur between two steps: a filter or a JSON array of filters
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  since: start of the reported range, inclusive
  until: end of the range in which users enter, exclusive; what they do later is still read
  filter: only requests with these values of columns or properties
  as_of: end of observation, which may lie after until; by default the time of the last request

Columns:
  user_id: the user
  step_number: number of the step, from 1
  step: name of the step; of an unordered funnel, how many of the steps are done
  reached_at: time of completion; NULL if not completed
  status: completed, dropped or open
  eligible: whether the window has elapsed since the user first entered';

CREATE FUNCTION user_metrics.paths(
    source regclass, start_event jsonb DEFAULT NULL, depth integer DEFAULT 5, end_event jsonb DEFAULT NULL,
    max_gap interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step integer, from_feature text, to_feature text, complete boolean, users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'paths_over_log';
COMMENT ON FUNCTION user_metrics.paths(regclass, jsonb, integer, jsonb, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'user paths: for each move after the user''s first request that passes start_event, or back from the first that passes end_event, the number of users who go from one feature to another

Arguments:
  source: the log: a table, view or foreign table
  start_event: requests that may start a path, in the form of filter; by default any
  depth: number of moves to follow, from 1 to 1000 (default 5)
  end_event: requests that end a path, in the form of filter: the moves are counted back from the first of them, and users without one have no path
  max_gap: longest pause between two requests of a path; by default any
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  step: number of the move, from 1; with end_event counted back from the end
  from_feature: feature before the move; NULL for users whose path begins with to_feature, with end_event only
  to_feature: feature after the move; NULL for users who used no other feature until observation or the path ended
  complete: false for users who have had no time to move on: observation ends with their last request, or no later than max_gap after it
  users: number of users';

CREATE FUNCTION user_metrics.survival_curve(
    survival user_metrics.survival, confidence double precision DEFAULT 0.95,
    at_seconds double precision[] DEFAULT NULL, bounds text DEFAULT 'log_log'
) RETURNS TABLE (
    duration_seconds double precision, at_risk bigint, events bigint, censored bigint, survival double precision,
    survival_low double precision, survival_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'survival_curve_of_survival';
COMMENT ON FUNCTION user_metrics.survival_curve(user_metrics.survival, double precision, double precision[], text) IS
    'Kaplan-Meier survival curve: share without the event after each duration, with confidence bounds (Greenwood); at given durations with at_seconds

Arguments:
  survival: the value to read
  confidence: confidence level of the bounds, between 0 and 1 (default 0.95)
  at_seconds: durations to report, ascending, in seconds; by default 0 and every distinct duration
  bounds: scale of the bounds: log_log, or log, which is the default of R (default ''log_log'')

Columns:
  duration_seconds: the duration
  at_risk: number observed for this long without an earlier event
  events: number of events after the previous row''s duration and up to this one
  censored: number whose observation ended without the event after the previous row''s duration and up to this one
  survival: estimated share for whom the event happens later than this, 0 to 1; NULL if none was observed for this long
  survival_low: its lower bound; NULL if the share is 0 or 1
  survival_high: its upper bound; NULL if the share is 0 or 1';

CREATE FUNCTION user_metrics.survival_summary(
    survival user_metrics.survival, confidence double precision DEFAULT 0.95, bounds text DEFAULT 'log_log'
) RETURNS TABLE (
    observed bigint, events bigint, censored bigint, left_out bigint, median_seconds double precision,
    median_low double precision, median_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'survival_summary_of_survival';
COMMENT ON FUNCTION user_metrics.survival_summary(user_metrics.survival, double precision, text) IS
    'number of durations, number of events, and median time to the event with confidence bounds; NULL if observation ends before

Arguments:
  survival: the value to read
  confidence: confidence level of the bounds, between 0 and 1 (default 0.95)
  bounds: scale of the bounds: log_log, or log, which is the default of R (default ''log_log'')

Columns:
  observed: number of durations that are counted
  events: number of durations that ended with the event
  censored: number of censored durations, without the event so far
  left_out: number of durations left out because they are below 0 or not finite, or do not end after their entry
  median_seconds: median time to the event
  median_low: its lower bound
  median_high: its upper bound';

CREATE FUNCTION user_metrics.survival_median(
    survival user_metrics.survival
) RETURNS double precision
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_median_of_survival';
COMMENT ON FUNCTION user_metrics.survival_median(user_metrics.survival) IS
    'median time to the event in seconds; NULL if observation ends before

Arguments:
  survival: the value to read

Result:
  time in seconds; NULL if observation ends before';

CREATE FUNCTION user_metrics.survival_quantile(
    survival user_metrics.survival, quantile double precision
) RETURNS double precision
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_quantile_of_survival';
COMMENT ON FUNCTION user_metrics.survival_quantile(user_metrics.survival, double precision) IS
    'quantile of the time to the event in seconds; NULL if observation ends before

Arguments:
  survival: the value to read
  quantile: the quantile, as a share between 0 and 1; NULL gives NULL

Result:
  time in seconds; NULL if observation ends before';

CREATE FUNCTION user_metrics.survival_quantiles(
    survival user_metrics.survival, quantiles double precision[] DEFAULT '{0.25,0.5,0.75,0.9}',
    confidence double precision DEFAULT 0.95, bounds text DEFAULT 'log_log'
) RETURNS TABLE (
    quantile double precision, seconds double precision, seconds_low double precision, seconds_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 4
AS 'MODULE_PATHNAME', 'survival_quantiles_of_survival';
COMMENT ON FUNCTION user_metrics.survival_quantiles(user_metrics.survival, double precision[], double precision, text) IS
    'quantiles of the time to the event in seconds, with confidence bounds; NULL if observation ends before

Arguments:
  survival: the value to read
  quantiles: the quantiles, as shares between 0 and 1 (default ''{0.25,0.5,0.75,0.9}'')
  confidence: confidence level of the bounds, between 0 and 1 (default 0.95)
  bounds: scale of the bounds: log_log, or log, which is the default of R (default ''log_log'')

Columns:
  quantile: the share
  seconds: time by which the event has happened to that share; NULL if observation ends before
  seconds_low: its lower bound
  seconds_high: its upper bound';

CREATE FUNCTION user_metrics.survival_mean(
    survival user_metrics.survival, until_seconds double precision DEFAULT NULL,
    confidence double precision DEFAULT 0.95
) RETURNS TABLE (
    until_seconds double precision, mean_seconds double precision, mean_low double precision,
    mean_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'survival_mean_of_survival';
COMMENT ON FUNCTION user_metrics.survival_mean(user_metrics.survival, double precision, double precision) IS
    'restricted mean time to the event in seconds, counting longer times as until_seconds, with confidence bounds; NULL if observation ends before

Arguments:
  survival: the value to read
  until_seconds: the longest time that counts, in seconds; by default the longest duration
  confidence: confidence level of the bounds, between 0 and 1 (default 0.95)

Columns:
  until_seconds: the longest time that counts
  mean_seconds: mean of the time to the event or until_seconds, whichever is shorter: the area under the curve; NULL if observation ends before
  mean_low: its lower bound; NULL without an event before until_seconds
  mean_high: its upper bound';

CREATE FUNCTION user_metrics.usage_patterns(
    source regclass, per text DEFAULT NULL, period text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, period_start date, complete boolean, users bigint, requests bigint, active_days bigint,
    requests_per_active_day double precision, requests_per_calendar_day double precision,
    median_seconds_between_requests double precision, usage_interval_days double precision, prompt_tokens bigint,
    completion_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, cost_usd double precision,
    requests_without_cost bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_patterns_over_log';
COMMENT ON FUNCTION user_metrics.usage_patterns(regclass, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'volume and regularity of usage: requests per active day and per calendar day, median time between requests, usage interval (80th percentile of users'' median gap between active days), tokens and cost; of all time or of each period

Arguments:
  source: the log: a table, view or foreign table
  per: column or property for whose values there are separate rows within each segment, as name
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  name: value of per; NULL for requests without one, and without per
  period_start: first local day of the period; NULL without period
  complete: whether the period has elapsed, lies within the log and is not cut by since; NULL without period
  users: users with at least one request
  requests: their requests
  active_days: local days with a request, summed over users
  requests_per_active_day: requests / active_days
  requests_per_calendar_day: requests over all days of the period from the user''s first request, or since if that is later, to the end of observation, summed over users
  median_seconds_between_requests: median time between successive requests of a user, over all pairs within the period
  usage_interval_days: 80th percentile of users'' median number of days between active days of the period
  prompt_tokens: prompt tokens; NULL if none are known
  completion_tokens: completion tokens; NULL if none are known
  cached_tokens: prompt tokens read from a cache; NULL if none are known
  reasoning_tokens: completion tokens of reasoning; NULL if none are known
  cost_usd: cost in US dollars; NULL if none is known
  requests_without_cost: requests whose cost is not known';

CREATE FUNCTION user_metrics.peak_hours(
    source regclass, top integer DEFAULT 3, period text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, complete boolean, hour integer, requests bigint, hour_occurrences bigint,
    requests_per_hour_occurrence double precision, rank bigint, is_peak boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'peak_hours_over_log';
COMMENT ON FUNCTION user_metrics.peak_hours(regclass, integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests in each hour of the local clock, per occurrence of the hour, and the peak hours, of all time or of each period

Arguments:
  source: the log: a table, view or foreign table
  top: number of peak hours, from 1 to 24 (default 3)
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period; NULL without period
  complete: whether the period has elapsed, lies within the log and is not cut by since; NULL without period
  hour: hour of the local clock, 0 to 23
  requests: requests in the hour
  hour_occurrences: occurrences of the hour from the segment''s first request to the end of observation, of the period only
  requests_per_hour_occurrence: requests / hour_occurrences
  rank: rank by requests per occurrence: 1 has the most, ties are broken by the earlier hour
  is_peak: whether rank is at most top and the hour has requests';

CREATE FUNCTION user_metrics.usage_heatmap(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, weekday integer, hour integer, requests bigint, users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 168 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_heatmap_over_log';
COMMENT ON FUNCTION user_metrics.usage_heatmap(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests and users in each hour of the local week: weekday 1 is Monday, 7 is Sunday

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  weekday: 1 for Monday to 7 for Sunday
  hour: hour of the local clock, 0 to 23
  requests: requests in the hour
  users: distinct users of these requests';

CREATE FUNCTION user_metrics.feature_usage(
    source regclass, period text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, period_start date, complete boolean, users bigint, reach double precision, requests bigint,
    share double precision, requests_per_user double precision, answered_rate double precision, cached_tokens bigint,
    reasoning_tokens bigint, cost_usd double precision, requests_without_cost bigint, median_ttft_ms double precision,
    median_latency_ms double precision, p95_latency_ms double precision, median_failed_latency_ms double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_usage_over_log';
COMMENT ON FUNCTION user_metrics.feature_usage(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users of each feature and their requests, with the share answered, tokens, cost and latency, of all time or of each period

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  name: the name; NULL for requests without one
  period_start: first local day of the period; NULL without period
  complete: whether the period has elapsed, lies within the log and is not cut by since; NULL without period
  users: distinct users
  reach: users / all users of the segment, in the period
  requests: number of requests
  share: share of the segment''s requests in the period; NULL if any row of these is too small to show
  requests_per_user: requests / users
  answered_rate: share of answered requests among those whose outcome is known
  cached_tokens: prompt tokens read from a cache; NULL if none are known
  reasoning_tokens: completion tokens of reasoning; NULL if none are known
  cost_usd: cost in US dollars; NULL if none is known
  requests_without_cost: requests whose cost is not known
  median_ttft_ms: median time to the first token in milliseconds of the requests that are not known to have failed
  median_latency_ms: median latency in milliseconds of the requests that are not known to have failed
  p95_latency_ms: 95th percentile of these latencies, interpolated
  median_failed_latency_ms: median latency in milliseconds of the requests that failed';

CREATE FUNCTION user_metrics.model_usage(
    source regclass, period text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, period_start date, complete boolean, users bigint, reach double precision, requests bigint,
    share double precision, requests_per_user double precision, answered_rate double precision, cached_tokens bigint,
    reasoning_tokens bigint, cost_usd double precision, requests_without_cost bigint, median_ttft_ms double precision,
    median_latency_ms double precision, p95_latency_ms double precision, median_failed_latency_ms double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'model_usage_over_log';
COMMENT ON FUNCTION user_metrics.model_usage(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users of each model and their requests, with the share answered, tokens, cost and latency, of all time or of each period

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  name: the name; NULL for requests without one
  period_start: first local day of the period; NULL without period
  complete: whether the period has elapsed, lies within the log and is not cut by since; NULL without period
  users: distinct users
  reach: users / all users of the segment, in the period
  requests: number of requests
  share: share of the segment''s requests in the period; NULL if any row of these is too small to show
  requests_per_user: requests / users
  answered_rate: share of answered requests among those whose outcome is known
  cached_tokens: prompt tokens read from a cache; NULL if none are known
  reasoning_tokens: completion tokens of reasoning; NULL if none are known
  cost_usd: cost in US dollars; NULL if none is known
  requests_without_cost: requests whose cost is not known
  median_ttft_ms: median time to the first token in milliseconds of the requests that are not known to have failed
  median_latency_ms: median latency in milliseconds of the requests that are not known to have failed
  p95_latency_ms: 95th percentile of these latencies, interpolated
  median_failed_latency_ms: median latency in milliseconds of the requests that failed';

CREATE FUNCTION user_metrics.model_stickiness(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, model text, transitions bigint, stay_rate double precision, chance_rate double precision,
    excess double precision, switches_after_error bigint, concentration double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'model_stickiness_over_log';
COMMENT ON FUNCTION user_metrics.model_stickiness(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'share of requests followed by another to the same model, compared with the share expected by chance given each user''s model mix; the row without a model is for all models

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  model: the model; NULL for all models
  transitions: requests to the model that are followed by another request of the same user
  stay_rate: share of them followed by a request to the same model
  chance_rate: share expected if each user''s requests came in random order
  excess: stay_rate - chance_rate
  switches_after_error: switches to another model after a failed request; NULL if success is not known
  concentration: mean over users with at least two requests of the sum of the squared shares of their models (Herfindahl index)';

CREATE FUNCTION user_metrics.model_switches(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, from_model text, to_model text, switches bigint, after_error bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'model_switches_over_log';
COMMENT ON FUNCTION user_metrics.model_switches(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'switches from one model to another between successive requests of a user, and how many of them follow a failed request

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  from_model: model of the earlier request
  to_model: model of the user''s next request
  switches: number of switches
  after_error: number of switches after a failed request; NULL if success is not known';

CREATE FUNCTION user_metrics.request_complexity(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    request_id text, user_id text, occurred_at timestamptz, complexity double precision,
    prompt_tokens_rank double precision, completion_tokens_rank double precision, turn_rank double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'request_complexity_over_log';
COMMENT ON FUNCTION user_metrics.request_complexity(regclass, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'heuristic complexity of each request among those of its model and month: mean of the percentile ranks of its prompt tokens, its completion tokens and its turn in the session, as far as they are known

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  request_id: id of the request
  user_id: user of the request
  occurred_at: time of the request
  complexity: mean of those of the three ranks that are known, between 0 and 1
  prompt_tokens_rank: percentile rank of its prompt tokens
  completion_tokens_rank: percentile rank of its completion tokens
  turn_rank: percentile rank of its turn in the session';

CREATE FUNCTION user_metrics.segment_users(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_days integer DEFAULT 5, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint, recent_days bigint,
    base_days bigint, decline_ratio double precision, decline_p double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_users_over_log';
COMMENT ON FUNCTION user_metrics.segment_users(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'segment of every user, exactly one (the first of new, at_risk, power, casual, lapsed and dormant that applies, or of custom rules), with the metrics that decide it

Arguments:
  source: the log: a table, view or foreign table
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: whether users with exactly as many requests as the last within the share are power users if not all fit: include for all of them, exclude for none (default ''include'')
  min_users: fewest recently active users for there to be power users, 1 or more (default 10)
  new_days: users whose first request is less than this many spans of 24 hours ago are new, from 0 to 36500 (default 30)
  recent_weeks: number of recent weeks of 168 hours, from 1 to 520 (default 4)
  base_weeks: number of base weeks before them, with which they are compared, from 1 to 520 (default 4)
  max_decline_ratio: largest ratio of active days per week, recent over base, of a user at risk or lapsed, from 0 to 1 (default 0.5)
  max_decline_p: probability of the decline below which a user is at risk or lapsed, from 0 to 1 (default 0.05)
  min_base_days: fewest base days of a user at risk or lapsed, 1 or more (default 5)
  rules: custom segments in place of the six: a JSON array of rules, of which the first that matches applies
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  segment: new, at_risk, power, casual, lapsed or dormant, the first that applies; or a custom segment of rules
  requests: requests at or after since
  active_days: local days with at least one of these requests
  first_seen: time of the first request, regardless of since
  last_seen: time of the last request, regardless of since
  usage_rank: rank by recent_requests among the recently active users: 1 has the most, equal users share a rank; NULL without recent requests
  power_cutoff: fewest recent_requests of any user within power_share, the same in every row; NULL if there is no such user
  recent_requests: requests in the recent weeks
  base_requests: requests in the base weeks before them
  recent_days: local days of the recent requests
  base_days: local days of the base requests
  decline_ratio: active days per week, recent over base; NULL without base days
  decline_p: probability of as few recent days, or fewer, if the rate had not changed; NULL without active days in either span';

CREATE FUNCTION user_metrics.segment_user(
    source regclass, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_days integer DEFAULT 5, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz, usage_rank bigint,
    power_cutoff bigint, recent_requests bigint, base_requests bigint, recent_days bigint, base_days bigint,
    decline_ratio double precision, decline_p double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_user_over_log';
COMMENT ON FUNCTION user_metrics.segment_user(regclass, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'row of segment_users for one user; reads the whole log, because power users are defined relative to all other users

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: whether users with exactly as many requests as the last within the share are power users if not all fit: include for all of them, exclude for none (default ''include'')
  min_users: fewest recently active users for there to be power users, 1 or more (default 10)
  new_days: users whose first request is less than this many spans of 24 hours ago are new, from 0 to 36500 (default 30)
  recent_weeks: number of recent weeks of 168 hours, from 1 to 520 (default 4)
  base_weeks: number of base weeks before them, with which they are compared, from 1 to 520 (default 4)
  max_decline_ratio: largest ratio of active days per week, recent over base, of a user at risk or lapsed, from 0 to 1 (default 0.5)
  max_decline_p: probability of the decline below which a user is at risk or lapsed, from 0 to 1 (default 0.05)
  min_base_days: fewest base days of a user at risk or lapsed, 1 or more (default 5)
  rules: custom segments in place of the six: a JSON array of rules, of which the first that matches applies
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: new, at_risk, power, casual, lapsed or dormant, the first that applies; or a custom segment of rules
  requests: requests at or after since
  active_days: local days with at least one of these requests
  first_seen: time of the first request, regardless of since
  last_seen: time of the last request, regardless of since
  usage_rank: rank by recent_requests among the recently active users: 1 has the most, equal users share a rank; NULL without recent requests
  power_cutoff: fewest recent_requests of any user within power_share, the same in every row; NULL if there is no such user
  recent_requests: requests in the recent weeks
  base_requests: requests in the base weeks before them
  recent_days: local days of the recent requests
  base_days: local days of the base requests
  decline_ratio: active days per week, recent over base; NULL without base days
  decline_p: probability of as few recent days, or fewer, if the rate had not changed; NULL without active days in either span';

CREATE FUNCTION user_metrics.segment_summary(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_days integer DEFAULT 5, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 6 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_summary_over_log';
COMMENT ON FUNCTION user_metrics.segment_summary(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in the order of the segments

Arguments:
  source: the log: a table, view or foreign table
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: whether users with exactly as many requests as the last within the share are power users if not all fit: include for all of them, exclude for none (default ''include'')
  min_users: fewest recently active users for there to be power users, 1 or more (default 10)
  new_days: users whose first request is less than this many spans of 24 hours ago are new, from 0 to 36500 (default 30)
  recent_weeks: number of recent weeks of 168 hours, from 1 to 520 (default 4)
  base_weeks: number of base weeks before them, with which they are compared, from 1 to 520 (default 4)
  max_decline_ratio: largest ratio of active days per week, recent over base, of a user at risk or lapsed, from 0 to 1 (default 0.5)
  max_decline_p: probability of the decline below which a user is at risk or lapsed, from 0 to 1 (default 0.05)
  min_base_days: fewest base days of a user at risk or lapsed, 1 or more (default 5)
  rules: custom segments in place of the six: a JSON array of rules, of which the first that matches applies
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: new, at_risk, power, casual, lapsed or dormant; or a custom segment of rules
  users: users in the segment
  user_share: share of all users, 0 to 1; NULL if there are none, or if any segment is hidden
  requests: requests at or after since
  request_share: share of all requests at or after since, 0 to 1; NULL if there are none, or if any segment is hidden
  requests_per_user: requests / users; NULL without users';

CREATE FUNCTION user_metrics.user_profile(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true,
    candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'user_profile_over_log';
COMMENT ON FUNCTION user_metrics.user_profile(regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'profile of one user as JSON: behaviour, segment, preferences, and comparison with peers; benchmark => false reads the user''s own requests only

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  peers: column or property that defines peers: users with the same most recent value of it
  benchmark: whether to include segment and peers, for which the requests of all users are read; false reads the user''s own only (default true)
  candidates: candidate models, named as in the log or followed by a slash and a provider; by default those used
  fallback: models for users of whom too little is known; by default the candidates as given
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Result:
  object with user_behavior, segment, preferences and benchmark; NULL for a user without requests';

CREATE FUNCTION user_metrics.user_metrics_row(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true,
    candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    requests_per_active_day double precision, requests_per_calendar_day double precision, sessions bigint,
    session_mean_seconds double precision, session_median_seconds double precision, completion_rate double precision,
    answered_rate double precision, cost_usd double precision, mean_rating double precision, peak_hours text,
    favorite_features text, model_preferences text, preferred_models text, prefers_speed boolean,
    prefers_quality boolean, requests_per_day double precision, requests_per_day_peer_median double precision,
    requests_per_day_percentile double precision, requests_per_completed_session double precision,
    requests_per_completed_session_peer_median double precision,
    requests_per_completed_session_percentile double precision, features_used double precision,
    features_used_peer_median double precision, features_used_percentile double precision,
    satisfaction double precision, satisfaction_peer_median double precision, satisfaction_percentile double precision,
    peer_users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'user_metrics_row_over_log';
COMMENT ON FUNCTION user_metrics.user_metrics_row(regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'profile of one user as a row of plain columns: usage, sessions, habits, segment, preferences, and comparison with peers; benchmark => false reads the user''s own requests only

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  peers: column or property that defines peers: users with the same most recent value of it
  benchmark: whether to include segment and peers, for which the requests of all users are read; false reads the user''s own only (default true)
  candidates: candidate models, named as in the log or followed by a slash and a provider; by default those used
  fallback: models for users of whom too little is known; by default the candidates as given
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: segment as in segment_users; NULL without benchmark
  requests: number of requests
  active_days: local days with at least one request
  first_seen: time of the first request
  last_seen: time of the last request
  requests_per_active_day: requests / active_days
  requests_per_calendar_day: requests over all days from the first request, or since if that is later, to the end of observation
  sessions: number of sessions
  session_mean_seconds: mean active time of closed sessions: without pauses above session_gap
  session_median_seconds: median active time of closed sessions
  completion_rate: completed / (completed + abandoned)
  answered_rate: share of answered requests among those whose outcome is known
  cost_usd: cost in US dollars
  mean_rating: mean rating
  peak_hours: up to three hours with the most requests per occurrence of the hour, separated by commas
  favorite_features: up to three most used features, separated by commas
  model_preferences: up to three most used models, with their providers if the log has them, separated by commas
  preferred_models: models to offer, in order, separated by commas
  prefers_speed: whether the user prefers speed; NULL with too little evidence
  prefers_quality: whether the user prefers quality; NULL with too little evidence
  requests_per_day: requests per day, as in benchmark_users
  requests_per_day_peer_median: median of the peers
  requests_per_day_percentile: percentile rank among the peers
  requests_per_completed_session: requests of closed sessions / completed sessions
  requests_per_completed_session_peer_median: median of the peers
  requests_per_completed_session_percentile: percentile rank among the peers
  features_used: number of distinct features used
  features_used_peer_median: median of the peers
  features_used_percentile: percentile rank among the peers
  satisfaction: mean rating, shrunk towards that of the peers
  satisfaction_peer_median: median of the peers
  satisfaction_percentile: percentile rank among the peers
  peer_users: peers with a known requests_per_day';

CREATE FUNCTION user_metrics.preferred_models(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, model text, requests bigint, active_days bigint, median_latency_ms double precision,
    median_failed_latency_ms double precision, answered_rate double precision, mean_rating double precision,
    reason text, prefers_speed boolean, prefers_quality boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'preferred_models_over_log';
COMMENT ON FUNCTION user_metrics.preferred_models(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'models to offer one user, in order, inferred from the user''s choices and experience; limited to candidates, with fallback for users of whom too little is known

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  candidates: candidate models, named as in the log or followed by a slash and a provider; by default those used
  fallback: models for users of whom too little is known; by default the candidates as given
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  place: rank; 1 is the model to offer first
  model: the candidate as given, or the model as named in the log, followed by a slash and its provider if the log has one
  requests: the user''s requests to it
  active_days: local days with such a request
  median_latency_ms: the user''s median latency in milliseconds, over requests that are not known to have failed
  median_failed_latency_ms: the same over requests that failed
  answered_rate: share of the user''s requests to it that were answered, as far as known
  mean_rating: mean of the user''s ratings
  reason: reason for the rank: fast, good, used, not used, as given or fallback
  prefers_speed: whether the user prefers speed; NULL with too little evidence
  prefers_quality: whether the user prefers quality; NULL with too little evidence';

CREATE FUNCTION user_metrics.preferred_model_list(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'preferred_model_list_over_log';
COMMENT ON FUNCTION user_metrics.preferred_model_list(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'models of preferred_models separated by commas, in the form that gateways take

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  candidates: candidate models, named as in the log or followed by a slash and a provider; by default those used
  fallback: models for users of whom too little is known; by default the candidates as given
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Result:
  models in the order to offer them; NULL if there is none to offer';

CREATE FUNCTION user_metrics.favorite_features(
    source regclass, user_id text, top integer DEFAULT 3, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, feature text, requests bigint, active_days bigint, share double precision,
    population_share double precision, lift double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 3 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'favorite_features_over_log';
COMMENT ON FUNCTION user_metrics.favorite_features(regclass, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'most used features of one user, with lift: share of the user''s requests over share of all users'' requests

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  top: number of features, 1 or more (default 3)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  place: rank; 1 is the most used
  feature: the feature
  requests: the user''s requests to it
  active_days: local days with such a request
  share: share of the user''s requests that name a feature
  population_share: the same share for the requests of all users; NULL for a feature with too few users
  lift: share / population_share';

CREATE FUNCTION user_metrics.benchmark_users(
    source regclass, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, peer_group text, metric text, value double precision, peer_median double precision,
    percentile double precision, peer_users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'benchmark_users_over_log';
COMMENT ON FUNCTION user_metrics.benchmark_users(regclass, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'requests per day, requests per completed session, features used and satisfaction of every user, compared with peers: all other users, or those with the same value of the property peers

Arguments:
  source: the log: a table, view or foreign table
  peers: column or property that defines peers: users with the same most recent value of it
  min_peers: fewest peers for a comparison, 1 or more (default 10)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  peer_group: the user''s most recent value of peers
  metric: requests_per_day, requests_per_completed_session, features_used or satisfaction
  value: the user''s own value; requests_per_day are those of the first weeks, 1, 2, 4, 8 and so on, as many as the user and enough peers have had; NULL if not known, as in the first week
  peer_median: median of the peers; NULL with too few peers
  percentile: percentile rank: share of the peers with a lower value and half the share of those with an equal one
  peer_users: peers with a known value';

CREATE FUNCTION user_metrics.benchmark_user(
    source regclass, user_id text, peers text DEFAULT NULL, min_peers integer DEFAULT 10,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    peer_group text, metric text, value double precision, peer_median double precision, percentile double precision,
    peer_users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 4 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'benchmark_user_over_log';
COMMENT ON FUNCTION user_metrics.benchmark_user(regclass, text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'rows of benchmark_users for one user; reads the whole log, because the user is compared with all others

Arguments:
  source: the log: a table, view or foreign table
  user_id: id of the user, as in the log
  peers: column or property that defines peers: users with the same most recent value of it
  min_peers: fewest peers for a comparison, 1 or more (default 10)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  peer_group: the user''s most recent value of peers
  metric: requests_per_day, requests_per_completed_session, features_used or satisfaction
  value: the user''s own value; requests_per_day are those of the first weeks, 1, 2, 4, 8 and so on, as many as the user and enough peers have had; NULL if not known, as in the first week
  peer_median: median of the peers; NULL with too few peers
  percentile: percentile rank: share of the peers with a lower value and half the share of those with an equal one
  peer_users: peers with a known value';

CREATE FUNCTION user_metrics.user_properties(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, property text, value text, told_at timestamptz
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'user_properties_over_log';
COMMENT ON FUNCTION user_metrics.user_properties(regclass, timestamptz, timestamptz, jsonb, timestamptz) IS
    'most recent value (not NULL) of every property of every user up to as_of, and its time

Arguments:
  source: the log: a table, view or foreign table
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  property: key of the properties
  value: most recent value that is not NULL; objects and lists as JSON text
  told_at: time at which it was last logged';

CREATE FUNCTION user_metrics.property_history(
    source regclass, property text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, value text, valid_from timestamptz, valid_to timestamptz
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'property_history_over_log';
COMMENT ON FUNCTION user_metrics.property_history(regclass, text, timestamptz, timestamptz, jsonb, timestamptz) IS
    'values of a property of every user, one after the other, with the times from which and until which each was valid; also what was logged before since, if it still holds

Arguments:
  source: the log: a table, view or foreign table
  property: column or property whose values are listed
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  value: the value
  valid_from: time of the request with which it was first logged, regardless of since
  valid_to: time of the request with which another value was logged; NULL if it holds at the end of observation';

CREATE FUNCTION user_metrics.plan_usage(
    source regclass, plans jsonb, plan_property text DEFAULT 'UserTier', user_id text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, plan text, period_start date, complete boolean, requests bigint, refused_requests bigint, unit text,
    used double precision, plan_limit double precision, used_share double precision, projected double precision,
    first_day_over_limit date, out_of_plan_requests bigint, reason text, details jsonb
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'plan_usage_over_log';
COMMENT ON FUNCTION user_metrics.plan_usage(regclass, jsonb, text, text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'use of every user compared with the limit of their plan, a row for each period and plan held in it: share used, projection to the end of the period, first day over the limit, requests to features outside the plan

Arguments:
  source: the log: a table, view or foreign table
  plans: JSON object of plans, each with limit (or monthly_request_limit), of (requests, tokens or cost_usd), every (day, week or month), anchor and features
  plan_property: property that holds the user''s plan (default ''UserTier'')
  user_id: id of the only user whose requests are read; by default all users
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  plan: plan held at these requests: the most recent value told; NULL before the first
  period_start: first local day of the period
  complete: whether the period is over
  requests: requests in the period under the plan
  refused_requests: those known not to have been answered, which use up nothing
  unit: unit of the limit: requests, tokens or cost_usd
  used: use by all other requests, in this unit; NULL if it is not known
  plan_limit: limit of the plan in a period; NULL without one, see reason
  used_share: used / plan_limit; NULL if one of them is not known, or the limit is 0
  projected: use expected by the end of the period at this pace
  first_day_over_limit: day on which the limit was exceeded; NULL if it was not
  out_of_plan_requests: requests to features that the plan does not include; NULL if it includes all, or is not known
  reason: why used_share is NULL: unlimited, plan not in plans, no plan told, limit is 0, or use not known
  details: other keys of the plan in plans, such as support_level';

CREATE FUNCTION user_metrics.first_sessions(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, signed_up_users bigint, without_request_users bigint, requests_before_signup bigint,
    seconds_to_first_request double precision, seconds_to_first_request_low double precision,
    seconds_to_first_request_high double precision, first_request_within_1_day double precision,
    first_request_within_7_days double precision, first_requests bigint, first_request_answered_rate double precision,
    rate_low double precision, rate_high double precision, open_sessions bigint,
    features_discovered_mean double precision, active_mean_seconds double precision,
    active_median_seconds double precision, requests_mean double precision, single_request_share double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'first_sessions_over_log';
COMMENT ON FUNCTION user_metrics.first_sessions(regclass, regclass, interval, interval, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'onboarding: median time from signup to the first request, with users without a request right-censored, success of the first request, and active time, depth and breadth of the first session

Arguments:
  source: the log: a table, view or foreign table
  signups: table or view of users and their signup times, with columns like those of a log; the earliest row of a user counts
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  users: users whose first request was at or after since
  signed_up_users: users of the segment whose signup is known; with by, users without a request are in no segment
  without_request_users: those of them without a request yet
  requests_before_signup: those of them whose first request was before signup
  seconds_to_first_request: median time from signup to the first request, with users without a request right-censored; NULL if fewer than half have made one
  seconds_to_first_request_low: its lower 95 % bound
  seconds_to_first_request_high: its upper 95 % bound
  first_request_within_1_day: share with a first request within 24 hours of signup, 0 to 1; NULL if no user has been observed for that long
  first_request_within_7_days: share with a first request within 168 hours of signup, 0 to 1; NULL if no user has been observed for that long
  first_requests: first requests with a known outcome
  first_request_answered_rate: share of them that were answered, 0 to 1
  rate_low: its lower 95 % bound
  rate_high: its upper 95 % bound
  open_sessions: first sessions that may still continue, which the following columns exclude
  features_discovered_mean: mean number of features used in the first session
  active_mean_seconds: mean active time: without pauses above session_gap
  active_median_seconds: median active time
  requests_mean: mean number of requests
  single_request_share: share with a single request, 0 to 1';

CREATE FUNCTION user_metrics.first_session_list(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_id text, started_at timestamptz, ended_at timestamptz, active_seconds double precision,
    span_seconds double precision, requests bigint, errors bigint, outcome text, first_request_succeeded boolean,
    features_discovered bigint, signed_up_at timestamptz, seconds_to_first_request double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'first_session_list_over_log';
COMMENT ON FUNCTION user_metrics.first_session_list(regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'first session of each user: start, end, requests, errors, outcome, success of the first request, number of features, and time since signup

Arguments:
  source: the log: a table, view or foreign table
  signups: table or view of users and their signup times, with columns like those of a log; the earliest row of a user counts
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  session_id: session id; NULL for a session formed by the gap
  started_at: time of the first request; this and the following columns of the session are NULL for users without a request
  ended_at: time at which the last answer was complete
  active_seconds: time between start and end without pauses above session_gap
  span_seconds: time between start and end
  requests: number of requests
  errors: number of failed requests
  outcome: completed, abandoned, open, or NULL if not known
  first_request_succeeded: whether the first request succeeded; NULL if not known
  features_discovered: number of distinct features used; NULL if no first session has one
  signed_up_at: time of signup; NULL if signups does not contain it
  seconds_to_first_request: time from signup to the first request';

CREATE FUNCTION user_metrics.activation_milestones(
    source regclass, milestones jsonb DEFAULT NULL, advanced_features text[] DEFAULT NULL,
    signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, milestone_number integer, milestone text, eligible_users bigint, reached_users bigint,
    reached_rate double precision, rate_low double precision, rate_high double precision,
    median_seconds double precision, p25_seconds double precision, p75_seconds double precision,
    p90_seconds double precision, dropped_from_previous bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'activation_milestones_over_log';
COMMENT ON FUNCTION user_metrics.activation_milestones(regclass, jsonb, text[], regclass, interval, interval, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'onboarding milestones, standard or custom: share of eligible users, whose time limit has elapsed, who reached each one, and right-censored (Kaplan-Meier) time to it

Arguments:
  source: the log: a table, view or foreign table
  milestones: custom milestones in place of the standard ones: a JSON array of objects with name, filter, from, count and within
  advanced_features: features whose first use is a milestone as well
  signups: table or view of users and their signup times, with columns like those of a log; the earliest row of a user counts
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  milestone_number: number of the milestone
  milestone: name of the milestone
  eligible_users: users of the milestone whose time limit has elapsed; all of them if there is no limit
  reached_users: eligible users who reached the milestone
  reached_rate: reached_users / eligible_users, 0 to 1
  rate_low: its lower 95 % bound
  rate_high: its upper 95 % bound
  median_seconds: median time to the milestone over all users of the milestone, with those who have not reached it right-censored; NULL if fewer have reached it
  p25_seconds: 25th percentile of the time, likewise
  p75_seconds: 75th percentile of the time, likewise
  p90_seconds: 90th percentile of the time, likewise
  dropped_from_previous: eligible users who reached the previous milestone and not this one; NULL for the first';

CREATE FUNCTION user_metrics.feature_adoption(
    source regclass, exposed jsonb DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    power_share double precision DEFAULT 0.10, min_users integer DEFAULT 10, by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, feature text, users bigint, aware_users bigint, tried_users bigint, reach double precision,
    tried_rate double precision, eligible_users bigint, open_users bigint, adopted_users bigint,
    adoption_rate double precision, rate_low double precision, rate_high double precision, power_users bigint,
    power_rate double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_adoption_over_log';
COMMENT ON FUNCTION user_metrics.feature_adoption(regclass, jsonb, integer, integer, double precision, integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'feature adoption funnel: users who are aware of each feature (if the log records exposure), try it, adopt it by use on several days, and become power users of it; adoption is a share of eligible users, whose time for it has elapsed

Arguments:
  source: the log: a table, view or foreign table
  exposed: rows that record the exposure of a user to the feature, in the form of filter; they do not count as use
  min_days: number of days of use that counts as adoption, from 1 to 3650 (default 3)
  within_days: number of days for adoption, the first day of use included, from min_days to 3650 (default 28)
  power_share: share of the users who tried the feature who are power users of it, from 0 to 1, rounded up to whole users (default 0.10)
  min_users: fewest users who must have tried the feature for it to have power users, 1 or more (default 10)
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  feature: the feature
  users: users with a request at or after since
  aware_users: users who were shown the feature or used it; NULL without exposed
  tried_users: users whose first use of the feature was at or after since
  reach: tried_users / users
  tried_rate: tried_users / aware_users; NULL without exposed
  eligible_users: users who tried it at least within_days days ago
  open_users: users who tried it later, whose adoption is not known yet
  adopted_users: eligible users who used it on min_days days of the first within_days
  adoption_rate: adopted_users / eligible_users
  rate_low: its lower 95 % bound (Wilson)
  rate_high: its upper 95 % bound
  power_users: adopted users in the power_share with the most requests, among users who tried the feature
  power_rate: power_users / adopted_users';

CREATE FUNCTION user_metrics.adoption_barriers(
    source regclass, feature text, rating_scale double precision[] DEFAULT NULL, min_days integer DEFAULT 3,
    within_days integer DEFAULT 28, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, barrier_rank bigint, barrier text, not_adopted_users bigint, not_adopted_value double precision,
    adopted_users bigint, adopted_value double precision, difference double precision, difference_low double precision,
    difference_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 5 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'adoption_barriers_over_log';
COMMENT ON FUNCTION user_metrics.adoption_barriers(regclass, text, double precision[], integer, integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'barriers to adoption: errors, retried prompts, bad ratings and latency on the first day with a feature, of users who tried it and did not adopt it, compared with users who did; clearest difference first

Arguments:
  source: the log: a table, view or foreign table
  feature: the feature, as named in the log
  rating_scale: worst and best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings are not used
  min_days: number of days of use that counts as adoption, from 1 to 3650 (default 3)
  within_days: number of days for adoption, the first day of use included, from min_days to 3650 (default 28)
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  barrier_rank: rank; 1 is the clearest difference between the two groups
  barrier: what happened to users on their first local day with the feature
  not_adopted_users: users who did not adopt the feature and for whom the log shows it
  not_adopted_value: share of them with the barrier; for latency, the mean of the users'' means
  adopted_users: the same for users who adopted the feature
  adopted_value: share of them with the barrier, or the mean
  difference: not_adopted_value - adopted_value
  difference_low: its lower 95 % bound: Newcombe''s for shares, Welch''s for means
  difference_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.feature_timing(
    source regclass, feature text, landmarks integer[] DEFAULT '{1,3,7,14,28}', horizon_days integer DEFAULT 28,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, landmark_day integer, introduced_users bigint, introduced_retained bigint,
    introduced_retention double precision, introduced_low double precision, introduced_high double precision,
    without_users bigint, without_retained bigint, without_retention double precision, without_low double precision,
    without_high double precision, difference double precision, difference_low double precision,
    difference_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_timing_over_log';
COMMENT ON FUNCTION user_metrics.feature_timing(regclass, text, integer[], integer, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'timing of feature introduction: retention of users still active at each landmark, of those with first use of the feature since the previous landmark compared with those without use by then; an association

Arguments:
  source: the log: a table, view or foreign table
  feature: the feature, as named in the log
  landmarks: landmarks in days after the user''s first day, from 1 to 3650, ascending; users are grouped at the start of the landmark (default ''{1,3,7,14,28}'')
  horizon_days: number of days for which users are followed from the landmark on, from 7 to 3650 (default 28)
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  landmark_day: the landmark
  introduced_users: users who first used the feature on a day from the previous landmark, or the start, to the day before this one
  introduced_retained: those of them who are active in the last seven of the horizon_days days
  introduced_retention: introduced_retained / introduced_users
  introduced_low: its lower 95 % bound (Wilson)
  introduced_high: its upper 95 % bound
  without_users: users who have not used the feature by then
  without_retained: those of them who are active in these seven days
  without_retention: without_retained / without_users
  without_low: its lower 95 % bound (Wilson)
  without_high: its upper 95 % bound
  difference: introduced_retention - without_retention
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.usage_evolution(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL,
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, panel text, week integer, users bigint, active_users bigint, requests_per_day double precision,
    requests_per_active_user_day double precision, avg_session_seconds double precision, features_used double precision,
    satisfaction_score double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_evolution_over_log';
COMMENT ON FUNCTION user_metrics.usage_evolution(regclass, integer[], double precision[], interval, interval, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'change of usage over the weeks since users'' first day, for two panels: all users whose week has elapsed, and the same users throughout, whose last requested week has elapsed

Arguments:
  source: the log: a table, view or foreign table
  weeks: weeks to report, from 1 to 520; week 1 is the user''s first local day and the six days after it (default ''{1,4,12}'')
  rating_scale: worst and best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings are not used
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  panel: all: users whose week has elapsed; same_users: in every row, users whose last week of weeks has elapsed
  week: number of the week
  users: users of the panel
  active_users: those of them with a request in that week
  requests_per_day: requests per user and day, over all users of the panel; users who left count with no requests
  requests_per_active_user_day: requests per user and day, over active users
  avg_session_seconds: mean active time of closed sessions that started in that week
  features_used: mean number of features used by an active user
  satisfaction_score: mean rating of that week, from 0 to 10; NULL without rating_scale';

CREATE FUNCTION user_metrics.usage_evolution_json(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL,
    panel text DEFAULT 'all', detailed boolean DEFAULT false, session_gap interval DEFAULT NULL,
    max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_evolution_json_over_log';
COMMENT ON FUNCTION user_metrics.usage_evolution_json(regclass, integer[], double precision[], text, boolean, interval, interval, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'usage_evolution as one JSON object: user_evolution, with week_1, week_4 and so on, each with requests per day, session length in words, list of features, and satisfaction; detailed => true has all metrics as numbers

Arguments:
  source: the log: a table, view or foreign table
  weeks: weeks to report, from 1 to 520; week 1 is the user''s first local day and the six days after it (default ''{1,4,12}'')
  rating_scale: worst and best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings are not used
  panel: all: users whose week has elapsed; same_users: in every week, users whose last week of weeks has elapsed (default ''all'')
  detailed: whether each week has the columns of usage_evolution instead, under their names (default false)
  session_gap: longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: longest pause within a session of requests with the same id; by default 24 hours
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Result:
  object with user_evolution, which holds an object for each week; empty without users';

CREATE FUNCTION user_metrics.retention_drivers(
    source regclass, early_days integer DEFAULT 7, retained integer[] DEFAULT '{21,27}', behaviours jsonb DEFAULT NULL,
    min_users integer DEFAULT 30, adjust text[] DEFAULT NULL, by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, driver text, users_with bigint, users_without bigint, retention_with double precision,
    retention_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 30 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'retention_drivers_over_log';
COMMENT ON FUNCTION user_metrics.retention_drivers(regclass, integer, integer[], jsonb, integer, text[], text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'predictors of retention: retention with and without each feature and behaviour of the first days, their difference, also adjusted for usage volume, and the strength of evidence; strongest first. Associations, not causes

Arguments:
  source: the log: a table, view or foreign table
  early_days: number of local days on which behaviour is observed, counted from the first, 1 or more (default 7)
  retained: first and last day of the outcome, counted from the user''s first day; users active on at least one of these days are retained; it must not start before the first days are over (default ''{21,27}'')
  behaviours: custom behaviours: a list of objects with a name and a filter, at most 30
  min_users: fewest users with a behaviour, and fewest without it, for it to be listed, 1 or more (default 30)
  adjust: columns or properties, at most 8: adjusted differences compare users who also began the observed days with the same values
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  driver: the behaviour: a standard one, feature: and the name of a feature, or the name of a custom one
  users_with: users with the behaviour
  users_without: users without the behaviour
  retention_with: share of the users with the behaviour who were retained, 0 to 1
  retention_without: share of the users without it who were retained, 0 to 1
  difference: difference of the two rates, first minus second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  ratio: ratio of the two rates, first over second; NULL if the second is 0
  ratio_low: its lower 95 % bound (Katz)
  ratio_high: its upper 95 % bound (Katz)
  phi: correlation of behaviour and outcome, -1 to 1
  p_value: probability of a difference at least as large if there were none: Pearson''s test, or Fisher''s if fewer than 5 users are expected in a cell
  q_value: p_value adjusted for all comparisons of the segment
  adjusted_difference: difference adjusted for usage volume, among users with a similar number of requests and the same values of adjust (Mantel and Haenszel)
  adjusted_low: its lower 95 % bound (Sato)
  adjusted_high: its upper 95 % bound (Sato)
  evidence: strength of evidence: clear (unlikely to be chance, also adjusted for usage volume), volume (unlikely to be chance, but usage volume may explain it) or unclear (may be chance)
  note: association: it is not known which is the cause';

CREATE FUNCTION user_metrics.churn_indicators(
    source regclass, landmark date DEFAULT NULL, window_days integer DEFAULT 28, gap_days integer DEFAULT 7,
    churn_days integer DEFAULT 28, behaviours jsonb DEFAULT NULL, min_users integer DEFAULT 30,
    adjust text[] DEFAULT NULL, by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, indicator text, users_with bigint, users_without bigint, churn_with double precision,
    churn_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 30 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'churn_indicators_over_log';
COMMENT ON FUNCTION user_metrics.churn_indicators(regclass, date, integer, integer, integer, jsonb, integer, text[], text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'predictors of churn: churn with and without each feature and behaviour before a landmark, their difference, also adjusted for usage volume, and the strength of evidence; strongest first. Associations, not causes

Arguments:
  source: the log: a table, view or foreign table
  landmark: day before which behaviour is observed; by default the last one for which the outcome is known
  window_days: number of local days before the landmark on which behaviour is observed, 2 or more (default 28)
  gap_days: number of days from the landmark on that are ignored, 0 or more (default 7)
  churn_days: number of days after the gap without activity that counts as churn, 1 or more (default 28)
  behaviours: custom behaviours: a list of objects with a name and a filter, at most 30
  min_users: fewest users with a behaviour, and fewest without it, for it to be listed, 1 or more (default 30)
  adjust: columns or properties, at most 8: adjusted differences compare users who also began the observed days with the same values
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  indicator: the behaviour: a standard one, feature: and the name of a feature, or the name of a custom one
  users_with: users with the behaviour
  users_without: users without the behaviour
  churn_with: share of the users with the behaviour who churned, 0 to 1
  churn_without: share of the users without it who churned, 0 to 1
  difference: difference of the two rates, first minus second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  ratio: ratio of the two rates, first over second; NULL if the second is 0
  ratio_low: its lower 95 % bound (Katz)
  ratio_high: its upper 95 % bound (Katz)
  phi: correlation of behaviour and outcome, -1 to 1
  p_value: probability of a difference at least as large if there were none: Pearson''s test, or Fisher''s if fewer than 5 users are expected in a cell
  q_value: p_value adjusted for all comparisons of the segment
  adjusted_difference: difference adjusted for usage volume, among users with a similar number of requests and the same values of adjust (Mantel and Haenszel)
  adjusted_low: its lower 95 % bound (Sato)
  adjusted_high: its upper 95 % bound (Sato)
  evidence: strength of evidence: clear (unlikely to be chance, also adjusted for usage volume), volume (unlikely to be chance, but usage volume may explain it) or unclear (may be chance)
  note: association: it is not known which is the cause';

CREATE FUNCTION user_metrics.churn_rate(
    activity user_metrics.activity, period text DEFAULT 'month', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 24
AS 'MODULE_PATHNAME', 'churn_rate_of_activity';
COMMENT ON FUNCTION user_metrics.churn_rate(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'users active in the previous period who are not active in this one, and their share (churn rate) with 95 % bounds; NULL until the period is complete, and unless the previous period lies within the log

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''month'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first local day of the period
  previous_active_users: users active in the previous period; NULL in the first period of the log
  churned_users: those of them who are not active in this period; NULL until complete, and unless the previous period lies within the log
  churn_rate: churned_users / previous_active_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics_internal.churn_rate(
    source regclass, period text, by_value text, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'churn_rate_over_log';

CREATE FUNCTION user_metrics.churn_rate(
    source regclass, period text DEFAULT 'month', by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'first')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.churn_rate(
            source, period, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.churn_rate(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'churn_rate', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(regclass, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users active in the previous period who are not active in this one, and their share (churn rate) with 95 % bounds; NULL until the period is complete, and unless the previous period lies within the log

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''month'')
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  period_start: first local day of the period
  previous_active_users: users active in the previous period; NULL in the first period of the log
  churned_users: those of them who are not active in this period; NULL until complete, and unless the previous period lies within the log
  churn_rate: churned_users / previous_active_users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether the period has elapsed, lies within the log and is not cut by since';

CREATE FUNCTION user_metrics.churn_rate(
    source text, period text DEFAULT 'month', by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 AS $$
    SELECT r.* FROM user_metrics.churn_rate(source::pg_catalog.regclass, period, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(text, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'users active in the previous period who are not active in this one, and their share (churn rate) with 95 % bounds; NULL until the period is complete, and unless the previous period lies within the log; with the log given by name, as in churn_rate(''request_log'')';

CREATE FUNCTION user_metrics.activation_threshold(
    source regclass, action jsonb DEFAULT NULL, retained integer[] DEFAULT '{21,27}', max_days integer DEFAULT 15,
    max_requests integer DEFAULT 10, min_users integer DEFAULT 100, seed bigint DEFAULT 1,
    by_value text DEFAULT 'first', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, retained_users bigint, days integer, requests integer, days_low integer,
    days_high integer, requests_low integer, requests_high integer, q_value double precision, held_out_users bigint,
    users_reaching bigint, retention_reaching double precision, retention_others double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    phi double precision, p_value double precision, recall double precision, youden_j double precision,
    lift double precision, sentence text, reason text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'activation_threshold_over_log';
COMMENT ON FUNCTION user_metrics.activation_threshold(regclass, jsonb, integer[], integer, integer, integer, bigint, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'activation threshold: the number of requests, or requests of an action, within a number of first days that best predicts retention, chosen on one half of the users and evaluated on the other, with a sentence; or the reason why there is none

Arguments:
  source: the log: a table, view or foreign table
  action: requests that count, in the form of filter, by default all; new users are determined by all requests
  retained: first and last day of the outcome, counted from the user''s first day; users active on at least one of these days are retained; it must not start before the first days are over (default ''{21,27}'')
  max_days: largest number of first days to try, 1 to 15 (default 15)
  max_requests: largest number of requests to try, 1 to 10 (default 10)
  min_users: fewest users of each half, 1 or more; a tenth of this number must reach a threshold, and a tenth must not (default 100)
  seed: seed of the division into halves: any number (default 1)
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  users: users of both halves with a known outcome
  retained_users: those of them who were retained
  days: number of first days of the threshold; NULL if there is none
  requests: number of requests within these days
  days_low: lower 95 % bound of days; NULL if fewer than half of the bootstrap samples choose a threshold
  days_high: its upper 95 % bound
  requests_low: lower 95 % bound of requests
  requests_high: its upper 95 % bound
  q_value: q value of the threshold among all tried, in the half that chose it
  held_out_users: users of the other half, from which all following metrics are computed
  users_reaching: those of them who reached the threshold
  retention_reaching: share of these users who were retained, 0 to 1
  retention_others: share of the other users who were retained, 0 to 1
  difference: difference of the two rates, first minus second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  phi: correlation of reaching the threshold and retention, -1 to 1
  p_value: probability of a difference at least as large if there were none
  recall: share of the retained users who reached the threshold, 0 to 1
  youden_j: recall minus the share of the users not retained who reached the threshold
  lift: retention_reaching divided by the retention of all users
  sentence: the threshold in words
  reason: why there is no threshold; NULL if there is one';

CREATE FUNCTION user_metrics.seasonality(
    activity user_metrics.activity, retained integer[] DEFAULT '{21,27}', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 19
AS 'MODULE_PATHNAME', 'seasonality_of_activity';
COMMENT ON FUNCTION user_metrics.seasonality(user_metrics.activity, integer[], timestamptz, timestamptz, timestamptz) IS
    'retention by calendar month and by weekday of the first day, with 95 % bounds, also relative to the rate of all users; or the reason, if fewer than two whole cycles have been observed

Arguments:
  activity: the value to read
  retained: first and last day of the outcome, counted from the user''s first day; users active on at least one of these days are retained (default ''{21,27}'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  pattern: month or weekday
  number: 1 for January or Monday; NULL if there is no result yet
  users: users whose first day lies in it and whose outcome is known
  retained_users: those of them who were retained
  retention_rate: retained_users / users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  index: retention rate divided by the rate of all users
  index_low: lower bound of the index
  index_high: upper bound of the index
  q_value: p value of the difference from all other users, adjusted for all comparisons of the pattern
  reason: why there is no result; NULL if there is one';

CREATE FUNCTION user_metrics_internal.seasonality(
    source regclass, retained integer[], by_value text, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 19 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'seasonality_over_log';

CREATE FUNCTION user_metrics.seasonality(
    source regclass, retained integer[] DEFAULT '{21,27}', by_value text DEFAULT 'first',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 19 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF by IS NOT NULL AND lower(COALESCE(by_value, 'first')) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last') THEN
        RETURN QUERY SELECT r.* FROM user_metrics_internal.seasonality(
            source, retained, by_value, since, until, filter, by, timezone, as_of
        ) AS r;
        RETURN;
    END IF;
    PERFORM FROM user_metrics.seasonality(NULL::user_metrics.activity, retained => retained);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'seasonality', user_metrics_internal.relation(source), ARRAY['retained'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, retained;
END
$$;
COMMENT ON FUNCTION user_metrics.seasonality(regclass, integer[], text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by calendar month and by weekday of the first day, with 95 % bounds, also relative to the rate of all users; or the reason, if fewer than two whole cycles have been observed

Arguments:
  source: the log: a table, view or foreign table
  retained: first and last day of the outcome, counted from the user''s first day; users active on at least one of these days are retained (default ''{21,27}'')
  by_value: segment of a user with several values of by: first (that of the first request with a value), last (the last such), or each (every request counts in the segment of its own value) (default ''first'')
  since: start of the reported range, inclusive; earlier requests are still read, to know which users are new
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  pattern: month or weekday
  number: 1 for January or Monday; NULL if there is no result yet
  users: users whose first day lies in it and whose outcome is known
  retained_users: those of them who were retained
  retention_rate: retained_users / users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  index: retention rate divided by the rate of all users
  index_low: lower bound of the index
  index_high: upper bound of the index
  q_value: p value of the difference from all other users, adjusted for all comparisons of the pattern
  reason: why there is no result; NULL if there is one';

CREATE FUNCTION user_metrics.seasonality(
    source text, retained integer[] DEFAULT '{21,27}', by_value text DEFAULT 'first', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 19 AS $$
    SELECT r.* FROM user_metrics.seasonality(source::pg_catalog.regclass, retained, by_value, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.seasonality(text, integer[], text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by calendar month and by weekday of the first day, with 95 % bounds, also relative to the rate of all users; or the reason, if fewer than two whole cycles have been observed; with the log given by name, as in seasonality(''request_log'')';

CREATE FUNCTION user_metrics.lifecycle_stage(
    source regclass, tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, stage text, since_day date, first_seen timestamptz, last_seen timestamptz, recent_requests bigint,
    active_weeks integer, active_days bigint, usage_rank bigint, power_cutoff bigint, activated_on date,
    upgraded_on date
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lifecycle_stage_over_log';
COMMENT ON FUNCTION user_metrics.lifecycle_stage(regclass, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'lifecycle stage of every user, exactly one (the first of lapsed, dormant, growth, retention, activation and acquisition that applies), its start, and the metrics that decide it

Arguments:
  source: the log: a table, view or foreign table
  tiers: tiers, from the lowest to the highest; by default no upgrade is known
  tier_property: column or property that holds the tier; read only with tiers (default ''UserTier'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  user_id: the user
  stage: acquisition, activation, retention, growth, lapsed or dormant
  since_day: start of the stage; exact to the week if another stage preceded it
  first_seen: time of the first request
  last_seen: time of the last request
  recent_requests: requests in the last 28 days
  active_weeks: number of the last four weeks in which the user was active
  active_days: number of the last 28 days on which the user was active
  usage_rank: rank by recent_requests among users active in the last 28 days: 1 has the most, equal users share a rank
  power_cutoff: recent_requests of the last user in the top decile; NULL if there is none
  activated_on: day of activation; NULL if never activated
  upgraded_on: day from which the tier logged last has been above the first one; NULL if it is not';

CREATE FUNCTION user_metrics.lifecycle_transitions(
    source regclass, period text DEFAULT 'month', tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, from_stage text, to_stage text, users bigint, share double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lifecycle_transitions_over_log';
COMMENT ON FUNCTION user_metrics.lifecycle_transitions(regclass, text, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'transitions between the stages of lifecycle_stage: users by stage at the start and at the end of each elapsed period

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''month'')
  tiers: tiers, from the lowest to the highest; by default no upgrade is known
  tier_property: column or property that holds the tier; read only with tiers (default ''UserTier'')
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  period_start: first day of the period; only elapsed periods are reported
  from_stage: stage at the end of the previous period; NULL for users who are new in this one
  to_stage: stage at the end of this period
  users: number of users who moved from one to the other
  share: share of all users with this from_stage in this period, 0 to 1; NULL if any of their rows is hidden';

CREATE FUNCTION user_metrics.acquisition(
    source regclass, source_property text DEFAULT 'Source', premium jsonb DEFAULT NULL, premium_days integer DEFAULT 30,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    source_value text, users bigint, first_request_known_users bigint, first_request_answered_rate double precision,
    onboarding_eligible_users bigint, onboarding_completed_rate double precision, week_2_eligible_users bigint,
    week_2_retention double precision, premium_eligible_users bigint, premium_users bigint,
    premium_rate double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 20 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'acquisition_over_log';
COMMENT ON FUNCTION user_metrics.acquisition(regclass, text, jsonb, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'first-touch acquisition and onboarding: by the first value of a property, success of the first request, completion of onboarding, retention in the second week and conversion to premium, each with the number of users for whom it is known

Arguments:
  source: the log: a table, view or foreign table
  source_property: column or property that holds the acquisition source (default ''Source'')
  premium: requests of premium users, in the form of filter
  premium_days: number of days, from the first one on, in which a premium request counts, from 1 to 36500: the same for every user (default 30)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  source_value: first logged value of the property; NULL for users without any
  users: number of users
  first_request_known_users: users whose first request has a known outcome
  first_request_answered_rate: share of these users whose first request succeeded, 0 to 1; of several first requests at the same instant, one success is enough
  onboarding_eligible_users: users whose first 14 days have elapsed
  onboarding_completed_rate: share of these users who were activated in their first 14 days, 0 to 1
  week_2_eligible_users: users whose second week has elapsed: the same users
  week_2_retention: share of these users active in their second week, days 7 to 13 after the first, 0 to 1
  premium_eligible_users: users whose first premium_days have elapsed; NULL without premium
  premium_users: those of them with a premium request in these days; NULL without premium
  premium_rate: premium_users / premium_eligible_users, 0 to 1; NULL without premium or eligible users';

CREATE FUNCTION user_metrics.assignment_audit(
    source regclass, experiment text, variant_property text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, logged_variant text, expected_variant text, agrees boolean, users bigint, requests bigint,
    user_share double precision, example_users text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'assignment_audit_over_log';
COMMENT ON FUNCTION user_metrics.assignment_audit(regclass, text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'audit of the variants in a log against those that a defined experiment assigns: users and requests for each pair of logged and expected variant, with example users where they differ

Arguments:
  source: the log: a table, view or foreign table
  experiment: name of an experiment in the table user_metrics.experiment
  variant_property: column or property that holds the variant shown; by default the one named like the experiment
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  logged_variant: variant that the requests carry
  expected_variant: variant that the experiment assigns; NULL for users who do not take part
  agrees: whether the two variants are the same
  users: users with requests that carry the logged variant, who are assigned the expected one
  requests: their requests with the logged variant
  user_share: users / all users with a logged variant, 0 to 1; NULL if any pair of the segment is hidden
  example_users: up to three users where the variants differ, separated by commas';

CREATE FUNCTION user_metrics.ab_compare(
    source regclass, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, window_days integer DEFAULT NULL, mixed text DEFAULT 'exclude',
    margin double precision DEFAULT NULL, sequential boolean DEFAULT false, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, before_difference double precision, before_p_value double precision,
    always_valid_p double precision, mixed_users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'ab_compare_over_log';
COMMENT ON FUNCTION user_metrics.ab_compare(regclass, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, integer, text, double precision, boolean, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'comparison of every variant of an experiment in a log with its control, one row per variant, metric and segment, over users'' values from their first exposure on: difference and lift with bounds, test, always-valid bounds, probability of beating control, sample ratio, verdict and reason

Arguments:
  source: the log: a table, view or foreign table
  metric: metric to compare: requests, active_days, sessions, answered_rate, retained_d7, retained_w2, converted, a column or property that holds numbers, such as cost_usd, its sum(name) or mean(name), or a quantile of it, such as latency_ms_p95; by default converted if that is given, else requests
  variant: column or property that holds the variant, or experiment:NAME for the variant that a defined experiment assigns (default ''variant'')
  control: variant with which the others are compared; by default control if there is one, else the first by name
  metrics: several metrics, in place of metric
  converted: filter that the converting request satisfies, for the metric converted
  method: statistical test: welch, proportions, fisher, mann_whitney or quantile; by default that of the metric
  alternative: alternative hypothesis: two_sided, greater or less (default ''two_sided'')
  confidence: confidence level of all bounds, from 0.5 to below 1; 1 minus it is the significance level for p_adjusted (default 0.95)
  correction: correction for multiple comparisons: holm, benjamini_hochberg or none (default ''holm'')
  weights: planned shares of users by variant; by default equal ones
  better: desired direction: higher, lower or neither; by default that of the metric
  cuped_days: number of days before first exposure whose metric is used for variance reduction (CUPED), from 1 to 365
  winsorize: percentile of the values other than 0 at which values are capped, from 0.5 to below 1
  window_days: number of days from first exposure on that are compared, the same for every user, from 1 to 3650; a user for whom they have not elapsed has no value
  mixed: users seen in several variants: exclude to leave them out, first to count them in the first of them (default ''exclude'')
  margin: for a test of non-inferiority: the largest loss that is acceptable, as a difference of the metric; one-sided
  sequential: whether the verdict holds however often the data are looked at: by always_valid_p, and by a sequential test for sample ratio mismatch (default false)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  by: column or property; one result for each of its values, given in segment
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by; NULL without by
  metric: metric compared
  variant: the variant
  users: users with a value
  mean: mean of the users'' values; for a mean over requests, the sum of all values over their number; for a quantile, the quantile
  sd: standard deviation of the users'' values; for a mean over requests, of each user''s contribution; NULL for quantiles
  control_mean: mean of the control
  difference: mean - control_mean
  difference_low: its lower bound, valid for a single look at the data
  difference_high: its upper bound, valid for a single look at the data
  relative_lift: difference relative to the absolute value of the control''s mean
  lift_low: its lower bound; NULL if the control''s mean is not clear of 0
  lift_high: its upper bound
  statistic: test statistic: t, z, the odds ratio, or U
  df: degrees of freedom of t
  p_value: probability of a difference at least as large if there were none; with margin, if the variant were worse by it
  p_adjusted: p_value, or always_valid_p with sequential, adjusted for multiple comparisons
  always_valid_low: always-valid lower bound of the difference, which holds at all times at once
  always_valid_high: always-valid upper bound of the difference
  probability_better: probability of beating control, given a prior of small lifts
  expected_loss: expected lift lost by choosing the variant
  srm_p_value: p value of the test for sample ratio mismatch (SRM): probability of so uneven a split of users; below 0.001 the experiment is broken
  verdict: conclusion of the comparison
  reason: why a value or a verdict is missing, or a remark
  missing_users: users of the variant without a value
  before_difference: difference of the same metric before first exposure, over cuped_days, or of the covariate; NULL without them
  before_p_value: probability of a before_difference at least as large by chance; below 0.001 the variants differed already
  always_valid_p: p value that holds however often the data are looked at: of experiments without effect, at most this share ever show one as small; decides with sequential
  mixed_users: users seen in several variants; they are counted in none';

CREATE FUNCTION user_metrics.ab_compare(
    source text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, window_days integer DEFAULT NULL, mixed text DEFAULT 'exclude',
    margin double precision DEFAULT NULL, sequential boolean DEFAULT false, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, before_difference double precision, before_p_value double precision,
    always_valid_p double precision, mixed_users bigint
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 AS $$
    SELECT r.* FROM user_metrics.ab_compare(source::pg_catalog.regclass, metric, variant, control, metrics, converted, method, alternative, confidence, correction, weights, better, cuped_days, winsorize, window_days, mixed, margin, sequential, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, integer, text, double precision, boolean, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'comparison of every variant of an experiment in a log with its control, one row per variant, metric and segment, over users'' values from their first exposure on: difference and lift with bounds, test, always-valid bounds, probability of beating control, sample ratio, verdict and reason; with the log given by name, as in ab_compare(''request_log'')';

CREATE FUNCTION user_metrics.ab_compare(
    value user_metrics.experiment_moments, control text DEFAULT NULL, method text DEFAULT 'welch',
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT 'higher', quantile double precision DEFAULT 0.5,
    margin double precision DEFAULT NULL, sequential boolean DEFAULT false
) RETURNS TABLE (
    variant text, users bigint, mean double precision, sd double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, lift_low double precision, lift_high double precision, statistic double precision,
    df double precision, p_value double precision, p_adjusted double precision, always_valid_low double precision,
    always_valid_high double precision, probability_better double precision, expected_loss double precision,
    srm_p_value double precision, verdict text, reason text, missing_users bigint, before_difference double precision,
    before_p_value double precision, always_valid_p double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'ab_compare_of_experiment_moments';
COMMENT ON FUNCTION user_metrics.ab_compare(user_metrics.experiment_moments, text, text, text, double precision, text, jsonb, text, double precision, double precision, boolean) IS
    'comparison of every variant of an experiment with its control: difference and lift with bounds, test, always-valid bounds, probability of beating control, sample ratio, verdict and reason

Arguments:
  value: the value to read
  control: variant with which the others are compared; by default control if there is one, else the first by name
  method: statistical test: welch, proportions, fisher, mann_whitney or quantile (default ''welch'')
  alternative: alternative hypothesis: two_sided, greater or less (default ''two_sided'')
  confidence: confidence level of all bounds, from 0.5 to below 1; 1 minus it is the significance level for p_adjusted (default 0.95)
  correction: correction for multiple comparisons: holm, benjamini_hochberg or none (default ''holm'')
  weights: planned shares of users by variant; by default equal ones
  better: desired direction: higher, lower or neither (default ''higher'')
  quantile: quantile to compare with the method quantile (default 0.5)
  margin: for a test of non-inferiority: the largest loss that is acceptable, as a difference of the metric; one-sided
  sequential: whether the verdict holds however often the data are looked at: by always_valid_p, and by a sequential test for sample ratio mismatch (default false)

Columns:
  variant: the variant
  users: users with a value
  mean: mean of the users'' values; for a mean over requests, the sum of all values over their number; for a quantile, the quantile
  sd: standard deviation of the users'' values; for a mean over requests, of each user''s contribution; NULL for quantiles
  control_mean: mean of the control
  difference: mean - control_mean
  difference_low: its lower bound, valid for a single look at the data
  difference_high: its upper bound, valid for a single look at the data
  relative_lift: difference relative to the absolute value of the control''s mean
  lift_low: its lower bound; NULL if the control''s mean is not clear of 0
  lift_high: its upper bound
  statistic: test statistic: t, z, the odds ratio, or U
  df: degrees of freedom of t
  p_value: probability of a difference at least as large if there were none; with margin, if the variant were worse by it
  p_adjusted: p_value, or always_valid_p with sequential, adjusted for multiple comparisons
  always_valid_low: always-valid lower bound of the difference, which holds at all times at once
  always_valid_high: always-valid upper bound of the difference
  probability_better: probability of beating control, given a prior of small lifts
  expected_loss: expected lift lost by choosing the variant
  srm_p_value: p value of the test for sample ratio mismatch (SRM): probability of so uneven a split of users; below 0.001 the experiment is broken
  verdict: conclusion of the comparison
  reason: why a value or a verdict is missing, or a remark
  missing_users: users of the variant without a value
  before_difference: difference of the same metric before first exposure, over cuped_days, or of the covariate; NULL without them
  before_p_value: probability of a before_difference at least as large by chance; below 0.001 the variants differed already
  always_valid_p: p value that holds however often the data are looked at: of experiments without effect, at most this share ever show one as small; decides with sequential';

CREATE FUNCTION user_metrics.ab_segments(
    source regclass, by text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, window_days integer DEFAULT NULL, mixed text DEFAULT 'exclude',
    margin double precision DEFAULT NULL, sequential boolean DEFAULT false, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, p_value double precision, p_adjusted double precision, srm_p_value double precision,
    verdict text, reason text, interaction_statistic double precision, interaction_df double precision,
    interaction_p_value double precision, interaction_p_adjusted double precision, interaction_verdict text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'ab_segments_over_log';
COMMENT ON FUNCTION user_metrics.ab_segments(regclass, text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, integer, text, double precision, boolean, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'comparison of every variant with its control within each segment of users, as by ab_compare, and a test of whether the effect differs between segments (Cochran''s Q, adjusted over metrics and variants); the segment of a user is that of the first request that carries a variant

Arguments:
  source: the log: a table, view or foreign table
  by: column or property that holds the segments
  metric: metric to compare: requests, active_days, sessions, answered_rate, retained_d7, retained_w2, converted, a column or property that holds numbers, such as cost_usd, its sum(name) or mean(name), or a quantile of it, such as latency_ms_p95; by default converted if that is given, else requests
  variant: column or property that holds the variant, or experiment:NAME for the variant that a defined experiment assigns (default ''variant'')
  control: variant with which the others are compared; by default control if there is one, else the first by name
  metrics: several metrics, in place of metric
  converted: filter that the converting request satisfies, for the metric converted
  method: statistical test: welch, proportions, fisher, mann_whitney or quantile; by default that of the metric
  alternative: alternative hypothesis: two_sided, greater or less (default ''two_sided'')
  confidence: confidence level of all bounds, from 0.5 to below 1; 1 minus it is the significance level for p_adjusted (default 0.95)
  correction: correction for multiple comparisons: holm, benjamini_hochberg or none (default ''holm'')
  weights: planned shares of users by variant; by default equal ones
  better: desired direction: higher, lower or neither; by default that of the metric
  cuped_days: number of days before first exposure whose metric is used for variance reduction (CUPED), from 1 to 365
  winsorize: percentile of the values other than 0 at which values are capped, from 0.5 to below 1
  window_days: number of days from first exposure on that are compared, the same for every user, from 1 to 3650; a user for whom they have not elapsed has no value
  mixed: users seen in several variants: exclude to leave them out, first to count them in the first of them (default ''exclude'')
  margin: for a test of non-inferiority: the largest loss that is acceptable, as a difference of the metric; one-sided
  sequential: whether the verdict holds however often the data are looked at: by always_valid_p, and by a sequential test for sample ratio mismatch (default false)
  since: start of the reported range, inclusive
  until: end of the range, exclusive; later requests are not read
  filter: only requests with these values of columns or properties
  timezone: time zone of local days; by default the setting user_metrics.timezone
  as_of: end of observation; by default until, or else the time of the last request

Columns:
  segment: value of the column or property named in by
  metric: metric compared
  variant: the variant
  users: users with a value
  mean: mean of the users'' values; for a mean over requests, the sum of all values over their number; for a quantile, the quantile
  control_mean: mean of the control
  difference: mean - control_mean
  difference_low: its lower bound
  difference_high: its upper bound
  relative_lift: difference relative to the absolute value of the control''s mean
  p_value: probability of a difference at least as large if there were none
  p_adjusted: p_value adjusted for multiple comparisons
  srm_p_value: p value of the test for sample ratio mismatch (SRM) within the segment; invalid below 0.001 divided by the number of segments
  verdict: conclusion of the comparison within the segment
  reason: why a value or a verdict is missing, or a remark
  interaction_statistic: Cochran''s Q: dispersion of the segments'' differences around their common one
  interaction_df: degrees of freedom of Q: number of segments minus 1
  interaction_p_value: probability of a Q at least as large if the effect were the same in all segments
  interaction_p_adjusted: the same, adjusted for the number of metrics and variants
  interaction_verdict: differs, no evidence or too few segments; NULL in the rows of the control';

CREATE FUNCTION user_metrics.srm_check(
    users jsonb, weights jsonb DEFAULT NULL, sequential boolean DEFAULT false
) RETURNS TABLE (
    users bigint, statistic double precision, df double precision, p_value double precision, verdict text, reason text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'srm_check_of_arguments';
COMMENT ON FUNCTION user_metrics.srm_check(jsonb, jsonb, boolean) IS
    'chi-squared test for sample ratio mismatch (SRM): whether users are split over the variants of positive weight as planned

Arguments:
  users: number of users of each variant, such as {"control": 5012, "treatment": 4890}
  weights: planned shares of users by variant; by default equal ones
  sequential: whether the p value holds however often the data are looked at (default false)

Columns:
  users: total number of users
  statistic: chi-squared statistic; with sequential, logarithm of the Bayes factor against the planned split; NULL if it cannot be computed
  df: degrees of freedom: number of variants of positive weight minus 1; NULL with sequential
  p_value: probability of a split at least as uneven if users were assigned as planned
  verdict: ok, invalid: SRM, or too small
  reason: why there is no p_value';

CREATE FUNCTION user_metrics.sample_size(
    effect double precision, baseline double precision DEFAULT NULL, sd double precision DEFAULT NULL,
    power double precision DEFAULT 0.8, confidence double precision DEFAULT 0.95, alternative text DEFAULT 'two_sided',
    comparisons integer DEFAULT 1, weights jsonb DEFAULT NULL
) RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sample_size_of_arguments';
COMMENT ON FUNCTION user_metrics.sample_size(double precision, double precision, double precision, double precision, double precision, text, integer, jsonb) IS
    'number of users in each variant needed to detect an effect (a difference of means or rates) with the given power; requires baseline for a rate, sd for a mean

Arguments:
  effect: difference of the means or rates to detect
  baseline: rate of the control, between 0 and 1; for a mean, sd instead
  sd: standard deviation of the users'' values
  power: probability of detecting the effect if it exists (default 0.8)
  confidence: 1 minus the significance level, the probability of detecting an effect that does not exist (default 0.95)
  alternative: alternative hypothesis: two_sided, greater or less (default ''two_sided'')
  comparisons: number of comparisons (default 1)
  weights: planned shares of users by variant; by default equal ones

Result:
  users in each variant; with weights, in the smaller of the two compared';

CREATE FUNCTION user_metrics.minimum_detectable_effect(
    users bigint, baseline double precision DEFAULT NULL, sd double precision DEFAULT NULL,
    power double precision DEFAULT 0.8, confidence double precision DEFAULT 0.95, alternative text DEFAULT 'two_sided',
    comparisons integer DEFAULT 1, weights jsonb DEFAULT NULL
) RETURNS double precision
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'minimum_detectable_effect_of_arguments';
COMMENT ON FUNCTION user_metrics.minimum_detectable_effect(bigint, double precision, double precision, double precision, double precision, text, integer, jsonb) IS
    'smallest increase that an experiment with this many users in each variant detects with the given power; requires baseline for a rate, sd for a mean

Arguments:
  users: users in each variant; with weights, in the smaller of the two compared
  baseline: rate of the control, between 0 and 1; for a mean, sd instead
  sd: standard deviation of the users'' values
  power: probability of detecting the effect if it exists (default 0.8)
  confidence: 1 minus the significance level, the probability of detecting an effect that does not exist (default 0.95)
  alternative: alternative hypothesis: two_sided, greater or less (default ''two_sided'')
  comparisons: number of comparisons (default 1)
  weights: planned shares of users by variant; by default equal ones

Result:
  the increase; NULL, with a notice, if no increase up to a rate of 1 can be detected';

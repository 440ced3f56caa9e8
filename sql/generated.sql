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
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''day'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: those of them whose first request ever lies in it
  returning_users: the others
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.active_users(
    source regclass, period text DEFAULT 'day', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.active_users(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'active_users', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.active_users(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''day'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: those of them whose first request ever lies in it
  returning_users: the others
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.active_users(
    source text, period text DEFAULT 'day', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 AS $$
    SELECT r.* FROM user_metrics.active_users(source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.active_users(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full; the log by name, as in active_users(''request_log'')';

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
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log

Arguments:
  activity: the value to read
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  day: the local day
  daily_users: users active on the day
  weekly_users: users active on the day or the 6 days before
  monthly_users: users active on the day or the 29 days before
  stickiness: daily over monthly users, 0 to 1; NULL without monthly users
  complete: whether the day has elapsed and the 30 days lie within the log';

CREATE FUNCTION user_metrics.engagement(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 400 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'engagement', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.engagement(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  day: the local day
  daily_users: users active on the day
  weekly_users: users active on the day or the 6 days before
  monthly_users: users active on the day or the 29 days before
  stickiness: daily over monthly users, 0 to 1; NULL without monthly users
  complete: whether the day has elapsed and the 30 days lie within the log';

CREATE FUNCTION user_metrics.engagement(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint, stickiness double precision,
    complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 400 AS $$
    SELECT r.* FROM user_metrics.engagement(source::pg_catalog.regclass, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.engagement(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log; the log by name, as in engagement(''request_log'')';

CREATE FUNCTION user_metrics.stickiness(
    activity user_metrics.activity, days integer DEFAULT 28, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 28
AS 'MODULE_PATHNAME', 'stickiness_of_activity';
COMMENT ON FUNCTION user_metrics.stickiness(user_metrics.activity, integer, timestamptz, timestamptz, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active

Arguments:
  activity: the value to read
  days: how many days to look back, from 1 to 3660 (default 28)
  since: the first instant shown
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  active_days: number of active days, from 1 to days
  users: users active on exactly so many days
  users_at_least: users active on so many days or more; NULL where a row is too small to show
  share: users over all users active in the window; NULL where a row is too small to show';

CREATE FUNCTION user_metrics.stickiness(
    source regclass, days integer DEFAULT 28, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 28 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.stickiness(NULL::user_metrics.activity, days => days);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'stickiness', user_metrics_internal.relation(source), ARRAY['days'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, days;
END
$$;
COMMENT ON FUNCTION user_metrics.stickiness(regclass, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active

Arguments:
  source: the log: a table, view or foreign table
  days: how many days to look back, from 1 to 3660 (default 28)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  active_days: number of active days, from 1 to days
  users: users active on exactly so many days
  users_at_least: users active on so many days or more; NULL where a row is too small to show
  share: users over all users active in the window; NULL where a row is too small to show';

CREATE FUNCTION user_metrics.stickiness(
    source text, days integer DEFAULT 28, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 28 AS $$
    SELECT r.* FROM user_metrics.stickiness(source::pg_catalog.regclass, days, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.stickiness(text, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active; the log by name, as in stickiness(''request_log'')';

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
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''week'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: active for the first time ever
  retained_users: active in the period before too
  resurrected_users: active earlier, but not in the period before
  churned_users: active in the period before and not in this one; NULL until complete
  quick_ratio: (new + resurrected) / churned; NULL until complete and where nobody churned
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.lifecycle(
    source regclass, period text DEFAULT 'week', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.lifecycle(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'lifecycle', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''week'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_start: first local day of the period
  active_users: users with at least one request in the period
  new_users: active for the first time ever
  retained_users: active in the period before too
  resurrected_users: active earlier, but not in the period before
  churned_users: active in the period before and not in this one; NULL until complete
  quick_ratio: (new + resurrected) / churned; NULL until complete and where nobody churned
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.lifecycle(
    source text, period text DEFAULT 'week', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.lifecycle(source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete; the log by name, as in lifecycle(''request_log'')';

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
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first

Arguments:
  activity: the value to read
  period: day, week, month, quarter or year (default ''month'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first local day of the period
  previous_active_users: users active in the period before; NULL in the log''s first
  churned_users: those of them not active in this one; NULL until complete
  churn_rate: churned over previous active users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.churn_rate(
    source regclass, period text DEFAULT 'month', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.churn_rate(NULL::user_metrics.activity, period => period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'churn_rate', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''month'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_start: first local day of the period
  previous_active_users: users active in the period before; NULL in the log''s first
  churned_users: those of them not active in this one; NULL until complete
  churn_rate: churned over previous active users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.churn_rate(
    source text, period text DEFAULT 'month', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 AS $$
    SELECT r.* FROM user_metrics.churn_rate(source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first; the log by name, as in churn_rate(''request_log'')';

CREATE FUNCTION user_metrics.retention_matrix(
    activity user_metrics.activity, cohort text DEFAULT 'week', period text DEFAULT 'week',
    offsets integer[] DEFAULT NULL, kind text DEFAULT 'on', clock text DEFAULT 'calendar',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 500
AS 'MODULE_PATHNAME', 'retention_matrix_of_activity';
COMMENT ON FUNCTION user_metrics.retention_matrix(user_metrics.activity, text, text, integer[], text, text, timestamptz, timestamptz, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling

Arguments:
  activity: the value to read
  cohort: how cohorts are cut by first day: day, week, month, quarter or year (default ''week'')
  period: how return is counted: day, week, month, quarter or year (default ''week'')
  offsets: the period numbers wanted, from 0 to 100000; by default all that have begun
  kind: who is retained: on (active in the period), on_or_after, on_or_before, streak (in every period so far) (default ''on'')
  clock: calendar (periods of the calendar) or rolling (blocks of 1, 7 or 30 days from the first day) (default ''calendar'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  cohort_start: first local day of the period that holds the members'' first day
  cohort_users: members
  period_number: number of the period, 0 for the one of the first day
  eligible_users: members whose period has elapsed
  retained_users: eligible members who were retained; NULL if there are no eligible members
  retention_rate: retained over eligible users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether every member is eligible';

CREATE FUNCTION user_metrics.retention_matrix(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 500 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.retention_matrix(NULL::user_metrics.activity, cohort => cohort, period => period, offsets => offsets, kind => kind, clock => clock);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_matrix', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(regclass, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling

Arguments:
  source: the log: a table, view or foreign table
  cohort: how cohorts are cut by first day: day, week, month, quarter or year (default ''week'')
  period: how return is counted: day, week, month, quarter or year (default ''week'')
  offsets: the period numbers wanted, from 0 to 100000; by default all that have begun
  kind: who is retained: on (active in the period), on_or_after, on_or_before, streak (in every period so far) (default ''on'')
  clock: calendar (periods of the calendar) or rolling (blocks of 1, 7 or 30 days from the first day) (default ''calendar'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  cohort_start: first local day of the period that holds the members'' first day
  cohort_users: members
  period_number: number of the period, 0 for the one of the first day
  eligible_users: members whose period has elapsed
  retained_users: eligible members who were retained; NULL if there are no eligible members
  retention_rate: retained over eligible users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether every member is eligible';

CREATE FUNCTION user_metrics.retention_matrix(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 500 AS $$
    SELECT r.* FROM user_metrics.retention_matrix(source::pg_catalog.regclass, cohort, period, offsets, kind, clock, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(text, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling; the log by name, as in retention_matrix(''request_log'')';

CREATE FUNCTION user_metrics.retention_curve(
    activity user_metrics.activity, cohort text DEFAULT 'week', period text DEFAULT 'week',
    offsets integer[] DEFAULT NULL, kind text DEFAULT 'on', clock text DEFAULT 'calendar',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'retention_curve_of_activity';
COMMENT ON FUNCTION user_metrics.retention_curve(user_metrics.activity, text, text, integer[], text, text, timestamptz, timestamptz, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds

Arguments:
  activity: the value to read
  cohort: how cohorts are cut by first day: day, week, month, quarter or year (default ''week'')
  period: how return is counted: day, week, month, quarter or year (default ''week'')
  offsets: the period numbers wanted, from 0 to 100000; by default all that have begun
  kind: who is retained: on (active in the period), on_or_after, on_or_before, streak (in every period so far) (default ''on'')
  clock: calendar (periods of the calendar) or rolling (blocks of 1, 7 or 30 days from the first day) (default ''calendar'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_number: number of the period, 0 for the one of the first day
  cohort_users: members of all cohorts
  eligible_users: members whose period has elapsed
  retained_users: eligible members who were retained; NULL if there are no eligible members
  retention_rate: retained over eligible users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether every member is eligible';

CREATE FUNCTION user_metrics.retention_curve(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.retention_curve(NULL::user_metrics.activity, cohort => cohort, period => period, offsets => offsets, kind => kind, clock => clock);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_curve', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(regclass, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds

Arguments:
  source: the log: a table, view or foreign table
  cohort: how cohorts are cut by first day: day, week, month, quarter or year (default ''week'')
  period: how return is counted: day, week, month, quarter or year (default ''week'')
  offsets: the period numbers wanted, from 0 to 100000; by default all that have begun
  kind: who is retained: on (active in the period), on_or_after, on_or_before, streak (in every period so far) (default ''on'')
  clock: calendar (periods of the calendar) or rolling (blocks of 1, 7 or 30 days from the first day) (default ''calendar'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_number: number of the period, 0 for the one of the first day
  cohort_users: members of all cohorts
  eligible_users: members whose period has elapsed
  retained_users: eligible members who were retained; NULL if there are no eligible members
  retention_rate: retained over eligible users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  complete: whether every member is eligible';

CREATE FUNCTION user_metrics.retention_curve(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.retention_curve(source::pg_catalog.regclass, cohort, period, offsets, kind, clock, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(text, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds; the log by name, as in retention_curve(''request_log'')';

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
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed

Arguments:
  activity: the value to read
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  cohort: first day of the month that holds the members'' first day
  users: members
  week_1: share of members active in their days 0 to 6, 0 to 1
  week_2: share of members active in their days 7 to 13
  week_4: share of members active in their days 21 to 27
  week_8: share of members active in their days 49 to 55
  week_12: share of members active in their days 77 to 83';

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
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  cohort: first day of the month that holds the members'' first day
  users: members
  week_1: share of members active in their days 0 to 6, 0 to 1
  week_2: share of members active in their days 7 to 13
  week_4: share of members active in their days 21 to 27
  week_8: share of members active in their days 49 to 55
  week_12: share of members active in their days 77 to 83';

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
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed; the log by name, as in cohort_table(''request_log'')';

CREATE FUNCTION user_metrics.session_stats(
    sessions user_metrics.sessions, period text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, users bigint, sessions bigint, requests bigint, requests_per_session double precision,
    duration_mean_seconds double precision, duration_median_seconds double precision,
    duration_p90_seconds double precision, single_request_share double precision, engaged_rate double precision,
    returned_24h_rate double precision, completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint,
    completion_rate double precision, abandonment_point_mean double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'session_stats_of_sessions';
COMMENT ON FUNCTION user_metrics.session_stats(user_metrics.sessions, text, timestamptz, timestamptz, text, timestamptz) IS
    'sessions that began in each period, or of all time: how many, how long, how deep, whether the user was back within a day and how they ended; means and rates are over sessions that are no longer open

Arguments:
  sessions: the value to read
  period: day, week, month, quarter or year; by default all time in one row
  since: the first instant shown
  until: the first instant not read
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first local day of the period; NULL for all time
  users: users with at least one of the sessions
  sessions: sessions that began in the period
  requests: their requests
  requests_per_session: mean number of requests
  duration_mean_seconds: mean duration
  duration_median_seconds: median duration
  duration_p90_seconds: 90th percentile of the duration
  single_request_share: share with one request only, 0 to 1
  engaged_rate: share with two or more requests that did not fail, 0 to 1
  returned_24h_rate: of those that ended a day before observation did, the share whose user began another within a day
  completed_sessions: whose last request was answered; NULL where the log does not say
  abandoned_sessions: whose last request failed; NULL where the log does not say
  open_sessions: that may still go on
  completion_rate: completed of those known to be completed or abandoned, 0 to 1
  abandonment_point_mean: mean number of requests of abandoned sessions';

CREATE FUNCTION user_metrics.session_stats(
    source regclass, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, requests bigint,
    requests_per_session double precision, duration_mean_seconds double precision,
    duration_median_seconds double precision, duration_p90_seconds double precision,
    single_request_share double precision, engaged_rate double precision, returned_24h_rate double precision,
    completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint, completion_rate double precision,
    abandonment_point_mean double precision
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
    'sessions that began in each period, or of all time: how many, how long, how deep, whether the user was back within a day and how they ended; means and rates are over sessions that are no longer open

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time in one row
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_start: first local day of the period; NULL for all time
  users: users with at least one of the sessions
  sessions: sessions that began in the period
  requests: their requests
  requests_per_session: mean number of requests
  duration_mean_seconds: mean duration
  duration_median_seconds: median duration
  duration_p90_seconds: 90th percentile of the duration
  single_request_share: share with one request only, 0 to 1
  engaged_rate: share with two or more requests that did not fail, 0 to 1
  returned_24h_rate: of those that ended a day before observation did, the share whose user began another within a day
  completed_sessions: whose last request was answered; NULL where the log does not say
  abandoned_sessions: whose last request failed; NULL where the log does not say
  open_sessions: that may still go on
  completion_rate: completed of those known to be completed or abandoned, 0 to 1
  abandonment_point_mean: mean number of requests of abandoned sessions';

CREATE FUNCTION user_metrics.session_stats(
    source text, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, requests bigint,
    requests_per_session double precision, duration_mean_seconds double precision,
    duration_median_seconds double precision, duration_p90_seconds double precision,
    single_request_share double precision, engaged_rate double precision, returned_24h_rate double precision,
    completed_sessions bigint, abandoned_sessions bigint, open_sessions bigint, completion_rate double precision,
    abandonment_point_mean double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.session_stats(source::pg_catalog.regclass, period, session_gap, max_idle, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_stats(text, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'sessions that began in each period, or of all time: how many, how long, how deep, whether the user was back within a day and how they ended; means and rates are over sessions that are no longer open; the log by name, as in session_stats(''request_log'')';

CREATE FUNCTION user_metrics.session_time(
    sessions user_metrics.sessions, busy user_metrics.sessions, period text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, users bigint, sessions bigint, duration_seconds double precision, busy_seconds double precision,
    think_seconds double precision, busy_share double precision, busy_mean_seconds double precision,
    think_mean_seconds double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 60
AS 'MODULE_PATHNAME', 'session_time_of_sessions';
COMMENT ON FUNCTION user_metrics.session_time(user_metrics.sessions, user_metrics.sessions, text, timestamptz, timestamptz, text, timestamptz) IS
    'where the time of sessions goes that are no longer open: busy while at least one answer is awaited, and think time, which is the rest

Arguments:
  sessions: the value to read
  busy: a value of the same requests, made with session_gap and max_idle of 0
  period: day, week, month, quarter or year; by default all time in one row
  since: the first instant shown
  until: the first instant not read
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first local day of the period; NULL for all time
  users: users with at least one session that began in the period
  sessions: those of the sessions that are no longer open
  duration_seconds: their duration together
  busy_seconds: time in which at least one answer was awaited
  think_seconds: the rest
  busy_share: busy over all time, 0 to 1
  busy_mean_seconds: mean busy time of a session
  think_mean_seconds: mean think time of a session';

CREATE FUNCTION user_metrics.session_time(
    source regclass, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, duration_seconds double precision,
    busy_seconds double precision, think_seconds double precision, busy_share double precision,
    busy_mean_seconds double precision, think_mean_seconds double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.session_time(NULL::user_metrics.sessions, NULL::user_metrics.sessions, period => period, timezone => timezone);
    PERFORM user_metrics_internal.session_reach('session_time', since, session_gap, max_idle);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'session_time', user_metrics_internal.relation(source), ARRAY['period', 'timezone'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period, timezone,
        session_gap, max_idle, user_metrics_internal.session_reach('session_time', since, session_gap, max_idle);
END
$$;
COMMENT ON FUNCTION user_metrics.session_time(regclass, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'where the time of sessions goes that are no longer open: busy while at least one answer is awaited, and think time, which is the rest

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year; by default all time in one row
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  period_start: first local day of the period; NULL for all time
  users: users with at least one session that began in the period
  sessions: those of the sessions that are no longer open
  duration_seconds: their duration together
  busy_seconds: time in which at least one answer was awaited
  think_seconds: the rest
  busy_share: busy over all time, 0 to 1
  busy_mean_seconds: mean busy time of a session
  think_mean_seconds: mean think time of a session';

CREATE FUNCTION user_metrics.session_time(
    source text, period text DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, users bigint, sessions bigint, duration_seconds double precision,
    busy_seconds double precision, think_seconds double precision, busy_share double precision,
    busy_mean_seconds double precision, think_mean_seconds double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 60 AS $$
    SELECT r.* FROM user_metrics.session_time(source::pg_catalog.regclass, period, session_gap, max_idle, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_time(text, text, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'where the time of sessions goes that are no longer open: busy while at least one answer is awaited, and think time, which is the rest; the log by name, as in session_time(''request_log'')';

CREATE FUNCTION user_metrics.session_hazard(
    sessions user_metrics.sessions, max_requests integer DEFAULT 50, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    request_number integer, sessions_reaching bigint, abandoned_here bigint, hazard double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 50
AS 'MODULE_PATHNAME', 'session_hazard_of_sessions';
COMMENT ON FUNCTION user_metrics.session_hazard(user_metrics.sessions, integer, timestamptz, timestamptz, timestamptz) IS
    'the probability that a session is abandoned at its 1st, 2nd, 3rd ... request, of those that come so far

Arguments:
  sessions: the value to read
  max_requests: the last request told, from 1 to 10000 (default 50)
  since: the first instant shown
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  request_number: number of the request within its session, from 1
  sessions_reaching: sessions that reach it and of which is known whether they go on
  abandoned_here: those of them that end there with a request that was not answered
  hazard: abandoned over reaching sessions, 0 to 1';

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
    'the probability that a session is abandoned at its 1st, 2nd, 3rd ... request, of those that come so far

Arguments:
  source: the log: a table, view or foreign table
  max_requests: the last request told, from 1 to 10000 (default 50)
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  request_number: number of the request within its session, from 1
  sessions_reaching: sessions that reach it and of which is known whether they go on
  abandoned_here: those of them that end there with a request that was not answered
  hazard: abandoned over reaching sessions, 0 to 1';

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
    'the probability that a session is abandoned at its 1st, 2nd, 3rd ... request, of those that come so far; the log by name, as in session_hazard(''request_log'')';

CREATE FUNCTION user_metrics.session_list(
    source regclass, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'session_list_over_log';
COMMENT ON FUNCTION user_metrics.session_list(regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome

Arguments:
  source: the log: a table, view or foreign table
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: whose session it is
  session_number: the how-manyth session of the user it is, counted from the begin of the log, whatever since says
  session_id: its id; NULL for a session formed by the gap
  started_at: when its first request was made
  ended_at: when its last answer was complete
  duration_seconds: the time between the two
  requests: its requests
  errors: those of them that failed
  outcome: completed, abandoned, open, or NULL where the log does not tell';

CREATE FUNCTION user_metrics.session_list(
    source text, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 AS $$
    SELECT r.* FROM user_metrics.session_list(source::pg_catalog.regclass, session_gap, max_idle, since, until, filter, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_list(text, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome; the log by name, as in session_list(''request_log'')';

CREATE FUNCTION user_metrics.session_list(
    sessions user_metrics.sessions, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    session_number bigint, session_key bigint, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'session_list_of_sessions';
COMMENT ON FUNCTION user_metrics.session_list(user_metrics.sessions, timestamptz, timestamptz, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome (completed, abandoned, open, or NULL where the log does not tell); read from sessions

Arguments:
  sessions: the value to read
  since: the first instant shown
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  session_number: the how-manyth session of its user it is, whatever since says
  session_key: a hash of its id; NULL for a session formed by the gap
  started_at: when its first request was made
  ended_at: when its last answer was complete
  duration_seconds: the time between the two
  requests: its requests
  errors: those of them that failed
  outcome: completed, abandoned, open, or NULL where the log does not tell';

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
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen

Arguments:
  activity: the value to read
  retained: who is retained: active on one of these days after the first, the first and the last of a span (default ''{21,27}'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  pattern: month or weekday
  number: 1 for January or Monday; NULL where there is no answer yet
  users: users who began in it and whose outcome is known
  retained_users: those of them who were retained
  retention_rate: retained users over users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  index: the rate over the rate of all users
  index_low: lower bound of the rate over the rate of all
  index_high: upper bound of the rate over the rate of all
  q_value: probability that the difference from all others is chance, in view of how many are compared
  reason: why there is no answer; NULL where there is one';

CREATE FUNCTION user_metrics.seasonality(
    source regclass, retained integer[] DEFAULT '{21,27}', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 19 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics.seasonality(NULL::user_metrics.activity, retained => retained);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'seasonality', user_metrics_internal.relation(source), ARRAY['retained'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, retained;
END
$$;
COMMENT ON FUNCTION user_metrics.seasonality(regclass, integer[], timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen

Arguments:
  source: the log: a table, view or foreign table
  retained: who is retained: active on one of these days after the first, the first and the last of a span (default ''{21,27}'')
  since: the first instant shown; what lies before still tells who is new and who came before
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  pattern: month or weekday
  number: 1 for January or Monday; NULL where there is no answer yet
  users: users who began in it and whose outcome is known
  retained_users: those of them who were retained
  retention_rate: retained users over users, 0 to 1
  rate_low: lower 95 % bound of the rate (Wilson)
  rate_high: upper 95 % bound of the rate (Wilson)
  index: the rate over the rate of all users
  index_low: lower bound of the rate over the rate of all
  index_high: upper bound of the rate over the rate of all
  q_value: probability that the difference from all others is chance, in view of how many are compared
  reason: why there is no answer; NULL where there is one';

CREATE FUNCTION user_metrics.seasonality(
    source text, retained integer[] DEFAULT '{21,27}', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 19 AS $$
    SELECT r.* FROM user_metrics.seasonality(source::pg_catalog.regclass, retained, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.seasonality(text, integer[], timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen; the log by name, as in seasonality(''request_log'')';

CREATE FUNCTION user_metrics.survival_curve(
    survival user_metrics.survival, confidence double precision DEFAULT 0.95,
    at_seconds double precision[] DEFAULT NULL
) RETURNS TABLE (
    duration_seconds double precision, at_risk bigint, events bigint, censored bigint, survival double precision,
    survival_low double precision, survival_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'survival_curve_of_survival';
COMMENT ON FUNCTION user_metrics.survival_curve(user_metrics.survival, double precision, double precision[]) IS
    'the share to whom it has not happened after each duration (Kaplan-Meier), with bounds of a confidence (Greenwood, on the log-log scale); of durations of your own with at_seconds

Arguments:
  survival: the value to read
  confidence: the confidence of the bounds, between 0 and 1 (default 0.95)
  at_seconds: durations of your own, ascending, in seconds; by default 0 and every duration there is

Columns:
  duration_seconds: the duration
  at_risk: how many were observed for so long and it had not happened to them before
  events: to how many it happened after the row before and by then
  censored: how many were observed no longer than to somewhere after the row before and by then
  survival: the share to whom it happens later than that, 0 to 1; NULL where nobody was observed for so long
  survival_low: its lower bound; NULL where all or none are left
  survival_high: its upper bound; NULL where all or none are left';

CREATE FUNCTION user_metrics.survival_summary(
    survival user_metrics.survival, confidence double precision DEFAULT 0.95
) RETURNS TABLE (
    observed bigint, events bigint, censored bigint, left_out bigint, median_seconds double precision,
    median_low double precision, median_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'survival_summary_of_survival';
COMMENT ON FUNCTION user_metrics.survival_summary(user_metrics.survival, double precision) IS
    'how many durations there are, how many ended with the event, and the median time with bounds; NULL where fewer than half have been seen to

Arguments:
  survival: the value to read
  confidence: the confidence of the bounds, between 0 and 1 (default 0.95)

Columns:
  observed: durations that are counted
  events: those that ended with the event
  censored: those that were still running
  left_out: durations left out because they are below 0 or not finite
  median_seconds: the time by which it has happened to half of them
  median_low: its lower bound
  median_high: its upper bound';

CREATE FUNCTION user_metrics.survival_median(
    survival user_metrics.survival
) RETURNS double precision
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_median_of_survival';
COMMENT ON FUNCTION user_metrics.survival_median(user_metrics.survival) IS
    'the time in seconds by which it has happened to half of them; NULL where observation ends before

Arguments:
  survival: the value to read

Result:
  the time in seconds; NULL where observation ends before';

CREATE FUNCTION user_metrics.survival_quantile(
    survival user_metrics.survival, quantile double precision
) RETURNS double precision
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'survival_quantile_of_survival';
COMMENT ON FUNCTION user_metrics.survival_quantile(user_metrics.survival, double precision) IS
    'the time in seconds by which it has happened to a share of them; NULL where observation ends before

Arguments:
  survival: the value to read
  quantile: the share, between 0 and 1; NULL gives NULL

Result:
  the time in seconds; NULL where observation ends before';

CREATE FUNCTION user_metrics.survival_quantiles(
    survival user_metrics.survival, quantiles double precision[] DEFAULT '{0.25,0.5,0.75,0.9}',
    confidence double precision DEFAULT 0.95
) RETURNS TABLE (
    quantile double precision, seconds double precision, seconds_low double precision, seconds_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 4
AS 'MODULE_PATHNAME', 'survival_quantiles_of_survival';
COMMENT ON FUNCTION user_metrics.survival_quantiles(user_metrics.survival, double precision[], double precision) IS
    'the times in seconds by which it has happened to each of some shares of them, with bounds; NULL where observation ends before

Arguments:
  survival: the value to read
  quantiles: the shares, each between 0 and 1 (default ''{0.25,0.5,0.75,0.9}'')
  confidence: the confidence of the bounds, between 0 and 1 (default 0.95)

Columns:
  quantile: the share
  seconds: the time by which it has happened to that share; NULL where observation ends before
  seconds_low: its lower bound
  seconds_high: its upper bound';

CREATE FUNCTION user_metrics.retention_drivers(
    source regclass, early_days integer DEFAULT 7, retained integer[] DEFAULT '{21,27}', behaviours jsonb DEFAULT NULL,
    min_users integer DEFAULT 30, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, driver text, users_with bigint, users_without bigint, retention_with double precision,
    retention_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 30 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'retention_drivers_over_log';
COMMENT ON FUNCTION user_metrics.retention_drivers(regclass, integer, integer[], jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours of the first days go with being active later: retention with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes

Arguments:
  source: the log: a table, view or foreign table
  early_days: on how many local days from the first one on behaviour is looked for, 1 or more (default 7)
  retained: who is retained: active on one of these days after the first, the first and the last of a span, which begins when the first days are over (default ''{21,27}'')
  behaviours: behaviours of one''s own: a list of objects with a name and a filter, at most 30
  min_users: a behaviour is listed if at least so many users did it and at least so many did not, 1 or more (default 30)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  driver: what was done: a behaviour, feature: and a feature, or a name of one''s own
  users_with: users who did it
  users_without: users who did not
  retention_with: share of the users who did it that were retained, 0 to 1
  retention_without: share of the others that were retained, 0 to 1
  difference: the first of these rates less the second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  ratio: the first rate over the second; NULL where that is 0
  ratio_low: its lower 95 % bound (Katz)
  ratio_high: its upper 95 % bound (Katz)
  phi: correlation of doing it with the outcome, -1 to 1
  p_value: probability of a difference as large or larger if there were none: by Pearson''s test, by Fisher''s where fewer than 5 users are expected in a cell
  q_value: the same in view of all comparisons of the segment
  adjusted_difference: difference among users who made about as many requests (Mantel and Haenszel)
  adjusted_low: its lower 95 % bound (Sato)
  adjusted_high: its upper 95 % bound (Sato)
  evidence: clear: hardly chance, and there at equal volume too; volume: hardly chance, but volume may explain it; unclear: may be chance
  note: association: it is not known what causes what';

CREATE FUNCTION user_metrics.churn_indicators(
    source regclass, landmark date DEFAULT NULL, window_days integer DEFAULT 28, gap_days integer DEFAULT 7,
    churn_days integer DEFAULT 28, behaviours jsonb DEFAULT NULL, min_users integer DEFAULT 30,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, indicator text, users_with bigint, users_without bigint, churn_with double precision,
    churn_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 30 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'churn_indicators_over_log';
COMMENT ON FUNCTION user_metrics.churn_indicators(regclass, date, integer, integer, integer, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours before a landmark go with having left after it: churn with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes

Arguments:
  source: the log: a table, view or foreign table
  landmark: the day before which behaviour is looked for; by default the last one for which the outcome is known
  window_days: on how many local days before the landmark behaviour is looked for, 2 or more (default 28)
  gap_days: how many days from the landmark on are not looked at, 0 or more (default 7)
  churn_days: who is active on none of so many days after the gap has churned, 1 or more (default 28)
  behaviours: behaviours of one''s own: a list of objects with a name and a filter, at most 30
  min_users: a behaviour is listed if at least so many users did it and at least so many did not, 1 or more (default 30)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  indicator: what was done: a behaviour, feature: and a feature, or a name of one''s own
  users_with: users who did it
  users_without: users who did not
  churn_with: share of the users who did it that churned, 0 to 1
  churn_without: share of the others that churned, 0 to 1
  difference: the first of these rates less the second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  ratio: the first rate over the second; NULL where that is 0
  ratio_low: its lower 95 % bound (Katz)
  ratio_high: its upper 95 % bound (Katz)
  phi: correlation of doing it with the outcome, -1 to 1
  p_value: probability of a difference as large or larger if there were none: by Pearson''s test, by Fisher''s where fewer than 5 users are expected in a cell
  q_value: the same in view of all comparisons of the segment
  adjusted_difference: difference among users who made about as many requests (Mantel and Haenszel)
  adjusted_low: its lower 95 % bound (Sato)
  adjusted_high: its upper 95 % bound (Sato)
  evidence: clear: hardly chance, and there at equal volume too; volume: hardly chance, but volume may explain it; unclear: may be chance
  note: association: it is not known what causes what';

CREATE FUNCTION user_metrics.activation_threshold(
    source regclass, action jsonb DEFAULT NULL, retained integer[] DEFAULT '{21,27}', max_days integer DEFAULT 15,
    max_requests integer DEFAULT 10, min_users integer DEFAULT 100, seed bigint DEFAULT 1,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
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
COMMENT ON FUNCTION user_metrics.activation_threshold(regclass, jsonb, integer[], integer, integer, integer, bigint, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many requests, or requests of an action, within how many first days tell best who will be active later: chosen by one half of the users, with figures of the other, in a sentence; or the reason why there is none

Arguments:
  source: the log: a table, view or foreign table
  action: which requests count, in the form of filter; by default all. Who is new is decided by all requests
  retained: who is retained: active on one of these days after the first, the first and the last of a span, which begins when the first days are over (default ''{21,27}'')
  max_days: the most first days that are tried, 1 to 15 (default 15)
  max_requests: the most requests that are tried, 1 to 10 (default 10)
  min_users: users that each half must have, 1 or more; a tenth of it must reach a threshold, and a tenth must not (default 100)
  seed: any number: another one deals the halves out anew (default 1)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  users: users whose outcome is known, of both halves
  retained_users: those of them who stayed
  days: first days of the threshold; NULL where there is none
  requests: requests within them
  days_low: lower 95 % bound of days; NULL where fewer than half of the resamples choose any
  days_high: their upper bound
  requests_low: lower 95 % bound of requests
  requests_high: their upper bound
  q_value: that of the threshold among all tried, in the half that chose
  held_out_users: users of the other half, which all further figures are of
  users_reaching: those of them who reached the threshold
  retention_reaching: share of these that stayed, 0 to 1
  retention_others: share of the others that stayed, 0 to 1
  difference: the first of these rates less the second
  difference_low: its lower 95 % bound (Newcombe)
  difference_high: its upper 95 % bound (Newcombe)
  phi: correlation of reaching it with staying, -1 to 1
  p_value: probability of a difference as large or larger if there were none
  recall: share of the staying that reached it, 0 to 1
  youden_j: recall less the share of the others that reached it
  lift: retention_reaching over the retention of all
  sentence: the threshold in words
  reason: why there is none; NULL where there is one';

CREATE FUNCTION user_metrics.usage_patterns(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, requests bigint, active_days bigint, requests_per_active_day double precision,
    requests_per_calendar_day double precision, median_seconds_between_requests double precision,
    usage_interval_days double precision, prompt_tokens bigint, completion_tokens bigint, cost_usd double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_patterns_over_log';
COMMENT ON FUNCTION user_metrics.usage_patterns(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how much a log''s users ask and how regularly: requests per active day and per calendar day, the median pause between two requests, the days between active days that 80 % of users do not exceed, tokens and cost

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  users: users with at least one request
  requests: their requests
  active_days: local days on which each of them made one, added up
  requests_per_active_day: requests over active days
  requests_per_calendar_day: requests over the days from each user''s first to the last that is observed, added up
  median_seconds_between_requests: median over all pairs of successive requests of one user
  usage_interval_days: 80th percentile over users of the median number of days from one active day to the next
  prompt_tokens: tokens sent; NULL where none is known
  completion_tokens: tokens received; NULL where none is known
  cost_usd: cost in US dollars; NULL where none is known';

CREATE FUNCTION user_metrics.peak_hours(
    source regclass, top integer DEFAULT 3, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, hour integer, requests bigint, hour_occurrences bigint, requests_per_hour_occurrence double precision,
    rank bigint, is_peak boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 24 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'peak_hours_over_log';
COMMENT ON FUNCTION user_metrics.peak_hours(regclass, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests in each hour of the local clock, per occurrence of the hour, and which hours are the peaks

Arguments:
  source: the log: a table, view or foreign table
  top: how many hours are peaks, from 1 to 24 (default 3)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  hour: hour of the local clock, 0 to 23
  requests: requests made in it
  hour_occurrences: how often the hour came round from the segment''s first request to the end of observation
  requests_per_hour_occurrence: requests over occurrences
  rank: 1 for the hour of most requests per occurrence; of several alike the earlier first
  is_peak: whether it ranks among the top ones and has requests';

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
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  weekday: 1 for Monday to 7 for Sunday
  hour: hour of the local clock, 0 to 23
  requests: requests made in it
  users: users who made them';

CREATE FUNCTION user_metrics.feature_usage(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_usage_over_log';
COMMENT ON FUNCTION user_metrics.feature_usage(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each feature, how much, with what success, at what cost and how fast

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  name: the name; NULL for requests without one
  users: users of it
  reach: share of the segment''s users who use it
  requests: requests to it
  share: share of the segment''s requests
  requests_per_user: requests over users
  success_rate: share of those that succeeded, of those of which it is known
  cost_usd: cost in US dollars; NULL where none is known
  median_latency_ms: median latency in milliseconds';

CREATE FUNCTION user_metrics.model_usage(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'model_usage_over_log';
COMMENT ON FUNCTION user_metrics.model_usage(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each model, how much, with what success, at what cost and how fast

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  name: the name; NULL for requests without one
  users: users of it
  reach: share of the segment''s users who use it
  requests: requests to it
  share: share of the segment''s requests
  requests_per_user: requests over users
  success_rate: share of those that succeeded, of those of which it is known
  cost_usd: cost in US dollars; NULL where none is known
  median_latency_ms: median latency in milliseconds';

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
    'whether users stay with a model from one request to the next, compared with what is expected by chance given each user''s mix of models; the row whose model is NULL is about all of them

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  model: the model; NULL for all of them
  transitions: requests to it that another request of the same user follows
  stay_rate: share of these that are followed by one to the same model
  chance_rate: that share expected by chance given each user''s mix of models
  excess: stay_rate - chance_rate
  switches_after_error: changes to another model after a request that failed; NULL where it is not known whether requests succeeded
  concentration: mean over users of the sum of the squared shares of their models';

CREATE FUNCTION user_metrics.model_switches(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, from_model text, to_model text, switches bigint, after_error bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'model_switches_over_log';
COMMENT ON FUNCTION user_metrics.model_switches(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'from which model to which other users go with their next request, and how often after a request that failed

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  from_model: the model of the request before
  to_model: the model of the next request of the same user
  switches: how often that happened
  after_error: how often after a request that failed; NULL where it is not known whether requests succeeded';

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
    'a rough guess at how demanding each request is among those of its model and month: the mean of the percentile ranks of its tokens sent, its tokens received and its turn in the session, as far as they are known

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  request_id: which request
  user_id: whose
  occurred_at: when
  complexity: mean of those of the three ranks that are known, between 0 and 1
  prompt_tokens_rank: rank of its tokens sent
  completion_tokens_rank: rank of its tokens received
  turn_rank: rank of its turn in the session';

CREATE FUNCTION user_metrics.segment_users(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_users_over_log';
COMMENT ON FUNCTION user_metrics.segment_users(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of your own), with the figures that say why

Arguments:
  source: the log: a table, view or foreign table
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: users who made exactly as many requests as the last within the share: include makes all of them power users, exclude none (default ''include'')
  min_users: with fewer recently active users nobody is a power user, 1 or more (default 10)
  new_days: who began less than so many times 24 hours ago is new, from 0 to 36500 (default 30)
  recent_weeks: how many weeks of 168 hours are recent, from 1 to 520 (default 4)
  base_weeks: how many weeks before them they are compared with, from 1 to 520 (default 4)
  max_decline_ratio: at risk is who makes at most this share of the requests a week made before, from 0 to 1 (default 0.5)
  max_decline_p: at risk is only whose decline has a probability below this, from 0 to 1 (default 0.05)
  min_base_requests: at risk is only who made so many requests before, 1 or more (default 10)
  rules: segments of your own in place of the five: a JSON array of rules, the first that fits decides
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  segment: new, at_risk, power, casual or dormant, the first that fits; or a segment of rules
  requests: their requests since since
  active_days: local days with at least one of these
  first_seen: their first request, whatever since says
  last_seen: their last request, whatever since says
  usage_rank: place by recent_requests among the recently active: 1 made most, equals share a place; NULL without recent requests
  power_cutoff: fewest recent_requests of anyone within power_share, the same in every row; NULL if nobody is
  recent_requests: requests of the recent weeks
  base_requests: requests of the weeks before
  decline_ratio: requests a week, recent over base; NULL without base requests
  decline_p: probability of so few recent requests, or fewer, if nothing had changed; NULL without requests in either';

CREATE FUNCTION user_metrics.segment_user(
    source regclass, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz, usage_rank bigint,
    power_cutoff bigint, recent_requests bigint, base_requests bigint, decline_ratio double precision,
    decline_p double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_user_over_log';
COMMENT ON FUNCTION user_metrics.segment_user(regclass, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s row of segment_users; it reads the whole log, because who is a power user depends on all the others

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: users who made exactly as many requests as the last within the share: include makes all of them power users, exclude none (default ''include'')
  min_users: with fewer recently active users nobody is a power user, 1 or more (default 10)
  new_days: who began less than so many times 24 hours ago is new, from 0 to 36500 (default 30)
  recent_weeks: how many weeks of 168 hours are recent, from 1 to 520 (default 4)
  base_weeks: how many weeks before them they are compared with, from 1 to 520 (default 4)
  max_decline_ratio: at risk is who makes at most this share of the requests a week made before, from 0 to 1 (default 0.5)
  max_decline_p: at risk is only whose decline has a probability below this, from 0 to 1 (default 0.05)
  min_base_requests: at risk is only who made so many requests before, 1 or more (default 10)
  rules: segments of your own in place of the five: a JSON array of rules, the first that fits decides
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: new, at_risk, power, casual or dormant, the first that fits; or a segment of rules
  requests: their requests since since
  active_days: local days with at least one of these
  first_seen: their first request, whatever since says
  last_seen: their last request, whatever since says
  usage_rank: place by recent_requests among the recently active: 1 made most, equals share a place; NULL without recent requests
  power_cutoff: fewest recent_requests of anyone within power_share, the same in every row; NULL if nobody is
  recent_requests: requests of the recent weeks
  base_requests: requests of the weeks before
  decline_ratio: requests a week, recent over base; NULL without base requests
  decline_p: probability of so few recent requests, or fewer, if nothing had changed; NULL without requests in either';

CREATE FUNCTION user_metrics.segment_summary(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include',
    min_users integer DEFAULT 10, new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4,
    base_weeks integer DEFAULT 4, max_decline_ratio double precision DEFAULT 0.5,
    max_decline_p double precision DEFAULT 0.05, min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 5 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'segment_summary_over_log';
COMMENT ON FUNCTION user_metrics.segment_summary(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in the order of the segments

Arguments:
  source: the log: a table, view or foreign table
  power_share: share of the recently active users who are power users, from 0 to 1, rounded up to whole users (default 0.10)
  ties: users who made exactly as many requests as the last within the share: include makes all of them power users, exclude none (default ''include'')
  min_users: with fewer recently active users nobody is a power user, 1 or more (default 10)
  new_days: who began less than so many times 24 hours ago is new, from 0 to 36500 (default 30)
  recent_weeks: how many weeks of 168 hours are recent, from 1 to 520 (default 4)
  base_weeks: how many weeks before them they are compared with, from 1 to 520 (default 4)
  max_decline_ratio: at risk is who makes at most this share of the requests a week made before, from 0 to 1 (default 0.5)
  max_decline_p: at risk is only whose decline has a probability below this, from 0 to 1 (default 0.05)
  min_base_requests: at risk is only who made so many requests before, 1 or more (default 10)
  rules: segments of your own in place of the five: a JSON array of rules, the first that fits decides
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: new, at_risk, power, casual or dormant; or a segment of rules
  users: users in it
  user_share: of all users, 0 to 1; NULL if there are none, or if any segment is hidden
  requests: their requests since since
  request_share: of all requests since since, 0 to 1; NULL if there are none, or if any segment is hidden
  requests_per_user: requests / users; NULL without users';

CREATE FUNCTION user_metrics.ab_compare(
    source regclass, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, mixed_users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'ab_compare_over_log';
COMMENT ON FUNCTION user_metrics.ab_compare(regclass, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'every variant of an experiment in a log against its control, one row a variant, metric and segment: figures are made per user from the first request that bears a variant on; difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why

Arguments:
  source: the log: a table, view or foreign table
  metric: what is compared: requests, active_days, sessions, success_rate, retained_d7, retained_w1, converted, a column or property that holds numbers, such as cost_usd, its sum(name) or mean(name), or a quantile of it, such as latency_ms_p95; by default converted where that is given, else requests
  variant: the column or property that holds the variant, or experiment:NAME for the variant that a defined experiment gives (default ''variant'')
  control: the variant that the others are compared with; by default control if there is one, else the first by name
  metrics: several metrics in place of metric
  converted: for the metric converted: the filter that the converting request fulfils
  method: the test: welch, proportions, fisher, mann_whitney or quantile; by default that of the metric
  alternative: what would be a finding: two_sided, greater or less (default ''two_sided'')
  confidence: of all bounds, from 0.5 to below 1; one less it is what p_adjusted must be below (default 0.95)
  correction: for several comparisons at once: holm, benjamini_hochberg or none (default ''holm'')
  weights: the shares of users that were planned, by variant; by default equal ones
  better: which direction is good: higher, lower or neither; by default that of the metric
  cuped_days: takes out what the same users did in so many days before their first exposure, from 1 to 365
  winsorize: cuts figures at the point that this share of those that are not 0 does not exceed, from 0.5 to below 1
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  metric: what is compared
  variant: the variant
  users: users who have a figure
  mean: the mean of their figures; of a mean over requests, the sum of all over the number of all; of a quantile, the quantile
  sd: the standard deviation of users'' figures; of a mean over requests, of what each user contributes; NULL for quantiles
  control_mean: the mean of the control
  difference: mean - control_mean
  difference_low: its lower bound, valid if looked at once
  difference_high: its upper bound, valid if looked at once
  relative_lift: the difference as a share of the size of the control''s mean
  lift_low: its lower bound; NULL where the control''s mean is not clear of 0
  lift_high: its upper bound
  statistic: what the test computed: t, z, the odds ratio, or U
  df: degrees of freedom of t
  p_value: the chance of so large a difference if there were none
  p_adjusted: the same, given that so many comparisons were made at once
  always_valid_low: a lower bound of the difference that holds at all times at once
  always_valid_high: an upper bound likewise
  probability_better: the chance that the variant is better, given a prior of small lifts
  expected_loss: the lift that is lost on average by choosing the variant
  srm_p_value: the chance of so uneven a spread of users; below 0.001 something is broken
  verdict: what it comes to
  reason: why something is not known or not judged, or what to keep in mind
  missing_users: users in the variant who have no figure
  mixed_users: users who were seen in several variants; they are in none';

CREATE FUNCTION user_metrics.ab_compare(
    source text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, mixed_users bigint
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 AS $$
    SELECT r.* FROM user_metrics.ab_compare(source::pg_catalog.regclass, metric, variant, control, metrics, converted, method, alternative, confidence, correction, weights, better, cuped_days, winsorize, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'every variant of an experiment in a log against its control, one row a variant, metric and segment: figures are made per user from the first request that bears a variant on; difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why; the log by name, as in ab_compare(''request_log'')';

CREATE FUNCTION user_metrics.ab_segments(
    source regclass, by text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, p_value double precision, p_adjusted double precision, verdict text, reason text,
    interaction_statistic double precision, interaction_df double precision, interaction_p_value double precision,
    interaction_p_adjusted double precision, interaction_verdict text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'ab_segments_over_log';
COMMENT ON FUNCTION user_metrics.ab_segments(regclass, text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every variant against its control within each segment of users, as ab_compare has it, and whether the effect differs from segment to segment by more than chance (Cochran''s Q, adjusted over metrics and variants); a user is in the segment of their first request with a variant

Arguments:
  source: the log: a table, view or foreign table
  by: the column or property that holds the segments
  metric: what is compared: requests, active_days, sessions, success_rate, retained_d7, retained_w1, converted, a column or property that holds numbers, such as cost_usd, its sum(name) or mean(name), or a quantile of it, such as latency_ms_p95; by default converted where that is given, else requests
  variant: the column or property that holds the variant, or experiment:NAME for the variant that a defined experiment gives (default ''variant'')
  control: the variant that the others are compared with; by default control if there is one, else the first by name
  metrics: several metrics in place of metric
  converted: for the metric converted: the filter that the converting request fulfils
  method: the test: welch, proportions, fisher, mann_whitney or quantile; by default that of the metric
  alternative: what would be a finding: two_sided, greater or less (default ''two_sided'')
  confidence: of all bounds, from 0.5 to below 1; one less it is what p_adjusted must be below (default 0.95)
  correction: for several comparisons at once: holm, benjamini_hochberg or none (default ''holm'')
  weights: the shares of users that were planned, by variant; by default equal ones
  better: which direction is good: higher, lower or neither; by default that of the metric
  cuped_days: takes out what the same users did in so many days before their first exposure, from 1 to 365
  winsorize: cuts figures at the point that this share of those that are not 0 does not exceed, from 0.5 to below 1
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by
  metric: what is compared
  variant: the variant
  users: users who have a figure
  mean: the mean of their figures; of a mean over requests, the sum of all over the number of all; of a quantile, the quantile
  control_mean: the mean of the control
  difference: mean - control_mean
  difference_low: its lower bound
  difference_high: its upper bound
  relative_lift: the difference as a share of the size of the control''s mean
  p_value: the chance of so large a difference if there were none
  p_adjusted: the same, given that so many comparisons were made at once
  verdict: what it comes to within the segment
  reason: why something is not known or not judged, or what to keep in mind
  interaction_statistic: Cochran''s Q: how far the differences of the segments lie from their common one
  interaction_df: its degrees of freedom: segments less 1
  interaction_p_value: the chance of such a Q if the effect were the same everywhere
  interaction_p_adjusted: the same, given that so many metrics and variants were looked at
  interaction_verdict: differs, no evidence or too few segments; NULL in the rows of the control';

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
    'whether the variants in a log are those a defined experiment gives: users and requests of every pair of logged and expected variant, with examples of users where they differ

Arguments:
  source: the log: a table, view or foreign table
  experiment: the name of an experiment in the table user_metrics.experiment
  variant_property: the column or property that holds the variant a request was shown; by default one named like the experiment
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  logged_variant: the variant that requests bear
  expected_variant: the variant that the experiment gives; NULL for users who take no part
  agrees: whether they are the same
  users: users of whom requests bear the one and who are given the other
  requests: these requests
  user_share: users of all who bear a variant, 0 to 1; NULL where any pair of the segment is hidden
  example_users: up to three users where the variants differ, with commas';

CREATE FUNCTION user_metrics.preferred_models(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, model text, requests bigint, active_days bigint, median_latency_ms double precision,
    success_rate double precision, mean_rating double precision, reason text, prefers_speed boolean,
    prefers_quality boolean
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'preferred_models_over_log';
COMMENT ON FUNCTION user_metrics.preferred_models(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models to offer one user, in order, by what they chose and found where there was a choice; candidates bounds the list, fallback is offered to those of whom too little is known

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  candidates: the models to choose from, as the log names them or followed by a slash and a provider; by default those used
  fallback: the models for users of whom too little is known; by default the candidates as given
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  place: 1 for the one to offer first
  model: the candidate as given, or the model as the log names it
  requests: the user''s requests to it
  active_days: local days on which they used it
  median_latency_ms: their median latency in milliseconds
  success_rate: share of their requests to it that succeeded, as far as is known
  mean_rating: mean of the ratings they gave
  reason: why it stands there: fast, good, used, not used, as given or fallback
  prefers_speed: whether the user prefers speed; NULL where too little shows it
  prefers_quality: whether the user prefers quality; NULL where too little shows it';

CREATE FUNCTION user_metrics.preferred_model_list(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'preferred_model_list_over_log';
COMMENT ON FUNCTION user_metrics.preferred_model_list(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models of preferred_models with commas between them, as gateways take them

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  candidates: the models to choose from, as the log names them or followed by a slash and a provider; by default those used
  fallback: the models for users of whom too little is known; by default the candidates as given
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Result:
  the models, that to offer first in front; NULL if there is none to offer';

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
    'the features one user uses most, and how much more than everybody: lift is their share over that of all users'' requests

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  top: how many features, 1 or more (default 3)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  place: 1 for the one used most
  feature: the feature
  requests: the user''s requests to it
  active_days: local days on which they used it
  share: share of their requests with a feature
  population_share: that share of all users'' requests; NULL of a feature with too few users
  lift: share / population_share';

CREATE FUNCTION user_metrics.user_profile(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true,
    candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'user_profile_over_log';
COMMENT ON FUNCTION user_metrics.user_profile(regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s profile as JSON: behaviour, segment, preferences, and their figures beside those of their peers; benchmark => false reads the user''s own requests only

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  peers: a column or property: peers are users whose most recent value of it is the same
  benchmark: whether segment and peers are told, for which the requests of all users are read; false reads only the user''s own (default true)
  candidates: the models to choose from, as the log names them or followed by a slash and a provider; by default those used
  fallback: the models for users of whom too little is known; by default the candidates as given
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Result:
  an object with user_behavior, segment, preferences and benchmark; NULL for a user who has made no requests';

CREATE FUNCTION user_metrics.user_metrics_row(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true,
    candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    requests_per_active_day double precision, requests_per_calendar_day double precision, sessions bigint,
    session_mean_seconds double precision, session_median_seconds double precision, completion_rate double precision,
    success_rate double precision, cost_usd double precision, mean_rating double precision, peak_hours text,
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
    'one user''s profile as one row of plain columns: usage, sessions, habits, segment, preferences, and their figures beside those of their peers; benchmark => false reads the user''s own requests only

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  peers: a column or property: peers are users whose most recent value of it is the same
  benchmark: whether segment and peers are told, for which the requests of all users are read; false reads only the user''s own (default true)
  candidates: the models to choose from, as the log names them or followed by a slash and a provider; by default those used
  fallback: the models for users of whom too little is known; by default the candidates as given
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the segment of segment_users; NULL without benchmark
  requests: requests
  active_days: local days with at least one
  first_seen: the first request
  last_seen: the last request
  requests_per_active_day: requests over active days
  requests_per_calendar_day: requests over the days from the first to the last that is observed
  sessions: sessions
  session_mean_seconds: mean duration of those that are not open
  session_median_seconds: median duration of those that are not open
  completion_rate: completed of those known to be completed or abandoned
  success_rate: share of requests that succeeded, of those of which it is known
  cost_usd: cost in US dollars
  mean_rating: mean rating
  peak_hours: up to three hours of most requests per occurrence of the hour, with commas
  favorite_features: up to three features used most, with commas
  model_preferences: up to three models used most, with commas
  preferred_models: the models to offer, in order, with commas
  prefers_speed: whether the user prefers speed; NULL where too little shows it
  prefers_quality: whether the user prefers quality; NULL where too little shows it
  requests_per_day: requests a day, as benchmark_user has it
  requests_per_day_peer_median: median of the peers
  requests_per_day_percentile: share of the peers who have less
  requests_per_completed_session: requests of sessions that are over, per completed session
  requests_per_completed_session_peer_median: median of the peers
  requests_per_completed_session_percentile: share of the peers who have less
  features_used: distinct features
  features_used_peer_median: median of the peers
  features_used_percentile: share of the peers who have less
  satisfaction: mean rating, drawn towards that of the peers
  satisfaction_peer_median: median of the peers
  satisfaction_percentile: share of the peers who have less
  peer_users: peers of whom requests_per_day is known';

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
    'every user''s requests per day, requests per completed session, features used and satisfaction compared with those of their peers: all others, or those with the same value of the property peers

Arguments:
  source: the log: a table, view or foreign table
  peers: a column or property: peers are users whose most recent value of it is the same
  min_peers: how many peers there must be for a comparison, 1 or more (default 10)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  peer_group: the user''s most recent value of peers
  metric: requests_per_day, requests_per_completed_session, features_used or satisfaction
  value: the user''s own
  peer_median: median of the peers; NULL with too few of them
  percentile: share of the peers who have less, those who have as much counted half
  peer_users: peers of whom the metric is known';

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
    'one user''s rows of benchmark_users; it reads the whole log, because the others are compared with

Arguments:
  source: the log: a table, view or foreign table
  user_id: the user, by the id that the log has
  peers: a column or property: peers are users whose most recent value of it is the same
  min_peers: how many peers there must be for a comparison, 1 or more (default 10)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  peer_group: the user''s most recent value of peers
  metric: requests_per_day, requests_per_completed_session, features_used or satisfaction
  value: the user''s own
  peer_median: median of the peers; NULL with too few of them
  percentile: share of the peers who have less, those who have as much counted half
  peer_users: peers of whom the metric is known';

CREATE FUNCTION user_metrics.user_properties(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, property text, value text, told_at timestamptz
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'user_properties_over_log';
COMMENT ON FUNCTION user_metrics.user_properties(regclass, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every property of every user with the value told last (not NULL) up to as_of, and when that was

Arguments:
  source: the log: a table, view or foreign table
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  property: a key of the properties
  value: the value told last that is not NULL; objects and lists as JSON text
  told_at: when it was told last';

CREATE FUNCTION user_metrics.plan_usage(
    source regclass, plans jsonb, plan_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, plan text, month date, requests bigint, request_limit bigint, used_share double precision,
    projected_month_end double precision, first_day_over_limit date, out_of_plan_requests bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'plan_usage_over_log';
COMMENT ON FUNCTION user_metrics.plan_usage(regclass, jsonb, text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'requests of every user and calendar month against the limit of their plan: share used, projection to the month''s end, first day over the limit, requests to features outside the plan

Arguments:
  source: the log: a table, view or foreign table
  plans: a JSON object of plans, each with monthly_request_limit and features
  plan_property: the property that names a user''s plan (default ''UserTier'')
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  plan: the plan known at the month''s end; NULL if none ever was
  month: first day of the calendar month
  requests: requests in it
  request_limit: the plan''s limit; NULL if it has none, or is not among plans
  used_share: requests / limit; NULL without a limit, or for one of 0
  projected_month_end: requests expected by the month''s end at this pace
  first_day_over_limit: the day on which the limit was passed; NULL if it was not
  out_of_plan_requests: requests to features that are not of the plan; NULL if the plan does not list any';

CREATE FUNCTION user_metrics.funnel(
    source regclass, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step_number integer, step text, users bigint, from_previous_rate double precision,
    from_first_rate double precision, dropped_users bigint, open_users bigint, median_seconds double precision,
    p90_seconds double precision, rate_low double precision, rate_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'funnel_over_log';
COMMENT ON FUNCTION user_metrics.funnel(regclass, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users reached each step of a funnel, as shares of those who reached the step before and the first, how many dropped out before it, how many may still get there because their window has not elapsed, and how long the step took

Arguments:
  source: the log: a table, view or foreign table
  steps: the steps: a JSON array of up to 64 objects with a filter and, if you like, a name
  within: how long the whole way may take (default ''7 days'')
  mode: what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered (default ''ordered'')
  exclude: a filter, or a JSON array of filters: what must not come between two steps
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  step_number: the step''s place, from 1
  step: its name; in any order how many of the steps are done
  users: users who reached it
  from_previous_rate: their share of those who reached the step before and are not open, 0 to 1; NULL of the first
  from_first_rate: their share of those who reached the first step, less all who are open before this step or an earlier one, 0 to 1
  dropped_users: users who reached the step before, not this one, and cannot any more
  open_users: users who reached the step before, not yet this one, and still may
  median_seconds: median time from the step before; NULL of the first
  p90_seconds: time from the step before that nine tenths did not exceed; NULL of the first
  rate_low: lower 95 % bound of from_first_rate
  rate_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.funnel(
    source text, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered', exclude jsonb DEFAULT NULL,
    compatibility text DEFAULT 'standard', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step_number integer, step text, users bigint, from_previous_rate double precision,
    from_first_rate double precision, dropped_users bigint, open_users bigint, median_seconds double precision,
    p90_seconds double precision, rate_low double precision, rate_high double precision
)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 AS $$
    SELECT r.* FROM user_metrics.funnel(source::pg_catalog.regclass, steps, within, mode, exclude, compatibility, since, until, filter, by, timezone, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.funnel(text, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users reached each step of a funnel, as shares of those who reached the step before and the first, how many dropped out before it, how many may still get there because their window has not elapsed, and how long the step took; the log by name, as in funnel(''request_log'')';

CREATE FUNCTION user_metrics.funnel_steps(
    funnel user_metrics.funnel, steps text[] DEFAULT NULL, compatibility text DEFAULT 'standard',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    step_number integer, step text, users bigint, from_previous_rate double precision, from_first_rate double precision,
    dropped_users bigint, open_users bigint, median_seconds double precision, p90_seconds double precision,
    rate_low double precision, rate_high double precision
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'funnel_steps_of_funnel';
COMMENT ON FUNCTION user_metrics.funnel_steps(user_metrics.funnel, text[], text, timestamptz, timestamptz, timestamptz) IS
    'how many users reached each step of a funnel, as shares of those who reached the step before and the first, how many dropped out before it, how many may still get there, and how long the step took; read from a funnel, whose steps may be named

Arguments:
  funnel: the value to read
  steps: the steps'' names, one a step; NULL among them, and by default, for a name by number
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  since: the first instant shown
  until: the first instant not read
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  step_number: the step''s place, from 1
  step: its name; in any order how many of the steps are done
  users: users who reached it
  from_previous_rate: their share of those who reached the step before and are not open, 0 to 1; NULL of the first
  from_first_rate: their share of those who reached the first step, less all who are open before this step or an earlier one, 0 to 1
  dropped_users: users who reached the step before, not this one, and cannot any more
  open_users: users who reached the step before, not yet this one, and still may
  median_seconds: median time from the step before; NULL of the first
  p90_seconds: time from the step before that nine tenths did not exceed; NULL of the first
  rate_low: lower 95 % bound of from_first_rate
  rate_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.funnel_users(
    source regclass, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, step_number integer, step text, reached_at timestamptz, status text
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'funnel_users_over_log';
COMMENT ON FUNCTION user_metrics.funnel_users(regclass, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, timestamptz) IS
    'who stands where in a funnel: per user the steps they completed, and when, and the one after these, which they dropped or which is still open to them

Arguments:
  source: the log: a table, view or foreign table
  steps: the steps: a JSON array of up to 64 objects with a filter and, if you like, a name
  within: how long the whole way may take (default ''7 days'')
  mode: what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered (default ''ordered'')
  exclude: a filter, or a JSON array of filters: what must not come between two steps
  compatibility: standard, or clickhouse for the levels of ClickHouse''s windowFunnel (default ''standard'')
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  step_number: the step''s place, from 1
  step: its name; in any order how many of the steps are done
  reached_at: when they completed it; NULL where they did not
  status: completed, dropped or open';

CREATE FUNCTION user_metrics.paths(
    source regclass, start jsonb DEFAULT NULL, depth integer DEFAULT 5, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step integer, from_feature text, to_feature text, users bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'paths_over_log';
COMMENT ON FUNCTION user_metrics.paths(regclass, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what people do next: from each user''s first request that start lets through, how many go from which feature to which other at the 1st, 2nd, ... move

Arguments:
  source: the log: a table, view or foreign table
  start: the requests that a path may begin with, in the form of filter; by default any
  depth: how many moves are followed, from 1 to 1000 (default 5)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  step: the 1st, 2nd, ... move
  from_feature: from which feature
  to_feature: to which; NULL for those who did nothing else until observation ended
  users: how many users';

CREATE FUNCTION user_metrics.first_sessions(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, signed_up_users bigint, without_request_users bigint, requests_before_signup bigint,
    seconds_to_first_request double precision, seconds_to_first_request_low double precision,
    seconds_to_first_request_high double precision, first_request_within_1_day double precision,
    first_request_within_7_days double precision, first_requests bigint, first_request_success_rate double precision,
    rate_low double precision, rate_high double precision, open_sessions bigint,
    features_discovered_mean double precision, duration_mean_seconds double precision,
    duration_median_seconds double precision, requests_mean double precision, single_request_share double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'first_sessions_over_log';
COMMENT ON FUNCTION user_metrics.first_sessions(regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how users begin: how long it takes them from signing up to the first request (the median, those counted who have made none), whether that succeeds, and how long, deep and wide the first session is

Arguments:
  source: the log: a table, view or foreign table
  signups: a table or view of users and when they signed up, with columns like those of a log; the earliest row of a user counts
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  users: users who made their first request since since
  signed_up_users: users of the segment whose signing up is known; those who are waiting are in no segment of by
  without_request_users: those of them who have made no request yet
  requests_before_signup: those of them whose first request came before
  seconds_to_first_request: the time from signing up by which half have made their first request, the waiting counted; NULL where fewer have
  seconds_to_first_request_low: its lower 95 % bound
  seconds_to_first_request_high: its upper 95 % bound
  first_request_within_1_day: share that has made it 24 hours after signing up, 0 to 1; NULL where nobody has been waited for that long
  first_request_within_7_days: share that has made it 168 hours after signing up, 0 to 1; NULL where nobody has been waited for that long
  first_requests: first requests of which the log tells whether they succeeded
  first_request_success_rate: share of them that did, 0 to 1
  rate_low: its lower 95 % bound
  rate_high: its upper 95 % bound
  open_sessions: first sessions that may still go on; they are in none of the figures that follow
  features_discovered_mean: mean number of features used in the first session
  duration_mean_seconds: mean duration
  duration_median_seconds: median duration
  requests_mean: mean number of requests
  single_request_share: share that was a single request, 0 to 1';

CREATE FUNCTION user_metrics.first_session_list(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_id text, started_at timestamptz, ended_at timestamptz, duration_seconds double precision,
    requests bigint, errors bigint, outcome text, first_request_succeeded boolean, features_discovered bigint,
    signed_up_at timestamptz, seconds_to_first_request double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'first_session_list_over_log';
COMMENT ON FUNCTION user_metrics.first_session_list(regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'the first session of every user: begin, end, requests, errors, outcome, whether the first request succeeded, how many features, and how long after signing up

Arguments:
  source: the log: a table, view or foreign table
  signups: a table or view of users and when they signed up, with columns like those of a log; the earliest row of a user counts
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  session_id: the session''s id; NULL for one formed by the gap
  started_at: when its first request was made; this and what follows of it NULL for a user who has made none
  ended_at: when its last answer was complete
  duration_seconds: the time between the two
  requests: its requests
  errors: those of them that failed
  outcome: completed, abandoned, open, or NULL where the log does not tell
  first_request_succeeded: whether its first request succeeded; NULL where the log does not tell
  features_discovered: distinct features of its requests; NULL where no first session has one
  signed_up_at: when the user signed up; NULL where signups does not tell
  seconds_to_first_request: the time from signing up to the first request';

CREATE FUNCTION user_metrics.activation_milestones(
    source regclass, milestones jsonb DEFAULT NULL, advanced_features text[] DEFAULT NULL,
    signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, milestone_number integer, milestone text, eligible_users bigint, reached_users bigint,
    reached_rate double precision, rate_low double precision, rate_high double precision,
    median_seconds double precision, p25_seconds double precision, p75_seconds double precision,
    p90_seconds double precision, dropped_from_previous bigint
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'activation_milestones_over_log';
COMMENT ON FUNCTION user_metrics.activation_milestones(regclass, jsonb, text[], regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what users come to and how long it takes them: standard milestones, or of your own; a share of those whose time for it has elapsed, and times that count those who are not there yet

Arguments:
  source: the log: a table, view or foreign table
  milestones: milestones of your own in place of the standard ones: a JSON array of objects with name, filter, count and within
  advanced_features: features of which the first use is a milestone, too
  signups: a table or view of users and when they signed up, with columns like those of a log; the earliest row of a user counts
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  milestone_number: the milestone''s place
  milestone: its name
  eligible_users: users whose time for it has elapsed; all, where it has no end
  reached_users: those of them who came to it
  reached_rate: their share, 0 to 1
  rate_low: its lower 95 % bound
  rate_high: its upper 95 % bound
  median_seconds: time by which half of all users have come to it, those who have not counted as taking longer; NULL where fewer have
  p25_seconds: likewise for a quarter
  p75_seconds: likewise for three quarters
  p90_seconds: likewise for nine tenths
  dropped_from_previous: eligible users who came to the milestone before and not to this one; NULL of the first';

CREATE FUNCTION user_metrics.feature_adoption(
    source regclass, exposed jsonb DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    power_share double precision DEFAULT 0.10, min_users integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, feature text, users bigint, aware_users bigint, tried_users bigint, reach double precision,
    tried_rate double precision, eligible_users bigint, open_users bigint, adopted_users bigint,
    adoption_rate double precision, rate_low double precision, rate_high double precision, power_users bigint,
    power_rate double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_adoption_over_log';
COMMENT ON FUNCTION user_metrics.feature_adoption(regclass, jsonb, integer, integer, double precision, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how far users come with each feature: know of it (where the log says what was shown to whom), try it, use it on several days, use it most; a share of those whose time for it has elapsed

Arguments:
  source: the log: a table, view or foreign table
  exposed: which rows tell that a user was shown the feature, in the form of filter: they are no use of it
  min_days: on how many days it must be used to be adopted, from 1 to 3650 (default 3)
  within_days: within how many days, the first of them counted, from min_days to 3650 (default 28)
  power_share: share of those who tried it who are power users of it, from 0 to 1, rounded up to whole users (default 0.10)
  min_users: where fewer users tried it there are no power users of it, 1 or more (default 10)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  feature: the feature
  users: users who made a request since since
  aware_users: users who were shown it or used it; NULL unless exposed says what shows it
  tried_users: users who used it, for the first time since since
  reach: tried_users over users
  tried_rate: tried_users over aware_users; NULL unless exposed is given
  eligible_users: users who tried it at least within_days days ago
  open_users: users who tried it later: whether they adopt it is not known yet
  adopted_users: eligible users who used it on min_days days of the first within_days
  adoption_rate: adopted_users over eligible_users
  rate_low: its lower 95 % bound, by Wilson
  rate_high: its upper 95 % bound
  power_users: adopted users who are among the power_share of those who tried it with most requests
  power_rate: power_users over adopted_users';

CREATE FUNCTION user_metrics.adoption_barriers(
    source regclass, feature text, rating_scale double precision[] DEFAULT NULL, min_days integer DEFAULT 3,
    within_days integer DEFAULT 28, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, barrier_rank bigint, barrier text, not_adopted_users bigint, not_adopted_value double precision,
    adopted_users bigint, adopted_value double precision, difference double precision, difference_low double precision,
    difference_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 5 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'adoption_barriers_over_log';
COMMENT ON FUNCTION user_metrics.adoption_barriers(regclass, text, double precision[], integer, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how the first day with a feature went for those who tried it and did not stay, against those who did: errors, answers asked for again, bad ratings, latency; the clearest difference first

Arguments:
  source: the log: a table, view or foreign table
  feature: the feature, as the log has it
  rating_scale: the worst and the best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings say nothing
  min_days: on how many days it must be used to be adopted, from 1 to 3650 (default 3)
  within_days: within how many days, the first of them counted, from min_days to 3650 (default 28)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  barrier_rank: its place: 1 tells the two groups apart most clearly
  barrier: what users met with on their first local day with the feature
  not_adopted_users: users who did not adopt the feature and of whom the log tells it
  not_adopted_value: the share of them it happened to; of latency, the mean of the users'' means
  adopted_users: the same of users who adopted the feature
  adopted_value: the share of them, or the mean
  difference: not_adopted_value - adopted_value
  difference_low: its lower 95 % bound: of shares Newcombe''s, of means Welch''s
  difference_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.feature_timing(
    source regclass, feature text, landmarks integer[] DEFAULT '{1,3,7,14,28}', horizon_days integer DEFAULT 28,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, landmark_day integer, introduced_users bigint, introduced_retained bigint,
    introduced_retention double precision, introduced_low double precision, introduced_high double precision,
    without_users bigint, without_retained bigint, without_retention double precision, without_low double precision,
    without_high double precision, difference double precision, difference_low double precision,
    difference_high double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'feature_timing_over_log';
COMMENT ON FUNCTION user_metrics.feature_timing(regclass, text, integer[], integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'whether users who first use a feature early stay more often than those who have not used it by then: of users still active at each landmark, those introduced since the landmark before against those without; an association

Arguments:
  source: the log: a table, view or foreign table
  feature: the feature, as the log has it
  landmarks: days after a user''s first at whose beginning users are told apart, from 1 to 3650, ascending (default ''{1,3,7,14,28}'')
  horizon_days: for how many days from the landmark on they are followed, from 7 to 3650 (default 28)
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  landmark_day: the landmark
  introduced_users: users who first used it on a day from the landmark before, or the beginning, to the day before this one
  introduced_retained: those of them who are active in the last seven of the horizon_days days
  introduced_retention: introduced_retained over introduced_users
  introduced_low: its lower 95 % bound, by Wilson
  introduced_high: its upper 95 % bound
  without_users: users who have not used it by then
  without_retained: those of them who are active in those seven days
  without_retention: without_retained over without_users
  without_low: its lower 95 % bound, by Wilson
  without_high: its upper 95 % bound
  difference: introduced_retention - without_retention
  difference_low: its lower 95 % bound, by Newcombe
  difference_high: its upper 95 % bound';

CREATE FUNCTION user_metrics.usage_evolution(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL,
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, panel text, week integer, users bigint, active_users bigint, requests_per_day double precision,
    requests_per_active_user_day double precision, avg_session_seconds double precision, features_used double precision,
    satisfaction_score double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_evolution_over_log';
COMMENT ON FUNCTION user_metrics.usage_evolution(regclass, integer[], double precision[], interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how usage changes with the weeks since users began: of all whose week has elapsed, and of the same users throughout, those whose last week asked for has

Arguments:
  source: the log: a table, view or foreign table
  weeks: which weeks are told, from 1 to 520: week 1 is a user''s first local day and the six after it (default ''{1,4,12}'')
  rating_scale: the worst and the best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings say nothing
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  by: a column or property: one result for each of its values, in the column segment
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  segment: the value of the column or property of by; NULL without by
  panel: all: users whose week has elapsed; same_users: those whose last week of weeks has, in every row
  week: the week
  users: users of the panel
  active_users: those of them who made a request in that week
  requests_per_day: requests over days of all its users, those who left counted with none
  requests_per_active_user_day: requests over days of the active
  avg_session_seconds: mean length of sessions that began in that week and are over
  features_used: features an active user used, on average
  satisfaction_score: the mean rating of that week, from 0 to 10; NULL without rating_scale';

CREATE FUNCTION user_metrics.usage_evolution_json(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL,
    panel text DEFAULT 'all', session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'usage_evolution_json_over_log';
COMMENT ON FUNCTION user_metrics.usage_evolution_json(regclass, integer[], double precision[], text, interval, interval, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the rows of usage_evolution as one JSON object: user_evolution, in it week_1, week_4 and so on, each with its figures

Arguments:
  source: the log: a table, view or foreign table
  weeks: which weeks are told, from 1 to 520: week 1 is a user''s first local day and the six after it (default ''{1,4,12}'')
  rating_scale: the worst and the best rating, such as ''{0,1}'' or ''{1,5}''; without it ratings say nothing
  panel: all: users whose week has elapsed; same_users: those whose last week of weeks has, in every week (default ''all'')
  session_gap: the longest pause within a session of requests without an id; by default the setting user_metrics.session_gap
  max_idle: the longest pause within a session of requests with one id; by default 24 hours
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Result:
  an object with user_evolution, which has an object for every week; an empty one without users';

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
    'every user in exactly one stage of their life with the product (the first that fits of dormant, growth, retention, activation, acquisition), since when, and the figures that say why

Arguments:
  source: the log: a table, view or foreign table
  tiers: the tiers, the lowest first; by default nobody is known to have gone up
  tier_property: the column or property that has them; read only with tiers (default ''UserTier'')
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  user_id: the user
  stage: acquisition, activation, retention, growth or dormant
  since_day: since when; to the week, where the stage was another before
  first_seen: their first request
  last_seen: their last request
  recent_requests: requests in the last 28 days
  active_weeks: in how many of the last four weeks they were active
  active_days: on how many of the last 28 days
  usage_rank: place by recent_requests among the users active in the last 28 days: 1 made most, equals share a place
  power_cutoff: recent_requests of the last who is among the tenth that makes most; NULL where nobody is
  activated_on: when they were activated; NULL if never
  upgraded_on: the first day with a higher tier than on an earlier day; NULL if there is none';

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
    'from which stage of lifecycle_stage to which users went in each period that is over

Arguments:
  source: the log: a table, view or foreign table
  period: day, week, month, quarter or year (default ''month'')
  tiers: the tiers, the lowest first; by default nobody is known to have gone up
  tier_property: the column or property that has them; read only with tiers (default ''UserTier'')
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  period_start: first day of the period; only periods that are over are told of
  from_stage: the stage at the end of the period before; NULL for users who came in this one
  to_stage: the stage at the end of this one
  users: how many
  share: of all with this from_stage in this period, 0 to 1; NULL if any of their rows is hidden';

CREATE FUNCTION user_metrics.acquisition(
    source regclass, source_property text DEFAULT 'Source', premium jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    source_value text, users bigint, first_request_known_users bigint, first_request_success_rate double precision,
    onboarding_eligible_users bigint, onboarding_completed_rate double precision, week_1_eligible_users bigint,
    week_1_retention double precision, premium_users bigint, premium_rate double precision
)
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 ROWS 20 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'acquisition_over_log';
COMMENT ON FUNCTION user_metrics.acquisition(regclass, text, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'where users come from and how they begin: by the first value of a property, whether the first request succeeded, onboarding was completed, users came back in the second week and became premium, each beside the users it is known of

Arguments:
  source: the log: a table, view or foreign table
  source_property: the column or property that says where a user comes from (default ''Source'')
  premium: which requests are those of premium users, in the form of filter
  since: the first instant shown
  until: the first instant not read
  filter: only requests with these values of columns or properties
  timezone: the time zone of local days; by default the setting user_metrics.timezone
  as_of: where observation ends; by default at until, or else with the last request

Columns:
  source_value: the value told first of a user; NULL for users of whom none was
  users: users
  first_request_known_users: those of whose first request it is known whether it succeeded
  first_request_success_rate: share of these whose first request did, 0 to 1; of requests at the same instant one counts that did
  onboarding_eligible_users: users whose first 14 days are over
  onboarding_completed_rate: share of these who were activated in their first 14 days, 0 to 1
  week_1_eligible_users: users whose second week is over: the same
  week_1_retention: share of these active in their second week, days 7 to 13 after the first, 0 to 1
  premium_users: users with a premium request at any time; NULL without premium
  premium_rate: their share of users, 0 to 1; NULL without premium';

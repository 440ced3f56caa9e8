-- The first answers that `make demo` prints. The lines it shows are the calls; what is around them here only makes
-- rates readable.

\pset null '-'
\pset footer off
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.percent(rate double precision) RETURNS text
RETURN to_char(100 * rate, 'FM990.0') || ' %';

\echo
\echo 'user_metrics.cohort_table(''request_log'')'
\echo 'Of the users who came in a month, the share active in their n-th week. Down a column: do newer users stay longer?'
SELECT to_char(cohort, 'YYYY-MM') AS cohort, users,
       pg_temp.percent(week_1) AS week_1, pg_temp.percent(week_2) AS week_2, pg_temp.percent(week_4) AS week_4,
       pg_temp.percent(week_8) AS week_8, pg_temp.percent(week_12) AS week_12
FROM user_metrics.cohort_table('request_log');

\echo 'user_metrics.engagement(''request_log''), its last two weeks'
\echo 'Users of the day, of the last 7 and 30 days. Stickiness is daily / monthly. Not complete: the log ends that day.'
SELECT to_char(day, 'YYYY-MM-DD Dy') AS day, daily_users, weekly_users, monthly_users,
       pg_temp.percent(stickiness) AS stickiness, complete
FROM (SELECT * FROM user_metrics.engagement('request_log') ORDER BY day DESC LIMIT 14) AS last_two_weeks
ORDER BY day;

\echo 'user_metrics.lifecycle(''request_log'', period => ''week'')'
\echo 'Active = new + retained + resurrected. Quick ratio above 1: more come than go. Who left is known once a week is over.'
SELECT period_start AS week, active_users AS active, new_users AS new, retained_users AS retained,
       resurrected_users AS resurrected, churned_users AS churned, round(quick_ratio::numeric, 2) AS quick_ratio
FROM user_metrics.lifecycle('request_log', period => 'week');

\echo 'user_metrics.session_stats(''request_log'', period => ''month'')'
\echo 'Requests at most half an hour apart, or of one conversation. Completed: the last was answered. Open: may still go on.'
SELECT to_char(period_start, 'YYYY-MM') AS month, users, sessions, round(requests_per_session::numeric, 1) AS requests_each,
       round(active_median_seconds) * interval '1 second' AS median_duration,
       pg_temp.percent(single_request_share) AS single_request, pg_temp.percent(returned_24h_rate) AS back_in_24h,
       pg_temp.percent(completion_rate) AS completed, open_sessions AS open
FROM user_metrics.session_stats('request_log', period => 'month');

\echo 'user_metrics.funnel(''request_log'', steps => ''[{"name": "chatted", "filter": {"feature": "chat"}}, …]'')'
\echo 'From chat to code to a rating of it, within 7 days. Rates are of eligible users, who have had their 7 days. Open: they are not over yet.'
SELECT step, users, eligible_users AS eligible, pg_temp.percent(from_previous_rate) AS from_previous, pg_temp.percent(from_first_rate) AS from_first,
       dropped_users AS dropped, open_users AS open, round(median_seconds) * interval '1 second' AS median_time
FROM user_metrics.funnel('request_log', steps => '[
    {"name": "chatted",    "filter": {"feature": "chat"}},
    {"name": "wrote code", "filter": {"feature": "code"}},
    {"name": "rated it",   "filter": {"feature": "code", "rating": [1, -1]}}]');

\echo 'user_metrics.segment_summary(''request_log'')'
\echo 'Everybody in one segment, the first that fits. At risk: half as active as in the four weeks before, or less, and hardly by chance.'
SELECT segment, users, pg_temp.percent(user_share) AS of_users, requests, pg_temp.percent(request_share) AS of_requests,
       round(requests_per_user::numeric, 1) AS requests_each
FROM user_metrics.segment_summary('request_log');

\echo 'user_metrics.user_profile(''request_log'', …) of the user with most requests'
\echo 'Habits, segment, preferences, and standing among peers: 0.5 is the middle. Speed or quality: null until a choice shows it.'
SELECT jsonb_pretty(user_metrics.user_profile('request_log', user_id, peers => 'UserTier')) AS profile
FROM (SELECT user_id FROM user_metrics.segment_users('request_log') ORDER BY requests DESC, user_id LIMIT 1) AS most_active;

\echo 'user_metrics.retention_drivers(''request_log'')'
\echo 'What goes with being active in the fourth week, of what users did in their first. Adjusted: among users of equal volume.'
SELECT driver, users_with AS users, pg_temp.percent(retention_with) AS retained, pg_temp.percent(retention_without) AS of_others,
       round((100 * difference)::numeric, 1) AS points, round((100 * adjusted_difference)::numeric, 1) AS adjusted, evidence
FROM user_metrics.retention_drivers('request_log') LIMIT 5;

\echo 'user_metrics.ab_compare(''request_log'', metrics => ''{active_days,retained_w2,rating,latency_ms}'', variant => ''new_chat_ui'')'
\echo 'An experiment: what the new interface changed. Always valid: bounds of the difference for those who look every day.'
SELECT metric, users, round(control_mean::numeric, 3) AS control, round(mean::numeric, 3) AS treatment,
       pg_temp.percent(relative_lift) AS lift, pg_temp.percent(lift_low) AS from_low, pg_temp.percent(lift_high) AS to_high,
       round(p_adjusted::numeric, 4) AS p_adjusted, round(always_valid_low::numeric, 3) AS always_valid_from,
       round(always_valid_high::numeric, 3) AS always_valid_to, verdict
FROM user_metrics.ab_compare('request_log', metrics => '{active_days,retained_w2,rating,latency_ms}', variant => 'new_chat_ui')
WHERE variant = 'treatment';

\echo 'user_metrics.retention_matrix(''request_log'', offsets => ''{0,1,2,3,4,6,8,12,16,20}'')'
\echo 'Weekly cohorts; the columns are weeks since. "-": that week is not over yet for anybody.'
SELECT format('%s %5s users', cohort_start, cohort_users) AS cohort, period_number,
       'week ' || period_number AS week, pg_temp.percent(retention_rate) AS rate
FROM user_metrics.retention_matrix('request_log', offsets => '{0,1,2,3,4,6,8,12,16,20}')
ORDER BY cohort_start, period_number
\crosstabview cohort week rate period_number

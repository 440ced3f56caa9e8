-- The settings user_metrics.*.
CREATE SCHEMA settings;
SET search_path = settings, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\pset null '(null)'

-- ===== answers =====
-- The library announces the settings when it is loaded, with the first call of a session.
SELECT user_metrics_internal.live_states();
SELECT name, setting, unit, context, vartype, enumvals FROM pg_settings WHERE name LIKE 'user\_metrics.%' ORDER BY name COLLATE "C";
CREATE TABLE log (user_id text, created_at timestamptz);
INSERT INTO log VALUES ('ann', '2024-03-03 23:30+00'), ('bob', '2024-03-04 12:00+00'), ('cy', '2024-03-05 12:00+00');
-- timezone: 23:30 on Sunday is Monday in Berlin. The session's own TimeZone does not matter.
SELECT period_start, active_users FROM active_users('log');
SET user_metrics.timezone = 'Europe/Berlin';
SELECT period_start, active_users FROM active_users('log');
SELECT first_day(activity(user_id, created_at)) FROM log;
SET TimeZone = 'Asia/Tokyo';
SELECT period_start, active_users FROM active_users('log');
SELECT period_start, active_users FROM active_users('log', timezone => 'UTC');
SET TimeZone = 'UTC';
RESET user_metrics.timezone;
-- week_start: Sunday the 3rd opens a week or ends one.
SELECT period_start, active_users FROM active_users('log', 'week');
SET user_metrics.week_start = sunday;
SELECT period_start, active_users FROM active_users('log', 'week');
RESET user_metrics.week_start;
-- min_group_size: figures of fewer users are NULL, of nobody they are not.
SET user_metrics.min_group_size = 2;
SELECT * FROM active_users('log', 'week');
SELECT day, daily_users, weekly_users, monthly_users, stickiness FROM engagement('log');
SELECT * FROM retention_matrix('log', offsets => '{0,1}');
SELECT * FROM lifecycle('log');
SELECT * FROM stickiness('log', days => 2);
SELECT * FROM cohort_table('log');
-- What would tell a hidden figure is hidden too: of bob and cy one churned; of bob and dee one came on two days.
INSERT INTO log VALUES ('bob', '2024-03-11 12:00+00'), ('bob', '2024-03-12 12:00+00'), ('dee', '2024-03-12 12:00+00');
SELECT * FROM lifecycle('log', since => '2024-03-11', as_of => '2024-03-18');
SELECT * FROM stickiness('log', days => 3);
RESET user_metrics.min_group_size;
SELECT * FROM lifecycle('log', since => '2024-03-11', as_of => '2024-03-18');
SELECT * FROM stickiness('log', days => 3);
DELETE FROM log WHERE created_at > '2024-03-06';

-- ===== edges =====
SET user_metrics.timezone = '';
SELECT first_day(activity(user_id, created_at)) FROM log;
SET user_metrics.timezone = 'utc';
SELECT first_day(activity(user_id, created_at)) FROM log;
RESET user_metrics.timezone;

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SET user_metrics.timezone = 'Nowhere';
SELECT activity(user_id, created_at) FROM log;
SELECT * FROM active_users('log');
RESET user_metrics.timezone;
SET user_metrics.max_state_memory = '64kB';
SELECT activity(i, timestamptz '2024-03-04') FROM generate_series(1::bigint, 100000) AS i;
CREATE VIEW many AS SELECT i AS user_id, timestamptz '2024-03-04' AS created_at FROM generate_series(1::bigint, 100000) AS i;
SELECT * FROM active_users('many');
RESET user_metrics.max_state_memory;
-- A value is read where it lies, however large; merging it takes memory.
CREATE TABLE kept AS SELECT activity(user_id, created_at) AS value FROM many;
SET user_metrics.max_state_memory = '64kB';
SELECT r.active_users, r.complete FROM kept, active_users(value) AS r;
SELECT rollup(value) FROM kept;
RESET user_metrics.max_state_memory;
SELECT user_metrics_internal.live_states();
\set VERBOSITY default
SET user_metrics.week_start = 'someday';
SET user_metrics.min_group_size = 0;
SET user_metrics.max_state_memory = '1kB';
-- The limits are the administrator's.
CREATE ROLE regress_user_metrics_analyst;
SET ROLE regress_user_metrics_analyst;
SET user_metrics.max_state_memory = '1GB';
SET user_metrics.min_group_size = 1;
SET user_metrics.timezone = 'Europe/Berlin';
RESET ROLE;
DROP ROLE regress_user_metrics_analyst;
SET client_min_messages = warning;
DROP SCHEMA settings CASCADE;

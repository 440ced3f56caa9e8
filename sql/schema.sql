-- What everything else stands in: the schema of the machinery, and the types as shells until their functions exist.

CREATE SCHEMA user_metrics_internal;
COMMENT ON SCHEMA user_metrics_internal IS 'machinery of user_metrics: nothing here is called by users';
GRANT USAGE ON SCHEMA user_metrics, user_metrics_internal TO PUBLIC;

CREATE TYPE user_metrics.activity;
CREATE TYPE user_metrics.sessions;
CREATE TYPE user_metrics.survival;
CREATE TYPE user_metrics.experiment_moments;

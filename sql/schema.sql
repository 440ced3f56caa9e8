-- The schema of internal objects, and shell types for those types that functions mention before CREATE TYPE defines them.

CREATE SCHEMA user_metrics_internal;
COMMENT ON SCHEMA user_metrics_internal IS 'internal objects of user_metrics, not intended to be called by users';
GRANT USAGE ON SCHEMA user_metrics, user_metrics_internal TO PUBLIC;

CREATE TYPE user_metrics.activity;
CREATE TYPE user_metrics.sessions;
CREATE TYPE user_metrics.funnel;
CREATE TYPE user_metrics.survival;
CREATE TYPE user_metrics.experiment_moments;

-- The administrator's privacy policy: a table, because a setting can be overridden by the client's own.

CREATE TABLE user_metrics.privacy_policy (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    min_group_size integer NOT NULL DEFAULT 1 CHECK (min_group_size >= 1),
    max_state_memory_kb integer CHECK (max_state_memory_kb >= 64)
);
COMMENT ON TABLE user_metrics.privacy_policy IS
    'privacy and memory limits that no setting can override, in a single row; no limits without a row. Written by its owner, effective from the next command on in every session';
COMMENT ON COLUMN user_metrics.privacy_policy.only_row IS 'always true: there is at most one row';
COMMENT ON COLUMN user_metrics.privacy_policy.min_group_size IS
    'minimum number of users in a group; the metrics of smaller groups are NULL. The larger of this and the setting user_metrics.min_group_size applies';
COMMENT ON COLUMN user_metrics.privacy_policy.max_state_memory_kb IS
    'maximum memory of aggregate states in one process, in kB, NULL for no limit of its own. The smaller of this and the setting user_metrics.max_state_memory applies';
GRANT SELECT ON user_metrics.privacy_policy TO PUBLIC;
-- The extension inserts no row, so a dump can be restored in any way.
SELECT pg_catalog.pg_extension_config_dump('user_metrics.privacy_policy', '');

-- What the administrator has decided for everybody: a table, because a setting can be displaced by the client's own.

CREATE TABLE user_metrics.privacy_policy (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    min_group_size integer NOT NULL DEFAULT 1 CHECK (min_group_size >= 1),
    max_state_memory_kb integer CHECK (max_state_memory_kb >= 64)
);
COMMENT ON TABLE user_metrics.privacy_policy IS
    'limits that no setting undoes, in one row; without a row there are none. Its owner writes it, and it holds from the next command on, in every session';
COMMENT ON COLUMN user_metrics.privacy_policy.only_row IS 'always true: there is at most one row';
COMMENT ON COLUMN user_metrics.privacy_policy.min_group_size IS
    'groups of fewer users come back with NULL figures; the larger of this and the setting user_metrics.min_group_size counts';
COMMENT ON COLUMN user_metrics.privacy_policy.max_state_memory_kb IS
    'the most memory in kB that states may hold in one process, NULL for no limit of its own; the smaller of this and the setting user_metrics.max_state_memory counts';
GRANT SELECT ON user_metrics.privacy_policy TO PUBLIC;
-- No row comes with the extension, so a dump is restored whatever way it is.
SELECT pg_catalog.pg_extension_config_dump('user_metrics.privacy_policy', '');

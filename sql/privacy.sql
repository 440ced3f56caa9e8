-- What the administrator has decided for everybody: a table, because a setting can be displaced by the client's own.

CREATE TABLE user_metrics.privacy_policy (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    min_group_size integer NOT NULL DEFAULT 1 CHECK (min_group_size >= 1),
    max_state_memory_kb integer CHECK (max_state_memory_kb >= 64)
);
COMMENT ON TABLE user_metrics.privacy_policy IS
    'one row: limits that no setting undoes. UPDATE it as its owner; it holds from the next command on, in every session';
COMMENT ON COLUMN user_metrics.privacy_policy.only_row IS 'always true: there is one row';
COMMENT ON COLUMN user_metrics.privacy_policy.min_group_size IS
    'groups of fewer users come back with NULL figures; the larger of this and the setting user_metrics.min_group_size counts';
COMMENT ON COLUMN user_metrics.privacy_policy.max_state_memory_kb IS
    'the most memory in kB that states may hold in one process, NULL for no limit of its own; the smaller of this and the setting user_metrics.max_state_memory counts';
INSERT INTO user_metrics.privacy_policy DEFAULT VALUES;
GRANT SELECT ON user_metrics.privacy_policy TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('user_metrics.privacy_policy', '');

-- A row that is inserted takes the place of the one that is there: what a dump restores replaces what came with the
-- extension.
CREATE FUNCTION user_metrics_internal.replace_policy() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM user_metrics.privacy_policy;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.replace_policy() IS 'the trigger that keeps privacy_policy at one row';
CREATE TRIGGER replace_policy BEFORE INSERT ON user_metrics.privacy_policy
FOR EACH ROW EXECUTE FUNCTION user_metrics_internal.replace_policy();

-- The source layer: the caller's log, and the excluded users.

ALTER FUNCTION user_metrics.source_query SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.day_start SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.attach_statements SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.relation SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.describe_query SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.is_excluded SET SCHEMA user_metrics_internal;

CREATE TABLE user_metrics.anonymous_user (
    user_id text PRIMARY KEY
);
COMMENT ON TABLE user_metrics.anonymous_user IS
    'user ids that stand for unidentified users, such as the default of a gateway; their requests are excluded from all counts. May be edited freely';
COMMENT ON COLUMN user_metrics.anonymous_user.user_id IS 'user id as text, compared byte by byte';
INSERT INTO user_metrics.anonymous_user (user_id) VALUES ('anonymous'), ('default_user_id');

CREATE TABLE user_metrics.opt_out (
    user_id text PRIMARY KEY,
    opted_out_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE user_metrics.opt_out IS
    'users who have opted out; they are excluded from all analyses. Maintained by opt_out() and opt_in()';
COMMENT ON COLUMN user_metrics.opt_out.user_id IS 'user id as text, whatever its type in the log';
COMMENT ON COLUMN user_metrics.opt_out.opted_out_at IS 'time of the opt-out';

-- Not readable by PUBLIC: functions read both tables without the caller's privileges (src/own_table.rs).
-- Rows added by users belong in their dumps; the two ids above come with the extension, also when a dump is restored. Those
-- of them that have been deleted are dumped as rows of a second table, into which a restore copies them; a trigger then
-- deletes them again.
CREATE TABLE user_metrics_internal.initial_anonymous_user (
    user_id text PRIMARY KEY
);
COMMENT ON TABLE user_metrics_internal.initial_anonymous_user IS
    'ids that anonymous_user has when the extension is created; a dump contains those that have been deleted since';
INSERT INTO user_metrics_internal.initial_anonymous_user (user_id) SELECT a.user_id FROM user_metrics.anonymous_user AS a;

CREATE FUNCTION user_metrics_internal.restore_deletion() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM user_metrics.anonymous_user AS a WHERE a.user_id = NEW.user_id;
    -- The row itself is there already.
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.restore_deletion() IS 'delete an id from anonymous_user, as it was when the dump was made';
CREATE TRIGGER restore_deletion BEFORE INSERT ON user_metrics_internal.initial_anonymous_user
    FOR EACH ROW EXECUTE FUNCTION user_metrics_internal.restore_deletion();

SELECT pg_catalog.pg_extension_config_dump(
    'user_metrics.anonymous_user',
    'WHERE user_id NOT IN (SELECT i.user_id FROM user_metrics_internal.initial_anonymous_user AS i)'
);
SELECT pg_catalog.pg_extension_config_dump(
    'user_metrics_internal.initial_anonymous_user',
    'WHERE user_id NOT IN (SELECT a.user_id FROM user_metrics.anonymous_user AS a)'
);
SELECT pg_catalog.pg_extension_config_dump('user_metrics.opt_out', '');

CREATE FUNCTION user_metrics.opt_out(user_id text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO user_metrics.opt_out (user_id) VALUES ($1) ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION user_metrics.opt_out(text) IS 'exclude a user from all analyses from now on';
REVOKE ALL ON FUNCTION user_metrics.opt_out(text) FROM PUBLIC;

CREATE FUNCTION user_metrics.opt_in(user_id text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM user_metrics.opt_out AS o WHERE o.user_id = $1
$$;
COMMENT ON FUNCTION user_metrics.opt_in(text) IS 'include a user again who had opted out';
REVOKE ALL ON FUNCTION user_metrics.opt_in(text) FROM PUBLIC;

COMMENT ON FUNCTION user_metrics_internal.relation(regclass) IS 'description of a relation for the source layer; locks the relation as SELECT does';

-- Two values of one type, or an error at parsing. Never called: it is used after `true OR`.
CREATE FUNCTION user_metrics_internal.are_of_one_type(anyelement, anyelement) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS 'SELECT true';
COMMENT ON FUNCTION user_metrics_internal.are_of_one_type(anyelement, anyelement) IS
    'check that a column still has the expected type: a query that calls it with another type is rejected at parse time';

-- What the queries over a log need of core, once a row: see src/told.rs.
CREATE FUNCTION user_metrics_internal.told(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'told';
COMMENT ON FUNCTION user_metrics_internal.told(text) IS 'a text, NULL if it is blank or a placeholder such as undefined';
CREATE FUNCTION user_metrics_internal.number(value text) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'number_told';
COMMENT ON FUNCTION user_metrics_internal.number(text) IS 'the number that a text is, NULL for any other text';
CREATE FUNCTION user_metrics_internal.answered(status bigint, error text) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'answered_by_code';
COMMENT ON FUNCTION user_metrics_internal.answered(bigint, text) IS
    'whether a request was answered, by its status code and its error; NULL if they do not tell';
CREATE FUNCTION user_metrics_internal.answered(status text, error text) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'answered_by_status';
COMMENT ON FUNCTION user_metrics_internal.answered(text, text) IS
    'whether a request was answered, by the code or word of its status and its error; NULL if they do not tell';
CREATE FUNCTION user_metrics_internal.answered(error text) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'answered_by_error';
COMMENT ON FUNCTION user_metrics_internal.answered(text) IS
    'whether a request was answered, by its error alone; NULL if the user did not wait for the answer';

-- Without SET search_path: the view's expressions mean what they would mean if the caller had typed them.
CREATE FUNCTION user_metrics.attach(
    source regclass, name text DEFAULT NULL, columns jsonb DEFAULT NULL, preset text DEFAULT NULL
) RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    view_name pg_catalog.text;
    is_too_long pg_catalog.bool;
    statement pg_catalog.text;
BEGIN
    IF name IS NULL THEN
        -- A long name is shortened, as PostgreSQL shortens those of indexes: as a name, "_requests" and the table's name
        -- together are cut to the bytes that a name can have, and never within a character.
        SELECT pg_catalog.format('%I.%I', n.nspname, pg_catalog.substr(
            (('_requests' OPERATOR(pg_catalog.||) c.relname)::pg_catalog.name)::pg_catalog.text, 10
        ) OPERATOR(pg_catalog.||) '_requests')
        INTO view_name
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.oid OPERATOR(pg_catalog.=) source;
    ELSE
        SELECT pg_catalog.string_agg(pg_catalog.quote_ident(part), '.' ORDER BY place),
            pg_catalog.bool_or(part::pg_catalog.name::pg_catalog.text OPERATOR(pg_catalog.<>) part)
        INTO view_name, is_too_long
        FROM pg_catalog.unnest(pg_catalog.parse_ident(name)) WITH ORDINALITY AS parts(part, place);
        -- PostgreSQL would cut it, and perhaps to the name of another relation.
        IF is_too_long THEN
            RAISE EXCEPTION 'attach: argument "name" cannot be "%"', name USING ERRCODE := 'name_too_long',
                HINT := pg_catalog.format(
                    'Give a name of at most %s bytes.', pg_catalog.current_setting('max_identifier_length')
                );
        END IF;
    END IF;
    FOREACH statement IN ARRAY user_metrics_internal.attach_statements(
        user_metrics_internal.relation(source), view_name, columns::pg_catalog.text, preset
    ) LOOP
        EXECUTE statement;
    END LOOP;
    RETURN view_name::pg_catalog.regclass;
END
$$;
COMMENT ON FUNCTION user_metrics.attach(regclass, text, jsonb, text) IS
    'create a view of a log with canonical columns and return it; columns maps canonical names to SQL expressions over the log, the others are recognised by name or by the software that wrote the log';

CREATE FUNCTION user_metrics.describe_source(source regclass) RETURNS TABLE (
    column_name text, source_column text, data_type text, requests bigint, missing_requests bigint,
    left_out_requests bigint, remark text, needed_by text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE user_metrics_internal.describe_query(user_metrics_internal.relation(source));
END
$$;
COMMENT ON FUNCTION user_metrics.describe_source(regclass) IS
    'canonical columns of a log: source column, number of requests without a value, number of requests left out because of it and why, and functions that need the column; reads the whole log';

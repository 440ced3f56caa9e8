"""The functions of the extension from the catalog, and a valid call of each, to be made invalid."""

from dataclasses import dataclass

# A small log with every canonical column, and a value of each stored type built from it.
LOG = """
CREATE TABLE log AS
SELECT 'u' || i % 7 AS user_id, timestamptz '2024-03-01 10:00Z' + i * interval '7 hours' AS created_at,
    'r' || i AS request_id, 's' || i / 3 AS session_id, 'm' || i % 3 AS model, 'p' || i % 2 AS provider,
    (ARRAY['chat', 'code', 'image'])[1 + i % 3] AS feature, 10 * i AS prompt_tokens, i AS completion_tokens,
    i * 0.01 AS cost_usd, i * 0.1 AS revenue_usd, 100.0 * (i % 9) AS latency_ms, i % 4 <> 0 AS succeeded,
    i % 5 AS rating, 'hello ' || i AS prompt,
    jsonb_build_object('UserTier', CASE WHEN i % 2 = 0 THEN 'free' ELSE 'pro' END, 'Source', 'ads') AS properties,
    CASE WHEN i % 7 < 3 THEN 'a' ELSE 'b' END AS variant
FROM generate_series(1, 300) AS i;
CREATE TABLE made AS
SELECT user_metrics.activity(user_id, created_at) AS activity,
    user_metrics.sessions(user_id, created_at, session_id, latency_ms::float8, succeeded, NULL, NULL) AS sessions,
    user_metrics.sessions(user_id, created_at, session_id, latency_ms::float8, succeeded, '0', '0') AS busy,
    user_metrics.funnel(user_id, created_at, ARRAY[feature = 'chat', feature = 'code'], interval '7 days') AS funnel,
    user_metrics.survival(latency_ms::float8, succeeded) AS survival,
    user_metrics.experiment(variant, latency_ms::float8) AS experiment_moments
FROM log;
SELECT user_metrics.define_experiment('e', '["a", "b"]'::jsonb)
"""

# Values for arguments without default: by function and argument, by argument and type, or by argument. An argument of a
# public function that has neither a default nor a line here is an error.
GIVEN = {
    "logrank.durations": "SELECT ARRAY[m.survival, m.survival] FROM made AS m",
    "session_time.busy": "SELECT m.busy FROM made AS m",
    "minimum_detectable_effect.users": "100",
    "experiment_variant.variants": "'{a,b}'",
    "experiment user_metrics.experiment": "SELECT e FROM user_metrics.experiment AS e WHERE e.name = 'e'",
    "user_id bigint": "7",
    "user_id uuid": "'00000000-0000-0000-0000-000000000007'",
    "user_id": "'u1'",
    "user_ids": "'{u1}'",
    "steps": """'[{"filter": {"feature": "chat"}}, {"filter": {"feature": "code"}}]'""",
    "milestones": """'[{"name": "code", "filter": {"feature": "code"}}]'""",
    "plans": """'{"free": {"monthly_request_limit": 5}}'""",
    "by": "'feature'",
    "feature": "'code'",
    "quantile": "0.5",
    "effect": "0.2",
    "users": """'{"a": 10, "b": 12}'""",
    "variants": """'["a", "b"]'""",
    "experiment": "'e'",
    "name": "'e'",
    "property": "'UserTier'",
    "period_start": "'2024-03-04'",
    "period_number": "1",
}
# Values given in spite of a default, because a call without them is an error.
ALSO = {
    "sample_size": {"baseline": "0.3"},
    "minimum_detectable_effect": {"baseline": "0.3"},
    "define_experiment": {"replace": "true"},
}


STORED = {f"user_metrics.{name}" for name in ("activity", "sessions", "funnel", "survival", "experiment_moments")}


@dataclass(frozen=True)
class Argument:
    """An argument as declared by CREATE FUNCTION."""

    name: str
    type: str
    has_default: bool


@dataclass(frozen=True)
class Function:
    """One form of a public function."""

    name: str
    identity: str
    returns_rows: bool
    volatile: bool
    arguments: tuple

    def takes(self, name):
        return any(argument.name == name for argument in self.arguments)

    @property
    def is_over_source(self):
        return self.arguments[:1] != () and self.arguments[0].name == "source" and self.arguments[0].type == "regclass"

    def call(self, given=None, source="log"):
        """A call in which `given`, SQL by argument name, replaces the valid values."""
        given = ALSO.get(self.name, {}) | (given or {})
        for argument in self.arguments:
            if argument.name in given or argument.has_default:
                continue
            given[argument.name] = f"'{source}'" if argument.name == "source" else self._right(argument)
        types = {argument.name: argument.type for argument in self.arguments}
        listed = ", ".join(f"{name} => ({value})::{types[name]}" for name, value in given.items())
        return f"user_metrics.{self.name}({listed})"

    def query(self, given=None, source="log"):
        call = self.call(given, source)
        return f"SELECT * FROM {call} AS r" if self.returns_rows else f"SELECT {call}"

    def _right(self, argument):
        if argument.type in STORED:
            stored = argument.type.removeprefix("user_metrics.")
            by_default = f"SELECT m.{stored} FROM made AS m"
        else:
            by_default = None
        for key in (f"{self.name}.{argument.name}", f"{argument.name} {argument.type}", argument.name):
            if key in GIVEN:
                return GIVEN[key]
        if by_default is None:
            raise KeyError(f"nothing to give for argument {argument.name} {argument.type} of {self.identity}")
        return by_default


def functions(session):
    """Every public function except aggregates and forms by name, ordered by identity."""
    rows = session.rows("""
        SELECT p.proname AS name, p.oid::pg_catalog.regprocedure::text AS identity, p.proretset AS returns_rows,
            p.provolatile = 'v' AS volatile,
            (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', p.proargnames[i],
                    'type', pg_catalog.format_type(p.proargtypes[i - 1], NULL),
                    'has_default', i > p.pronargs - p.pronargdefaults) ORDER BY i)
             FROM pg_catalog.generate_series(1, p.pronargs) AS i) AS arguments
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'user_metrics'::pg_catalog.regnamespace AND p.prokind = 'f'
            AND NOT (p.pronargs > 0 AND p.proargnames[1] = 'source' AND p.proargtypes[0] = 'text'::pg_catalog.regtype)
        ORDER BY p.oid::pg_catalog.regprocedure::text COLLATE "C" """)
    return [
        Function(row["name"], row["identity"], row["returns_rows"], row["volatile"],
                 tuple(Argument(**argument) for argument in row["arguments"] or ()))
        for row in rows
    ]

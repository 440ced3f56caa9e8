//! The query over a log for a table function.

use super::{Found, Metrics, Relation, Rules, literal};
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::function::{Function, Past, Reads, Role};
use crate::history::{Kind, Plan, PlannedColumn};

/// The parameters of the query.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The function.
    pub function: &'static Function,
    /// Its own arguments, in the order of the parameters from $5 on. They are followed by those for building the value: for
    /// sessions the gap, the idle time and from when rows are read.
    pub arguments: Vec<String>,
    /// Whether `since` is given.
    pub since: bool,
    /// Whether `since` lies within a local day, whose earlier part must not be counted.
    pub since_within_day: bool,
    /// Whether `until` is given.
    pub until: bool,
    /// Whether `as_of` is given.
    pub as_of: bool,
    /// The caller's `filter`, JSON.
    pub filter: Option<String>,
    /// The caller's `by`.
    pub by: Option<String>,
    /// The time zone, resolved.
    pub timezone: String,
    /// Whether that is the zone that the aggregate uses by default, which saves an argument per row.
    pub timezone_is_default: bool,
    /// Arguments that affect the query, by name, as text; see [`Role`]. NULL has no effect.
    pub asked: Vec<(String, String)>,
    /// The area in which the processes of the query exchange files, as the glue identifies it.
    pub area: Option<u32>,
}

impl Ask {
    /// The call of the function's form over a value.
    fn call(&self, value: &str, as_of: &str) -> String {
        let own = self.arguments.iter().zip(5..).map(|(name, n)| format!("{name} => ${n}, ")).collect::<String>();
        let name = self.function.name;
        format!("user_metrics.{name}({value}, {own}since => $1, until => $2, as_of => {as_of}) AS r")
    }

    /// For a function without any argument given.
    pub fn of(function: &'static Function) -> Result<Self> {
        if !function.reads.is_over_log() {
            return Err(Error::Corrupt { what: "a function that reads no log" });
        }
        Ok(Ask {
            function,
            arguments: Vec::new(),
            since: false,
            since_within_day: false,
            until: false,
            as_of: false,
            filter: None,
            by: None,
            timezone: String::new(),
            timezone_is_default: true,
            asked: Vec::new(),
            area: None,
        })
    }

    /// The role of an argument.
    fn role(&self, name: &str) -> Option<Role> {
        self.function.arguments.iter().find(|argument| argument.name == name).map(|argument| argument.role)
    }

    /// The given arguments of a role, with their values.
    fn with_role(&self, is: fn(Role) -> bool) -> impl Iterator<Item = (&'static str, &String)> {
        let asked = move |name: &str| self.asked.iter().find(|(asked, _)| asked == name).map(|(_, text)| text);
        let arguments = self.function.arguments.iter();
        arguments
            .filter(move |argument| is(argument.role))
            .filter_map(move |argument| asked(argument.name).map(|text| (argument.name, text)))
    }

    /// The metrics given: several, or one.
    fn metrics(&self) -> Result<Option<Metrics>> {
        let of = |is| self.with_role(is).next().map(|(_, text)| text);
        let several = of(|role| matches!(role, Role::Metrics)).map(|list| json::parse(list).unwrap_or_default());
        let names = several.or_else(|| of(|role| matches!(role, Role::Metric)).map(|name| vec![name.clone()]));
        names.map(|names| Metrics::parse(&names)).transpose()
    }

    /// The number of a parameter after the function's own.
    fn parameter(&self, further: usize) -> usize {
        5 + self.arguments.len() + further
    }

    /// The aggregate over the rows of a query `q`.
    fn aggregate(&self) -> String {
        match self.function.reads {
            Reads::Activity(_) => {
                let zone = match self.timezone_is_default {
                    true => String::new(),
                    false => format!(", {}", literal(&self.timezone)),
                };
                format!("user_metrics.activity(q.user_id, q.occurred_at{zone})")
            }
            Reads::Sessions => format!(
                "user_metrics.sessions(q.user_id, q.occurred_at, q.session_id, q.latency_ms, q.succeeded, ${}, ${})",
                self.parameter(0),
                self.parameter(1)
            ),
            // These are written with the query.
            Reads::Requests(_) | Reads::Value(_) | Reads::Nothing => String::new(),
        }
    }

    /// The further columns that the aggregate reads.
    fn columns(&self, relation: &Relation) -> Result<String> {
        match self.function.reads {
            Reads::Activity(_) | Reads::Requests(_) | Reads::Value(_) | Reads::Nothing => Ok(String::new()),
            Reads::Sessions => Ok(format!(
                ", {} AS session_id, {} AS latency_ms, {} AS succeeded",
                relation.text("session_id"),
                relation.number("latency_ms"),
                relation.answered().unwrap_or_else(|| "NULL::pg_catalog.bool".to_owned())
            )),
        }
    }
}

/// Removes excluded users from a value: once per value.
fn of_users(value: &str) -> String {
    format!("user_metrics.without_excluded_users({value})")
}

/// The query of rows of a relation that fulfil conditions.
fn selected(relation: &Relation, columns: &str, mut conditions: Vec<String>) -> String {
    let check = relation.check(&format!("{columns} {}", conditions.join(" ")));
    conditions.extend(check);
    format!("SELECT {columns} FROM {} WHERE {}", relation.name, conditions.join(" AND "))
}

/// What `until` limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Nothing, for it is not given.
    Nothing,
    /// The rows that are read.
    Rows,
    /// Only what later rows follow.
    Beginnings,
}

impl Ask {
    fn limited(&self) -> Until {
        match (self.until, self.function.follows()) {
            (false, _) => Until::Nothing,
            (true, false) => Until::Rows,
            (true, true) => Until::Beginnings,
        }
    }
}

/// The conditions on rows: no later than $3, before `until`, from the given parameter on, and the filter. If `until` is not
/// after `since`, no rows are read.
fn conditions(relation: &Relation, until: Until, from: Option<&str>, filter: Option<&str>) -> Result<Vec<String>> {
    let (instant, parameter) = relation.instant()?;
    let mut conditions = vec![format!("{instant} <= {}", parameter("$3"))];
    if until == Until::Rows {
        conditions.push(format!("{instant} < {}", parameter("$2")));
    }
    if until != Until::Nothing {
        conditions.push("($1 < $2) IS NOT FALSE".to_owned());
    }
    if let Some(from) = from {
        conditions.push(format!("{instant} >= {}", parameter(from)));
    }
    conditions.extend(relation.predicates("filter", filter)?);
    Ok(conditions)
}

/// The rows of a query: users and instants, with the columns that its value reads and those of `more`.
fn requests(relation: &Relation, ask: &Ask, more: &str) -> Result<String> {
    let (user, (instant, parameter)) = (relation.user()? + relation.user_collation(), relation.instant()?);
    let reach = format!("${}", ask.parameter(2));
    let from = match ask.function.reads.past() {
        Past::Nothing if ask.since => Some("$1"),
        Past::Lookback if ask.since => Some(reach.as_str()),
        _ => None,
    };
    let conditions = conditions(relation, ask.limited(), from, ask.filter.as_deref())?;
    // Rows before `since` are earlier history, also on its local day: values have days, so those hours count as the previous
    // day.
    let shown = if ask.since_within_day {
        let day = parameter(&format!("(SELECT user_metrics_internal.day_start($1, {}))", literal(&ask.timezone)));
        let since = parameter("$1");
        format!(
            "CASE WHEN {instant} >= {day} AND {instant} < {since} THEN {day} - interval '1 microsecond' ELSE {instant} END"
        )
    } else {
        instant
    };
    let columns = format!("{user} AS user_id, {shown} AS occurred_at{}{more}", ask.columns(relation)?);
    Ok(selected(relation, &columns, conditions))
}

/// The end of observation if the rows read do not determine it: that of the log, not of the rows that pass a filter.
fn end_of_log(relation: &Relation, ask: &Ask) -> Result<Option<String>> {
    if ask.as_of || ask.limited() == Until::Rows || !(ask.filter.is_some() || ask.since_within_day) {
        return Ok(None);
    }
    last_request_query(relation).map(Some)
}

/// The query over a log for a table function.
pub fn source_query(relation: &Relation, ask: &Ask) -> Result<String> {
    if matches!(ask.function.reads, Reads::Requests(_)) {
        return fold_query(relation, ask);
    }
    let end = end_of_log(relation, ask)?;
    let value = ask.aggregate();
    match &ask.by {
        None => {
            let rows = requests(relation, ask, "")?;
            let first = if ask.function.segmented { "NULL::pg_catalog.text, " } else { "" };
            let end = end.as_deref().unwrap_or("$4");
            let users = format!(
                "user_metrics_internal.of_users(v.value, {}, {})",
                literal(ask.function.name),
                literal(&relation.shown)
            );
            // Not a scalar subquery, whose result would be copied before it is read.
            Ok(format!(
                "SELECT {first}r.* FROM (SELECT {value} AS value FROM ({rows}) AS q) AS v CROSS JOIN LATERAL {}",
                ask.call(&users, end)
            ))
        }
        Some(by) => {
            let segment = relation.named(&format!(" by {by}"), by)?.expression;
            let segment = format!("user_metrics_internal.told(({segment})::pg_catalog.text)");
            let rows = requests(relation, ask, &format!(", {segment} COLLATE \"C\" AS segment"))?;
            Ok(format!(
                "WITH segments AS MATERIALIZED (SELECT q.segment, {} AS value \
                 FROM ({rows}) AS q GROUP BY q.segment ORDER BY q.segment) \
                 SELECT s.segment, r.* FROM segments AS s CROSS JOIN LATERAL {} WHERE user_metrics_internal.has_users(s.value)",
                of_users(&value),
                ask.call("s.value", end.as_deref().unwrap_or(&end_of_values(ask, "segments")))
            ))
        }
    }
}

/// The values of several columns or properties as one text, which is NULL if all of them are; `None` for an empty list.
fn together(relation: &Relation, purpose: &str, names: &[String]) -> Result<Option<Found>> {
    let found = names.iter().map(|name| relation.named(&format!(" of {purpose}"), name)).collect::<Result<Vec<_>>>()?;
    if found.len() < 2 {
        return Ok(found.into_iter().next());
    }
    let texts =
        found.iter().map(|found| format!("user_metrics_internal.told(({})::pg_catalog.text)", found.expression));
    let texts = texts.collect::<Vec<_>>().join(", "); // few: columns of an argument
    Ok(Some(Found {
        expression: format!(
            "CASE WHEN COALESCE({texts}) IS NOT NULL THEN pg_catalog.jsonb_build_array({texts})::pg_catalog.text END"
        ),
        base: "text".to_owned(),
        source: String::new(),
        shown: "text".to_owned(),
        property: None,
    }))
}

/// The query of a fold, with one row: the history of the requests' columns in the log's types, and the end of observation.
pub fn fold_query(relation: &Relation, ask: &Ask) -> Result<String> {
    relation.must_have_rows()?;
    let Reads::Requests(requests) = ask.function.reads else {
        return Err(Error::Corrupt { what: "a function that folds no requests" });
    };
    let mut columns = Vec::new();
    let mut expressions = Vec::new();
    let mut add = |name: &str, expression: String, kind: Kind, key: Option<String>| {
        columns.push(PlannedColumn { name: name.to_owned(), kind, key });
        expressions.push(expression);
    };
    let rules =
        ask.with_role(|role| matches!(role, Role::Rules)).next().map(|(_, rules)| Rules::parse(rules)).transpose()?;
    let metrics = ask.metrics()?;
    let of_rules = rules.as_ref().map_or((&[][..], &[][..]), |rules| (&rules.needed, &rules.wanted));
    let of_metrics = metrics.as_ref().map_or((&[][..], &[][..]), |metrics| (&metrics.needed, &metrics.wanted));
    let needed = of_rules.0.iter().chain(of_metrics.0);
    let wanted = of_rules.1.iter().chain(of_metrics.1);
    let needs = ask.with_role(|role| matches!(role, Role::Needs(_))).filter_map(|(name, _)| match ask.role(name) {
        Some(Role::Needs(column)) => Some(column),
        _ => None,
    });
    let needed = requests.needed.iter().chain(needed).copied().chain(needs).map(|name| (name, true));
    let mut wanted_by_arguments = Vec::new(); // few: columns
    for (name, text) in ask.with_role(|role| matches!(role, Role::Wants(..))) {
        let Some(Role::Wants(_, columns)) = ask.role(name) else { continue };
        wanted_by_arguments.extend(columns(text)?);
    }
    let wanted = wanted.chain(&wanted_by_arguments);
    let mut read: Vec<&str> = Vec::new();
    for (name, is_needed) in needed.chain(requests.columns.iter().chain(wanted).map(|name| (*name, false))) {
        if read.contains(&name) {
            continue;
        }
        read.push(name);
        match relation.history_column(name, is_needed)? {
            Some((expression, kind)) => add(name, expression, kind, None),
            None if is_needed => return Err(relation.lacks("", name, name)),
            None => {}
        }
    }
    let mut add_text = |name: &str, found: Found| match found.property {
        Some((object, key)) => add(name, object, Kind::Text, Some(key)),
        None if found.base == "text" => add(name, found.expression, Kind::Text, None),
        None => add(name, format!("({})::pg_catalog.text", found.expression), Kind::Text, None),
    };
    let by = ask.by.iter().map(|by| ("segment", by));
    for (name, column) in by.chain(ask.with_role(|role| matches!(role, Role::Column | Role::ColumnFor(_)))) {
        add_text(name, relation.named(&format!(" by {column}"), column)?);
    }
    for (name, list) in ask.with_role(|role| matches!(role, Role::Columns)) {
        if let Some(found) = together(relation, name, &json::parse::<Vec<String>>(list).unwrap_or_default())? {
            add_text(name, found);
        }
    }
    for (name, experiment) in ask.with_role(|role| matches!(role, Role::Experiment)) {
        add_text(name, assigned_variant(relation, ask.function.name, experiment)?);
    }
    for (name, column) in ask.with_role(|role| matches!(role, Role::ColumnOr(_))) {
        add_text(name, relation.named(&format!(" of {column}"), column)?);
    }
    for (name, property) in ask.with_role(|role| matches!(role, Role::Property)) {
        add_text(name, relation.property(property)?);
    }
    for name in rules.iter().flat_map(|rules| &rules.properties) {
        add_text(&Rules::property(name), relation.property(name)?);
    }
    for (name, variant) in ask.with_role(|role| matches!(role, Role::Variant)) {
        let found = match variant.strip_prefix(EXPERIMENT) {
            Some(experiment) => assigned_variant(relation, ask.function.name, experiment)?,
            None => relation.named(&format!(" of {variant}"), variant)?,
        };
        add_text(name, found);
    }
    for name in metrics.iter().flat_map(|metrics| &metrics.numbers) {
        add(&Metrics::number(name), relation.named_number(name)?, Kind::Number, None);
    }
    let mut add_flag = |name: &str, argument: &'static str, filter: &str| -> Result<()> {
        add(name, format!("({})", condition(relation, argument, filter)?), Kind::Flag, None);
        Ok(())
    };
    for (name, filter) in ask.with_role(|role| matches!(role, Role::Condition)) {
        add_flag(name, name, filter)?;
    }
    for (name, text) in ask.with_role(|role| matches!(role, Role::Conditions(_))) {
        let Some(Role::Conditions(conditions)) = ask.role(name) else { continue };
        for (n, filter) in conditions(text)?.iter().enumerate() {
            add_flag(&Role::numbered(name, n), name, filter)?;
        }
    }
    for (name, text) in ask.with_role(|role| matches!(role, Role::AnyOf(_))) {
        let Some(Role::AnyOf(conditions)) = ask.role(name) else { continue };
        let any =
            conditions(text)?.iter().map(|filter| condition(relation, name, filter)).collect::<Result<Vec<_>>>()?;
        if !any.is_empty() {
            add(name, format!("({})", any.join(" OR ")), Kind::Flag, None);
        }
    }
    let signups = ask.with_role(|role| matches!(role, Role::Signups)).next();
    let signups = signups.map(|(name, other)| Relation::parse(other).map(|other| (name, other))).transpose()?;
    if let Some((name, _)) = &signups {
        add(name, "false".to_owned(), Kind::Flag, None);
    }
    let reaches_back = ask.with_role(|role| matches!(role, Role::Before)).next().is_some();
    // A variant that an experiment assigns is carried by every request, so that there is no first exposure to be looked for.
    let is_assigned = ask.with_role(|role| matches!(role, Role::Variant)).any(|(_, variant)| is_assigned(variant));
    let from = match requests.past {
        Past::Nothing if ask.since && !reaches_back => Some("$1"),
        Past::All if ask.since && !reaches_back && is_assigned => Some("$1"),
        Past::Lookback if ask.since => Some("$5"),
        _ => None,
    };
    let mut conditions = conditions(relation, ask.limited(), from, ask.filter.as_deref())?;
    let of_everyone = ask.with_role(|role| matches!(role, Role::Everyone)).any(|(_, everyone)| everyone == "true");
    let of_user = ask.with_role(|role| matches!(role, Role::User)).next().filter(|_| !of_everyone);
    if let Some((_, id)) = of_user {
        conditions.push(relation.is_user(id)?);
    }
    let end = match of_user {
        // If only one user's requests are read, the end of the log is not looked up.
        Some(_) => Some("COALESCE($4, $2, pg_catalog.statement_timestamp())".to_owned()),
        // If signups are read as well, the rows do not determine it.
        None if signups.is_some() && !ask.as_of && !ask.until => {
            Some(format!("COALESCE({}, $3)", last_request_query(relation)?))
        }
        None => end_of_log(relation, ask)?,
    };
    let end = end.unwrap_or("$4".to_owned());
    let plan = literal(&Plan { columns, names: requests.names, area: ask.area }.to_json());
    let (named, given): (String, String) =
        (1..).zip(&expressions).map(|(n, expression)| (format!(", {expression} AS c{n}"), format!(", q.c{n}"))).unzip();
    let rows = match &signups {
        None => {
            let (user, (instant, _)) = (relation.history_user()?, relation.instant()?);
            selected(relation, &format!("{user} AS user_id, {instant} AS occurred_at{named}"), conditions)
        }
        Some((_, signups)) => with_signups(relation, signups, (&named, expressions.len()), conditions)?,
    };
    // The history is handed over within the process of the call, so it must be finished there: pg_backend_pid() is restricted
    // to the leader, and keeps force_parallel_mode from moving the whole query to a worker.
    Ok(format!(
        "SELECT h.is_made, h.ends_at, pg_catalog.pg_backend_pid() FROM (\
         SELECT user_metrics_internal.history({plan}, q.user_id, q.occurred_at{given}) AS is_made, {end} AS ends_at \
         FROM ({rows}) AS q) AS h"
    ))
}

/// The requests of a log, with a flag of signups as last column, followed by the rows of a relation of signups, which have
/// no other columns.
fn with_signups(
    relation: &Relation,
    signups: &Relation,
    (named, columns): (&str, usize),
    requests: Vec<String>,
) -> Result<String> {
    let [(user, is_user), (signed_up, has_signed_up)] = relation.users_of_both(signups)?;
    let requests = requests.into_iter().chain(is_user).collect(); // few: conditions
    let others = conditions(signups, Until::Nothing, None, None)?.into_iter().chain(has_signed_up).collect(); // few: conditions
    let nothing = "NULL, ".repeat(columns.saturating_sub(1));
    Ok(format!(
        "{} UNION ALL {}",
        selected(relation, &format!("{user} AS user_id, {} AS occurred_at{named}", relation.occurred_at()?), requests),
        selected(signups, &format!("{signed_up}, {}, {nothing}true", signups.occurred_at()?), others)
    ))
}

/// A filter as one expression.
pub(super) fn condition(relation: &Relation, argument: &'static str, filter: &str) -> Result<String> {
    let predicates = relation.predicates(argument, Some(filter))?;
    Ok(if predicates.is_empty() { "true".to_owned() } else { predicates.join(" AND ") })
}

/// The prefix of an experiment defined in the table `user_metrics.experiment`.
const EXPERIMENT: &str = "experiment:";

/// Whether a variant is not read from the log, but assigned by a defined experiment.
pub fn is_assigned(variant: &str) -> bool {
    variant.starts_with(EXPERIMENT)
}

/// The variant that a defined experiment assigns to the user of a request.
fn assigned_variant(relation: &Relation, function: &str, experiment: &str) -> Result<Found> {
    let (user, function, experiment) = (relation.user()?, literal(function), literal(experiment));
    let defined = format!("(SELECT user_metrics_internal.defined_experiment({function}, {experiment}))");
    Ok(Found {
        expression: format!("user_metrics.experiment_variant({user}{}, {defined})", relation.user_collation()),
        base: "text".to_owned(),
        source: String::new(),
        shown: "text".to_owned(),
        property: None,
    })
}

/// The instant of the last request of a log, of any user and regardless of the filter, no later than $3: a scalar subquery.
fn last_request_query(relation: &Relation) -> Result<String> {
    let (instant, parameter) = relation.instant()?;
    let last =
        selected(relation, &format!("pg_catalog.max({instant})"), vec![format!("{instant} <= {}", parameter("$3"))]);
    let last = format!("({last})");
    Ok(match relation.occurred_at()? == instant {
        true => last,
        false => format!("pg_catalog.timezone('UTC', {last})"),
    })
}

/// The end of observation of several values together, which also applies to a value whose own requests ended earlier.
fn end_of_values(ask: &Ask, values: &str) -> String {
    if ask.as_of || ask.until {
        return "$4".to_owned();
    }
    format!("(SELECT pg_catalog.max(user_metrics_internal.last_request(s.value)) FROM {values} AS s)")
}

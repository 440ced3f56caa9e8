//! The SQL of a declared function: its forms over a value, over a log, and over a log by name, with their comments.

use super::{Argument, Column, Function, NO_DEFAULT, Past, REQUIRED, Reads, Role, Type};
use crate::source::literal;

/// An argument of a form: name, type, default, what it says.
pub(super) type Listed = (String, String, Option<String>, String);

fn own(arguments: &[Argument]) -> Vec<Listed> {
    let listed = |argument: &Argument| {
        let (name, kind, about) = (argument.name.to_owned(), argument.kind.sql().to_owned(), argument.about.to_owned());
        (name, kind, Some(argument.default.to_owned()).filter(|default| default != REQUIRED), about)
    };
    arguments.iter().map(listed).collect()
}

fn standard(name: &str, kind: &str, about: &str) -> Listed {
    (name.to_owned(), kind.to_owned(), Some("NULL".to_owned()), about.to_owned())
}

fn since(function: &Function) -> Listed {
    let about = match function.reads {
        Reads::Activity(Past::All) => {
            "the first instant shown; what lies before still tells who is new and who came before"
        }
        _ => "the first instant shown",
    };
    standard("since", "timestamptz", about)
}

fn until() -> Listed {
    standard("until", "timestamptz", "the first instant not read")
}

fn as_of() -> Listed {
    standard("as_of", "timestamptz", "where observation ends; by default at until, or else with the last request")
}

fn filter() -> Listed {
    standard("filter", "jsonb", "only requests with these values of columns or properties")
}

fn by() -> Listed {
    standard("by", "text", "a column or property: one result for each of its values, in the column segment")
}

fn timezone() -> Listed {
    standard("timezone", "text", "the time zone of local days; by default the setting user_metrics.timezone")
}

/// The arguments of the form over a value.
fn over_value(function: &Function) -> Vec<Listed> {
    let value = |(name, about): &(&str, &str)| {
        ((*name).to_owned(), format!("user_metrics.{}", function.reads.value()), None, (*about).to_owned())
    };
    if !function.reads.is_stored() {
        let history = ("history".to_owned(), "bigint".to_owned(), None, "the requests to read".to_owned());
        let by = ("by".to_owned(), "boolean".to_owned(), Some("false".to_owned()), String::new());
        let left_out = standard("left_out", "text[]", "users who may not be counted");
        let area = standard("area", "bigint", "where the query's files lie");
        let listed = [vec![since(function), until(), timezone(), as_of()], vec![by, left_out, area]].concat();
        return [vec![history], own(function.arguments), listed].concat();
    }
    let values = function.reads.values().iter().map(value).collect();
    let zone = if function.zoned { vec![timezone()] } else { Vec::new() };
    [values, own(function.arguments), vec![since(function), until()], zone, vec![as_of()]].concat()
}

/// The arguments of a form over a log, which is given as a `regclass` or by name.
pub(super) fn over_source(function: &Function, kind: &str) -> Vec<Listed> {
    let source = ("source".to_owned(), kind.to_owned(), None, "the log: a table, view or foreign table".to_owned());
    let own = [own(function.arguments), own(function.reads.making())].concat();
    let by = if function.segmented { vec![by()] } else { Vec::new() };
    // The value of a log may know days, whether its functions do or not.
    let zone = if function.zoned || function.reads.is_stored() { vec![timezone()] } else { Vec::new() };
    [vec![source], own, vec![since(function), until(), filter()], by, zone, vec![as_of()]].concat()
}

pub(super) fn columns(function: &Function, over_source: bool) -> Vec<(&'static str, Type, &'static str)> {
    let segment = ("segment", Type::Text, "the value of the column or property of by; NULL without by");
    let own = function.columns.iter().map(|column| (column.name, column.kind, column.about));
    (over_source && function.segmented).then_some(segment).into_iter().chain(own).collect()
}

/// The schema of the form over a log.
fn schema(function: &Function) -> &'static str {
    if function.serves.is_some() { "user_metrics_internal" } else { "user_metrics" }
}

/// Items separated by commas, in lines of at most 120 characters.
fn listed(items: impl IntoIterator<Item = String>) -> String {
    let mut lines = vec!["   ".to_owned()];
    for item in items {
        let last = lines.last_mut().map(|line| (line.len(), line));
        if let Some((length, line)) = last {
            if length > 3 {
                line.push(',');
            }
            if length > 3 && length + item.len() + 3 > 120 {
                lines.push(format!("    {item}"));
            } else {
                line.push_str(&format!(" {item}"));
            }
        }
    }
    lines.join("\n")
}

/// The function behind a fold, which nobody calls but the query over a log.
fn behind_fold(function: &Function, arguments: &[Listed]) -> String {
    let types = arguments.iter().map(|(_, kind, ..)| kind.as_str()).collect::<Vec<_>>().join(", ");
    let (name, public) = (function.fold_name(), function.name);
    let columns = function.given().map(|column| (column.name, column.kind));
    format!(
        "CREATE FUNCTION user_metrics_internal.{name}(\n{}\n) RETURNS {}\n\
         LANGUAGE c STABLE PARALLEL RESTRICTED{}\nAS 'MODULE_PATHNAME', '{}';\n\
         COMMENT ON FUNCTION user_metrics_internal.{name}({types}) IS\n    'the fold behind {public}';\n",
        listed(arguments.iter().map(argument)),
        result(function, columns),
        rows(function),
        symbol(function)
    )
}

fn argument((name, kind, default, _): &Listed) -> String {
    match default {
        Some(default) => format!("{name} {kind} DEFAULT {default}"),
        None => format!("{name} {kind}"),
    }
}

/// What a function returns.
fn result(function: &Function, mut columns: impl Iterator<Item = (&'static str, Type)>) -> String {
    match columns.by_ref().next() {
        Some((_, kind)) if function.scalar => kind.sql().to_owned(),
        first => {
            let column = |(name, kind): (&str, Type)| format!("{name} {}", kind.sql());
            format!("TABLE (\n{}\n)", listed(first.into_iter().chain(columns).map(column)))
        }
    }
}

/// How many rows the planner expects.
fn rows(function: &Function) -> String {
    if function.scalar { String::new() } else { format!(" ROWS {}", function.rows) }
}

fn signature(function: &Function, arguments: &[Listed], over_source: bool) -> String {
    format!(
        "CREATE FUNCTION {}.{}(\n{}\n) RETURNS {}",
        schema(function),
        function.name,
        listed(arguments.iter().map(argument)),
        result(function, columns(function, over_source).into_iter().map(|(name, kind, _)| (name, kind)))
    )
}

fn comment(function: &Function, arguments: &[Listed], over_source: bool, by_name: bool) -> String {
    let types = arguments.iter().map(|(_, kind, ..)| kind.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = function.summary.to_owned();
    if by_name {
        text.push_str(&format!("; the log by name, as in {}('request_log')", function.name));
    } else {
        text.push_str("\n\nArguments:");
        for (name, _, default, about) in arguments {
            let default = default.as_deref().filter(|default| *default != "NULL");
            let default = default.map_or(String::new(), |default| format!(" (default {default})"));
            text.push_str(&format!("\n  {name}: {about}{default}"));
        }
        let columns = columns(function, over_source);
        text.push_str(if function.scalar { "\n\nResult:" } else { "\n\nColumns:" });
        for (name, _, about) in columns {
            let name = if function.scalar { String::new() } else { format!("{name}: ") };
            text.push_str(&format!("\n  {name}{about}"));
        }
    }
    format!("COMMENT ON FUNCTION {}.{}({types}) IS\n    {};\n", schema(function), function.name, literal(&text))
}

/// The name of the C function behind the form over a value.
pub fn symbol(function: &Function) -> String {
    format!("{}_of_{}", function.name, function.reads.value())
}

/// The statements that create a function in all its forms.
pub fn create(function: &Function) -> String {
    let name = function.name;
    let (value, source, by_name) =
        (over_value(function), over_source(function, "regclass"), over_source(function, "text"));
    let own = function.arguments.iter().map(|argument| argument.name).chain(function.zoned.then_some("timezone"));
    let own = own.collect::<Vec<_>>();
    // Nothing is read, but what is wrong is refused before the log is.
    let type_name = format!("user_metrics.{}", function.reads.value());
    let no_values = vec![format!("NULL::{type_name}"); function.reads.values().len()].join(", ");
    let named = own.iter().map(|name| format!(", {name} => {name}")).collect::<String>();
    let (schema, no_values) = match function.reads.is_stored() {
        true => ("user_metrics", no_values),
        false => ("user_metrics_internal", "NULL::bigint".to_owned()),
    };
    let behind = if function.reads.is_stored() { name.to_owned() } else { function.fold_name() };
    let mut check = match own.as_slice() {
        [] => String::new(),
        _ => format!("    PERFORM FROM {schema}.{behind}({no_values}{named});\n"),
    };
    // How the value is made, and from when on a log must be read for it.
    let mut making = String::new();
    if let Reads::Sessions { .. } = function.reads {
        let reach = format!("user_metrics_internal.session_reach('{name}', since, session_gap, max_idle)");
        check.push_str(&format!("    PERFORM {reach};\n"));
        making = format!(",\n        session_gap, max_idle, {reach}");
    }
    let by = if function.segmented { "by" } else { "NULL" };
    // The query over the log knows the time zone already.
    let own = if function.reads.is_stored() {
        own
    } else {
        function.arguments.iter().map(|argument| argument.name).collect()
    };
    let given = own.iter().map(|name| format!(", {name}")).collect::<String>();
    let array = match own.as_slice() {
        [] => "ARRAY[]::text[]".to_owned(),
        own => format!("ARRAY[{}]", own.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
    };
    let passed = by_name.iter().skip(1).map(|(name, ..)| format!(", {name}")).collect::<String>();
    // What the query over the log must know of the arguments.
    let asked = function.arguments.iter().filter(|argument| !matches!(argument.role, Role::Value));
    let asked = asked.map(|Argument { name, kind, role, default, .. }| {
        let text = match (*kind, *default) {
            (Type::Text, REQUIRED | NO_DEFAULT) => (*name).to_owned(),
            (Type::Text, default) => format!("COALESCE({name}, {default})"),
            _ => format!("{name}::text"),
        };
        match role {
            Role::ColumnFor(other) => format!("'{name}', CASE WHEN {other} IS NOT NULL THEN {text} END"),
            _ => format!("'{name}', {text}"),
        }
    });
    let asked = asked.collect::<Vec<_>>().join(", ");
    let asked = if asked.is_empty() { asked } else { format!(", asked => ARRAY[{asked}]") };
    let zone = if function.zoned || function.reads.is_stored() { "timezone" } else { "NULL" };
    let query = format!(
        "user_metrics_internal.source_query(\n        \
         '{name}', user_metrics_internal.relation(source), {array},\n        \
         since, until, as_of, filter::text, {by}, {zone}{asked}\n    \
         )"
    );
    let given = format!("since, until, LEAST(as_of, statement_timestamp()), as_of{given}{making}");
    let rows = rows(function);
    let body = match function.columns {
        [Column { kind, .. }] if function.scalar => format!(
            "DECLARE\n    result {};\nBEGIN\n{check}    EXECUTE {query} INTO result USING {given};\n    RETURN result;\nEND",
            kind.sql()
        ),
        _ => format!("BEGIN\n{check}    RETURN QUERY EXECUTE {query} USING {given};\nEND"),
    };
    let over_log = format!(
        "{}\nLANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000{rows} SET search_path = pg_catalog, pg_temp AS $$\n\
         {body}\n$$;\n{}",
        signature(function, &source, true),
        comment(function, &source, true, false),
    );
    if !function.reads.is_stored() {
        return format!("{}\n{over_log}", behind_fold(function, &value));
    }
    format!(
        "{}\nLANGUAGE c STABLE PARALLEL SAFE{rows}\nAS 'MODULE_PATHNAME', '{}';\n{}\n{over_log}\n\
         {}\nLANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000{rows} AS $$\n    \
         SELECT r.* FROM user_metrics.{name}(source::pg_catalog.regclass{passed}) AS r\n$$;\n{}",
        signature(function, &value, false),
        symbol(function),
        comment(function, &value, false, false),
        signature(function, &by_name, true),
        comment(function, &by_name, true, true),
    )
}

/// The script of all declared functions.
pub fn script() -> String {
    let head =
        "-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.\n";
    let functions = super::all().map(|function| format!("\n{}", create(function)));
    std::iter::once(head.to_owned()).chain(functions).collect()
}

/// The Rust of the glue: a C function for each declared function.
pub fn glue() -> String {
    let mut text = "//! A C function for each function and each aggregate that core declares. Made from the declarations; do not edit:\n\
                    //! `cargo run -p user_metrics_core --example generate`.\n#![allow(unsafe_code)]\n\n\
                    crate::readout::readout! {\n"
        .to_owned();
    for function in super::all() {
        let (symbol, path) = (symbol(function), function.path);
        text.push_str(&format!("    {symbol}, pg_finfo_{symbol}: {path};\n"));
    }
    text.push_str("}\n\ncrate::transition::transitions! {\n");
    for super::aggregate::Aggregate { name, module, .. } in super::aggregate::all() {
        text.push_str(&format!("    {name}_transition, pg_finfo_{name}_transition: {module};\n"));
    }
    text + "}\n"
}

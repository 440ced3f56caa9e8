//! The SQL of declared functions: forms over a value, over a log, and over a log by name, with their comments.

use super::{AGGREGATES, all, all_of_requests, of_requests};
use crate::activity::HOURS;
use crate::function::aggregate::Aggregate;
use crate::function::{Argument, Function, NO_DEFAULT, Past, REQUIRED, Reads, Type};
use crate::source::literal;

/// An argument of a form: name, type, default, description.
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
            "start of the reported range, inclusive; earlier requests are still read, to know which users are new"
        }
        _ => "start of the reported range, inclusive",
    };
    standard("since", "timestamptz", about)
}

fn until(function: &Function) -> Listed {
    let about = match function.follows() {
        true => "end of the range in which users enter, exclusive; what they do later is still read",
        false => "end of the range, exclusive; later requests are not read",
    };
    standard("until", "timestamptz", about)
}

fn as_of(function: &Function) -> Listed {
    let about = match function.follows() {
        true => "end of observation, which may lie after until; by default the time of the last request",
        false => "end of observation; by default until, or else the time of the last request",
    };
    standard("as_of", "timestamptz", about)
}

fn filter() -> Listed {
    standard("filter", "jsonb", "only requests with these values of columns or properties")
}

fn by() -> Listed {
    standard("by", "text", "column or property; one result for each of its values, given in segment")
}

fn timezone() -> Listed {
    standard("timezone", "text", "time zone of local days; by default the setting user_metrics.timezone")
}

/// The arguments of the form over a value.
pub(super) fn over_value(function: &Function) -> Vec<Listed> {
    let value = |(name, about): &(&str, &str)| {
        ((*name).to_owned(), format!("user_metrics.{}", function.reads.value()), None, (*about).to_owned())
    };
    let values = function.reads.values().iter().map(value).collect();
    let own = own(function.arguments);
    if !function.reads.has_instants() {
        return [values, own].concat();
    }
    let zone = if function.zoned { vec![timezone()] } else { Vec::new() };
    [values, own, vec![since(function), until(function)], zone, vec![as_of(function)]].concat()
}

/// The arguments of a form over a log, given as a `regclass` or by name.
pub(super) fn over_source(function: &Function, kind: &str) -> Vec<Listed> {
    let source = ("source".to_owned(), kind.to_owned(), None, "the log: a table, view or foreign table".to_owned());
    let arguments = of_requests(function).unwrap_or(function).arguments;
    let own = [own(arguments), own(function.reads.making())].concat();
    let by = if function.segmented { vec![by()] } else { Vec::new() };
    // The value of a log may contain days, whether its functions use them or not.
    let zone = if function.zoned || function.reads.is_stored() { vec![timezone()] } else { Vec::new() };
    [vec![source], own, vec![since(function), until(function), filter()], by, zone, vec![as_of(function)]].concat()
}

pub(super) fn columns(function: &Function, over_source: bool) -> Vec<(&'static str, Type, &'static str)> {
    let segment = ("segment", Type::Text, "value of the column or property named in by; NULL without by");
    let own = function.columns.iter().map(|column| (column.name, column.kind, column.about));
    (over_source && function.segmented).then_some(segment).into_iter().chain(own).collect()
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

/// The planner's estimate of rows.
fn rows(function: &Function) -> String {
    if function.scalar { String::new() } else { format!(" ROWS {}", function.rows) }
}

fn signature(function: &Function, arguments: &[Listed], over_source: bool) -> String {
    format!(
        "CREATE FUNCTION user_metrics.{}(\n{}\n) RETURNS {}",
        function.name,
        listed(arguments.iter().map(argument)),
        result(function, columns(function, over_source).into_iter().map(|(name, kind, _)| (name, kind)))
    )
}

fn comment(function: &Function, arguments: &[Listed], over_source: bool, by_name: bool) -> String {
    let types = arguments.iter().map(|(_, kind, ..)| kind.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = function.summary.to_owned();
    if by_name {
        text.push_str(&format!("; with the log given by name, as in {}('request_log')", function.name));
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
    format!("COMMENT ON FUNCTION user_metrics.{}({types}) IS\n    {};\n", function.name, literal(&text))
}

/// The name of the C function behind it: over a value, or over a log if it folds requests.
pub fn symbol(function: &Function) -> String {
    match function.reads.is_stored() {
        true => format!("{}_of_{}", function.name, function.reads.value()),
        false => format!("{}_over_log", function.name),
    }
}

/// Whether other functions of the same name also accept a literal. For a literal PostgreSQL prefers text to regclass and to
/// a value's type: hence the form over a log by name.
fn has_namesakes(function: &Function) -> bool {
    let other = |other: &&Function| other.name == function.name && other.path != function.path;
    all().any(|function| other(&function)) || AGGREGATES.iter().any(|aggregate| aggregate.name == function.name)
}

/// The statement that creates the form over a value.
fn create_over_value(function: &Function) -> String {
    let (value, rows) = (over_value(function), rows(function));
    format!(
        "{}\nLANGUAGE c STABLE PARALLEL SAFE{rows}\nAS 'MODULE_PATHNAME', '{}';\n{}",
        signature(function, &value, false),
        symbol(function),
        comment(function, &value, false, false),
    )
}

/// Whether an argument, as given, needs the requests of a log: a condition in PL/pgSQL.
fn needs_requests(argument: &Argument) -> String {
    let Argument { name, default, .. } = argument;
    match *name {
        // A value that is not accepted is rejected there.
        "by_value" => {
            format!(
                "by IS NOT NULL AND lower(COALESCE(by_value, {default})) <> 'each' OR lower(by_value) NOT IN ('each', 'first', 'last')"
            )
        }
        "clock" => format!("lower(clock) = {}", literal(HOURS)),
        _ if *default == NO_DEFAULT => format!("{name} IS NOT NULL"),
        _ => format!("{name} <> {default}"),
    }
}

/// The statement that creates the function for what a value cannot tell, and its call if the arguments need it.
fn create_of_requests(function: &Function, of_requests: &Function) -> (String, String) {
    let (name, source) = (function.name, over_source(function, "regclass"));
    let typed = source.iter().map(|(name, kind, ..)| format!("{name} {kind}"));
    let columns = columns(function, true).into_iter().map(|(name, kind, _)| (name, kind));
    let create = format!(
        "CREATE FUNCTION user_metrics_internal.{name}(\n{}\n) RETURNS {}\n\
         LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000{} SET search_path = pg_catalog, pg_temp\n\
         AS 'MODULE_PATHNAME', '{}';\n\n",
        listed(typed),
        result(function, columns),
        rows(function),
        symbol(of_requests)
    );
    let is_new = |argument: &&Argument| function.arguments.iter().all(|own| own.name != argument.name);
    let decides = of_requests.arguments.iter().filter(|argument| argument.name == "clock" || is_new(argument));
    let conditions = decides.map(needs_requests).collect::<Vec<_>>().join("\n        OR ");
    let given = source.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    let call = format!(
        "    IF {conditions} THEN\n        \
         RETURN QUERY SELECT r.* FROM user_metrics_internal.{name}(\n            {given}\n        ) AS r;\n        \
         RETURN;\n    END IF;\n"
    );
    (create, call)
}

/// The statements that create all forms of a function.
pub fn create(function: &Function) -> String {
    if !function.reads.is_over_log() {
        return create_over_value(function);
    }
    let source = over_source(function, "regclass");
    let (name, rows, by_name) = (function.name, rows(function), over_source(function, "text"));
    let passed = by_name.iter().skip(1).map(|(name, ..)| format!(", {name}")).collect::<String>();
    let of_name = format!(
        "{}\nLANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000{rows} AS $$\n    \
         SELECT r.* FROM user_metrics.{name}(source::pg_catalog.regclass{passed}) AS r\n$$;\n{}",
        signature(function, &by_name, true),
        comment(function, &by_name, true, true),
    );
    if !function.reads.is_stored() {
        let of_name = if has_namesakes(function) { format!("\n{of_name}") } else { String::new() };
        return format!(
            "{}\nLANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000{rows} SET search_path = pg_catalog, pg_temp\n\
             AS 'MODULE_PATHNAME', '{}';\n{}{of_name}",
            signature(function, &source, true),
            symbol(function),
            comment(function, &source, true, false),
        );
    }
    let own = function.arguments.iter().map(|argument| argument.name).chain(function.zoned.then_some("timezone"));
    let own = own.collect::<Vec<_>>();
    // No data are read yet; invalid arguments are rejected before the log is read.
    let type_name = format!("user_metrics.{}", function.reads.value());
    let no_values = vec![format!("NULL::{type_name}"); function.reads.values().len()].join(", ");
    let named = own.iter().map(|name| format!(", {name} => {name}")).collect::<String>();
    let mut check = match own.as_slice() {
        [] => String::new(),
        _ => format!("    PERFORM FROM user_metrics.{name}({no_values}{named});\n"),
    };
    let mut inner = String::new();
    if let Some(of_requests) = of_requests(function) {
        let call;
        (inner, call) = create_of_requests(function, of_requests);
        // It checks its arguments itself.
        check.insert_str(0, &call);
    }
    // The arguments that build the value, and from when on the log must be read for it.
    let mut making = String::new();
    if matches!(function.reads, Reads::Sessions) {
        let reach = format!("user_metrics_internal.session_reach('{name}', since, session_gap, max_idle)");
        check.push_str(&format!("    PERFORM {reach};\n"));
        making = format!(",\n        session_gap, max_idle, {reach}");
    }
    let by = if function.segmented { "by" } else { "NULL" };
    let given = own.iter().map(|name| format!(", {name}")).collect::<String>();
    let array = match own.as_slice() {
        [] => "ARRAY[]::text[]".to_owned(),
        own => format!("ARRAY[{}]", own.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
    };
    format!(
        "{}\n{inner}{}\nLANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000000{rows} SET search_path = pg_catalog, pg_temp AS $$\n\
         BEGIN\n{check}    RETURN QUERY EXECUTE user_metrics_internal.source_query(\n        \
         '{name}', user_metrics_internal.relation(source), {array},\n        \
         since, until, as_of, filter::text, {by}, timezone\n    \
         ) USING since, until, LEAST(as_of, statement_timestamp()), as_of{given}{making};\nEND\n$$;\n{}\n{of_name}",
        create_over_value(function),
        signature(function, &source, true),
        comment(function, &source, true, false),
    )
}

/// The script of all declared functions.
pub fn script() -> String {
    let head =
        "-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.\n";
    let functions = all().map(|function| format!("\n{}", create(function)));
    std::iter::once(head.to_owned()).chain(functions).collect()
}

/// The Rust of the glue: a C function for each declared function.
pub fn glue() -> String {
    let mut text = "//! A C function for each function and each aggregate that core declares. Made from the declarations; do not edit:\n\
                    //! `cargo run -p user_metrics_core --example generate`.\n#![allow(unsafe_code)]\n\n\
                    "
        .to_owned();
    for (macro_name, is_stored) in [("readout::readout", true), ("fold::folds", false)] {
        text.push_str(&format!("crate::{macro_name}! {{\n"));
        for function in all().chain(all_of_requests()).filter(|function| function.reads.is_stored() == is_stored) {
            let (symbol, path) = (symbol(function), function.path);
            text.push_str(&format!("    {symbol}, pg_finfo_{symbol}: {path};\n"));
        }
        text.push_str("}\n\n");
    }
    text.push_str("crate::transition::transitions! {\n");
    for Aggregate { name, module, .. } in AGGREGATES {
        text.push_str(&format!("    {name}_transition, pg_finfo_{name}_transition: {module};\n"));
    }
    text + "}\n"
}

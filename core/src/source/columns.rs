//! Canonical columns as SQL expressions of the types that functions read.

use super::canonical::{Holds, canonical_named};
use super::{Found, Relation, is_json, literal};
use crate::base::error::{Error, Result};
use crate::base::user_table::{UserKind, uuid_digits};
use crate::function::AS_TEXT;
use crate::history::Kind;

/// The text of a log without that column.
pub(super) const NO_TEXT: &str = "NULL::pg_catalog.text";

/// The form of a timestamptz parameter for comparison with a log's instants.
pub(super) type Parameter = fn(&str) -> String;

impl Found {
    /// The expression as a double, if it has a numeric type. A numeric may be outside the range of a double: values too
    /// large for any measure of a request are unknown, and digits beyond the 300th decimal place are ignored.
    fn double(&self) -> Option<String> {
        let x = &self.expression;
        match self.base.as_str() {
            "float8" => Some(x.clone()),
            "bool" => Some(format!("({x})::pg_catalog.int4::pg_catalog.float8")),
            "int2" | "int4" | "int8" | "float4" => Some(format!("({x})::pg_catalog.float8")),
            "numeric" if self.is_short() => Some(format!("({x})::pg_catalog.float8")),
            "numeric" => Some(format!(
                "(CASE WHEN {x} BETWEEN -{MOST} AND {MOST} THEN CASE WHEN pg_catalog.scale({x}) <= 300 THEN ({x})::pg_catalog.float8 \
                 ELSE pg_catalog.round({x}, 300)::pg_catalog.float8 END END)"
            )),
            _ => None,
        }
    }

    /// Whether it can be read as a number.
    pub(super) fn is_number(&self) -> bool {
        self.double().is_some()
    }

    /// Whether it is a numeric of so low a precision that all its values are within the range of a double.
    fn is_short(&self) -> bool {
        let digits = self.shown.strip_prefix("numeric(").and_then(|rest| rest.strip_suffix(')'));
        let mut digits = digits.into_iter().flat_map(|digits| digits.split(',')).map(str::parse::<u32>);
        digits.next().is_some_and(|precision| precision.is_ok_and(|precision| precision <= 100))
            && digits.all(|scale| scale.is_ok_and(|scale| scale <= 100))
    }
}

/// [`BEGINNING`](crate::base::calendar::BEGINNING) as SQL for any type of time.
pub(super) const BEGINNING: &str = "2000-01-01 00:00:00+00";
/// The last date that is also a timestamp.
pub(super) const LAST_DATE: &str = "294276-12-31";

/// Far larger than any measure of a request.
const MOST: &str = "1e100";

impl Relation {
    /// The user ids, in their own type or the nearest one that has keys.
    pub(super) fn user(&self) -> Result<String> {
        let found = self.required("user_id")?;
        let expression = &found.expression;
        match found.base.as_str() {
            "text" | "uuid" | "int8" => Ok(expression.clone()),
            "int2" | "int4" => Ok(format!("{expression}::pg_catalog.int8")),
            base if is_json(base)
                || base.starts_with('_')
                || found.shown.ends_with("[]")
                || matches!(base, "bytea" | "bool" | "float4" | "float8") =>
            {
                let hint = format!(
                    "map an expression of type text, uuid or bigint with user_metrics.attach({}, columns => '{{\"user_id\": \"…\"}}')",
                    literal(&self.shown)
                );
                Err(self.cannot_serve(&found, hint))
            }
            _ => Ok(format!("{expression}::pg_catalog.text")),
        }
    }

    /// The collation for grouping user ids by bytes, if their type has collations.
    pub(super) fn user_collation(&self) -> &'static str {
        let base = canonical_named("user_id").and_then(|c| self.find(c)).map_or(String::new(), |found| found.base);
        match base.as_str() {
            "uuid" | "int2" | "int4" | "int8" => "",
            _ => " COLLATE \"C\"",
        }
    }

    /// The condition that a row belongs to one user, in a form that can use an index on the column. `false` for an id that
    /// is not the text of any value of the column's type.
    pub(super) fn is_user(&self, id: &str) -> Result<String> {
        let found = self.required("user_id")?;
        let expression = &found.expression;
        Ok(match found.base.as_str() {
            "uuid" => match uuid_digits(id) {
                Some(digits) => format!("{expression} = {}::pg_catalog.uuid", literal(&digits)),
                None => "false".to_owned(),
            },
            "int2" | "int4" | "int8" => match id.trim().parse::<i64>() {
                Ok(id) => format!("{expression} = {id}::pg_catalog.int8"),
                Err(_) => "false".to_owned(),
            },
            // By the column's own collation, which its indexes use, and by bytes, by which ids are compared.
            _ => {
                let (user, id) = (self.user()?, literal(id));
                format!("{user} = {id} AND {user}{} = {id}", self.user_collation())
            }
        })
    }

    /// The instants, and the form of a timestamptz parameter for comparison with them.
    pub(super) fn instant(&self) -> Result<(String, Parameter)> {
        let found = self.required("occurred_at")?;
        // A timestamp without zone is taken as UTC; the parameter is converted, not the column, so that indexes can be used.
        let as_utc: Parameter = |parameter| format!("pg_catalog.timezone('UTC', {parameter})");
        match found.base.as_str() {
            "timestamptz" => Ok((found.expression, str::to_owned)),
            "timestamp" => Ok((found.expression, as_utc)),
            // Dates have a larger range than timestamps: dates beyond it are not counted, like infinity.
            "date" => Ok((
                format!(
                    "(CASE WHEN {0} > '{LAST_DATE}' THEN 'infinity' ELSE {0}::pg_catalog.timestamp END)",
                    found.expression
                ),
                as_utc,
            )),
            _ => {
                let hint = format!(
                    "map it with user_metrics.attach({}, columns => {}), adding / 1000.0 if it counts milliseconds",
                    literal(&self.shown),
                    literal(&format!("{{\"occurred_at\": \"to_timestamp({})\"}}", found.source.replace('"', "\\\"")))
                        .trim_start()
                );
                Err(self.cannot_serve(&found, hint))
            }
        }
    }

    /// The instants as timestamptz.
    pub(super) fn occurred_at(&self) -> Result<String> {
        let (base, (instant, _)) = (self.required("occurred_at")?.base, self.instant()?);
        Ok(if base == "timestamptz" { instant } else { format!("pg_catalog.timezone('UTC', {instant})") })
    }

    /// A canonical column as read by a history, in the log's type if that can be read in place, and its kind; `None` if the
    /// log lacks it, or if it has a type that does not serve and is not needed.
    pub(super) fn history_column(&self, name: &str, is_needed: bool) -> Result<Option<(String, Kind)>> {
        let find = |name| canonical_named(name).and_then(|canonical| self.find(canonical));
        let as_text = |found: &Found| format!("({})::pg_catalog.text", found.expression);
        if let Some(name) = name.strip_suffix(AS_TEXT) {
            return Ok(find(name).map(|_| (self.text(name), Kind::Text)));
        }
        if name == "succeeded" {
            // Without an error to consider, the status is read in place.
            return Ok(match (find("succeeded"), find("error"), find("status")) {
                (None, None, Some(status)) => Some(match status.base.as_str() {
                    "text" | "int2" | "int4" | "int8" => (status.expression, Kind::Status),
                    _ => (as_text(&status), Kind::Status),
                }),
                _ => self.answered().map(|answered| (answered, Kind::Flag)),
            });
        }
        let (Some(canonical), Some(found)) = (canonical_named(name), find(name)) else { return Ok(None) };
        let kind = match (name, canonical.holds) {
            ("session_id", _) => Kind::Session,
            ("request_id", _) | (_, Holds::Object) => Kind::Id,
            (_, Holds::Count | Holds::Number) => Kind::Count,
            (_, Holds::Score) => Kind::Number,
            _ => Kind::Text,
        };
        let expression = match (kind, found.base.as_str()) {
            (Kind::Count | Kind::Number, _) if found.double().is_none() => {
                return if is_needed { Err(self.wants(name, &found, "a number")) } else { Ok(None) };
            }
            // As stored: it is converted to text when it is used.
            (Kind::Id, "jsonb") if matches!(canonical.holds, Holds::Object) => found.expression,
            (Kind::Id, _) if matches!(canonical.holds, Holds::Object) => {
                format!("({})::pg_catalog.jsonb", found.expression)
            }
            (Kind::Count | Kind::Number, _) | (_, "text") => found.expression,
            (Kind::Session | Kind::Id, "uuid" | "int2" | "int4" | "int8") => found.expression,
            _ => as_text(&found),
        };
        Ok(Some((expression, kind)))
    }

    /// The user ids as read by a history.
    pub(super) fn history_user(&self) -> Result<String> {
        let found = self.required("user_id")?;
        if matches!(found.base.as_str(), "int2" | "int4") { Ok(found.expression) } else { self.user() }
    }

    /// The user ids of two relations in a common type, which is text if theirs differ; and the conditions for a valid user,
    /// which compare excluded users by values of each id's own type.
    pub(super) fn users_of_both(&self, other: &Relation) -> Result<[(String, Option<String>); 2]> {
        let kind = |of: &Relation| {
            of.required("user_id").map(|found| match found.base.as_str() {
                "int2" | "int4" | "int8" => "int8".to_owned(),
                "uuid" => found.base,
                _ => "text".to_owned(),
            })
        };
        let of = |relation: &Relation, is_same: bool| -> Result<(String, Option<String>)> {
            let user = relation.user()?;
            let is_user = relation.is_user_id(&user);
            Ok(if is_same { (user, None) } else { (format!("({user})::pg_catalog.text"), Some(is_user)) })
        };
        let is_same = kind(self)? == kind(other)?;
        Ok([of(self, is_same)?, of(other, is_same)?])
    }

    /// Whether an id is a user: not blank, not anonymous, not opted out.
    pub(super) fn is_user_id(&self, id: &str) -> String {
        let base = canonical_named("user_id").and_then(|c| self.find(c)).map_or(String::new(), |found| found.base);
        let named = match base.as_str() {
            "uuid" | "int2" | "int4" | "int8" => format!("{id} IS NOT NULL"),
            _ => format!("pg_catalog.btrim({id}, E' \\t\\n\\x0b\\x0c\\r') <> ''"),
        };
        let left_out = ["anonymous", "opted out"].map(|excluded_as| self.is_excluded(excluded_as, id)).join(" OR ");
        format!("{named} AND NOT ({left_out})")
    }

    /// A canonical column as text, NULL if the log lacks it.
    pub(super) fn text(&self, name: &str) -> String {
        match canonical_named(name).and_then(|canonical| self.find(canonical)) {
            None => NO_TEXT.to_owned(),
            Some(found) if found.base == "text" => found.expression,
            Some(found) => format!("({})::pg_catalog.text", found.expression),
        }
    }

    /// A canonical column as a number, NULL if the log lacks it or if it holds no numbers.
    pub(super) fn number(&self, name: &str) -> String {
        let found = canonical_named(name).and_then(|canonical| self.find(canonical));
        found.and_then(|found| found.double()).unwrap_or_else(|| "NULL::pg_catalog.float8".to_owned())
    }

    /// A column or property of any name as a number: a text that is not a number, as a property may be, is NULL.
    pub(super) fn named_number(&self, name: &str) -> Result<String> {
        let found = self.named(&format!(" of {name}"), name)?;
        match found.base.as_str() {
            "text" | "varchar" | "bpchar" if canonical_named(name).is_none() => {
                Ok(format!("user_metrics_internal.number(({})::pg_catalog.text)", found.expression))
            }
            _ => found.double().ok_or_else(|| self.wants(name, &found, "a number")),
        }
    }

    /// Whether a request was answered: by the column for it, otherwise by its error and its status; `None` if the log has
    /// none of them.
    pub(super) fn answered(&self) -> Option<String> {
        let find = |name| canonical_named(name).and_then(|canonical| self.find(canonical));
        match find("succeeded").map(|found| (found.expression, found.base)) {
            Some((flag, base)) if base == "bool" => return Some(flag),
            Some((flag, base)) if matches!(base.as_str(), "int2" | "int4" | "int8") => {
                return Some(format!("({flag} <> 0)"));
            }
            // A column of another type does not tell.
            _ => {}
        }
        let error = find("error").map(|found| match found.base.as_str() {
            "text" | "varchar" => found.expression,
            "bool" => format!("CASE WHEN {} THEN 'error' END", found.expression),
            "int2" | "int4" | "int8" => format!("NULLIF({}, 0)::pg_catalog.text", found.expression),
            "json" | "jsonb" => {
                let text = format!("({})::pg_catalog.text", found.expression);
                format!("CASE WHEN {text} NOT IN ('{{}}', '[]', '\"\"', 'false') THEN {text} END")
            }
            _ => format!("({})::pg_catalog.text", found.expression),
        });
        match (find("status"), error) {
            (Some(status), error) => {
                let status = match status.base.as_str() {
                    "text" | "int8" => status.expression,
                    "int2" | "int4" => format!("({})::pg_catalog.int8", status.expression),
                    _ => format!("({})::pg_catalog.text", status.expression),
                };
                let error = error.unwrap_or_else(|| NO_TEXT.to_owned());
                Some(format!("user_metrics_internal.answered({status}, {error})"))
            }
            (None, Some(error)) => Some(format!("user_metrics_internal.answered({error})")),
            (None, None) => None,
        }
    }

    fn wants(&self, name: &str, found: &Found, what: &str) -> Error {
        let hint = format!(
            "map an expression that is {what} with user_metrics.attach({}, columns => '{{\"{name}\": \"…\"}}')",
            literal(&self.shown)
        );
        self.cannot_serve(found, hint)
    }

    /// Whether a user id, of the log's id type, is excluded: as `anonymous` or as `opted out`.
    pub(super) fn is_excluded(&self, excluded_as: &str, id: &str) -> String {
        let base = canonical_named("user_id").and_then(|c| self.find(c)).map_or(String::new(), |found| found.base);
        let kind = match base.as_str() {
            "uuid" => UserKind::Uuid,
            "int2" | "int4" | "int8" => UserKind::Bigint,
            _ => UserKind::Text,
        };
        format!(
            "user_metrics_internal.is_excluded({}, ({id})::pg_catalog.text, {})",
            literal(excluded_as),
            literal(kind.name())
        )
    }
}

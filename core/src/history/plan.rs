//! What a history is asked to hold: the columns beside user and time, in the order of the aggregate's arguments.

use crate::base::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a column holds, and how a request's value of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text, as a code of the column's dictionary.
    Text,
    /// A session's id, as the hash of its text, by which those that begin together are in order. A blank one is none.
    Session,
    /// A text that may be another with every request, such as its id, as it is. A plan has one such column at most.
    Id,
    /// A number of 0 or more; others are not known.
    Count,
    /// A number of either sign.
    Number,
    /// Yes or no.
    Flag,
    /// How a request ended, as a status code or a word: whether it succeeded.
    Status,
}

/// A column beside user and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedColumn {
    /// What folds know it by: the name of a canonical column, or `segment`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The key whose value is read as text, where what is given is a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a history holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its columns.
    pub columns: Vec<PlannedColumn>,
    /// Whether users' ids are kept where their keys do not tell them.
    #[serde(default)]
    pub names: bool,
    /// Where processes that share in one query leave files for each other, as the glue knows it.
    #[serde(default)]
    pub area: Option<u32>,
}

/// The most columns: a function takes a hundred arguments.
const MOST_COLUMNS: usize = 96;

impl Plan {
    /// Reads what [`to_json`](Plan::to_json) wrote.
    pub fn parse(json: &str) -> Result<Self> {
        let plan: Plan = serde_json::from_str(json).map_err(|_| Error::Corrupt { what: "a plan that is none" })?;
        if plan.columns.len() > MOST_COLUMNS {
            return Err(Error::Corrupt { what: "a plan of too many columns" });
        }
        // A block has one tail of bytes.
        if plan.columns.iter().filter(|column| column.kind == Kind::Id).count() > 1 {
            return Err(Error::Corrupt { what: "a plan of two columns of ids" });
        }
        Ok(plan)
    }

    /// The plan as the aggregate's first argument.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether a status tells success: a code from 200 to 299, or a word that says so.
///
/// ```
/// # use user_metrics_core::history::is_success;
/// assert!(is_success(b"204") && is_success(b"OK") && is_success(b"success"));
/// assert!(!is_success(b"2xx") && !is_success(b"failure") && !is_success(b""));
/// ```
pub fn is_success(status: &[u8]) -> bool {
    match status {
        [b'2', b, c] => b.is_ascii_digit() && c.is_ascii_digit(),
        word => ["success", "ok", "normal"].iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes())),
    }
}

//! The columns of a history besides user and time, in the order of the aggregate's arguments.

use crate::base::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The type of a column, and how its values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text, as a code of the column's dictionary.
    Text,
    /// A session id, as a hash of its text, by which sessions that begin together are ordered. A blank id counts as none.
    Session,
    /// A text that mostly differs between requests, such as the request id, unchanged. A plan has at most one such column.
    Id,
    /// A number of at least 0; others are unknown.
    Count,
    /// A number of either sign.
    Number,
    /// A boolean.
    Flag,
    /// The status of a request as a code or a word: whether it was answered.
    Status,
}

/// A column besides user and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedColumn {
    /// The name by which folds find it: that of a canonical column, or `segment`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The key whose value is read as text, if the argument is a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The content of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its columns.
    pub columns: Vec<PlannedColumn>,
    /// Whether user ids are kept if they cannot be derived from their keys.
    #[serde(default)]
    pub names: bool,
    /// The area in which the processes of a query exchange files, as the glue identifies it.
    #[serde(default)]
    pub area: Option<u32>,
}

/// The most columns: a function takes a hundred arguments.
const MOST_COLUMNS: usize = 96;

impl Plan {
    /// Parses what [`to_json`](Plan::to_json) wrote.
    pub fn parse(json: &str) -> Result<Self> {
        let plan: Plan = serde_json::from_str(json).map_err(|_| Error::Corrupt { what: "a plan that is none" })?;
        if plan.columns.len() > MOST_COLUMNS {
            return Err(Error::Corrupt { what: "a plan of too many columns" });
        }
        // A block has a single tail of bytes.
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

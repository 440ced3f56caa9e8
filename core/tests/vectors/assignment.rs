//! The golden cases of assignment.

use crate::{Golden, Said, Zones};
use serde::Deserialize;
use serde_json::{Value, json};
use user_metrics_core::Result;
use user_metrics_core::assignment::{Assignment, Terms};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    origin: String,
    experiment: Experiment,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Experiment {
    experiment: String,
    variants: Vec<Option<String>>,
    #[serde(default)]
    weights: Option<Vec<Option<f64>>>,
    #[serde(default)]
    coverage: Option<f64>,
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    seed: Option<String>,
    #[serde(default)]
    namespace: Option<Value>,
}

impl Golden for Case {
    fn said(&self) -> Said<'_> {
        Said { name: &self.name, origin: &self.origin, columns: &self.columns, rows: &self.rows, tolerance: None }
    }

    fn answer(&self, _zones: &Zones) -> Result<Vec<Value>> {
        let experiment = &self.experiment;
        let namespace = experiment.namespace.as_ref().map(Value::to_string);
        let assignment = Assignment::new(&Terms {
            experiment: Some(&experiment.experiment),
            variants: Some(&experiment.variants),
            weights: experiment.weights.as_deref(),
            coverage: experiment.coverage,
            hash: experiment.hash.as_deref(),
            seed: experiment.seed.as_deref(),
            namespace: namespace.as_deref(),
            defining: false,
        })?;
        let users = self.rows.iter().map(|row| row[0].as_str().expect("an id"));
        Ok(users.map(|user| json!([user, assignment.variant(user.as_bytes())])).collect())
    }
}

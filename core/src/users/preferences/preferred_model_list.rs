//! `preferred_model_list`: the models to offer one user, in the format of gateways. Definition D77.

use super::preferred_models::{CANDIDATES, FALLBACK, REQUESTS, offer};
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, ONLY_USER, Reads, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "preferred_model_list",
    path: "users::preferences::preferred_model_list",
    example: "",
    summary: "models of preferred_models separated by commas, in the form that gateways take",
    arguments: &[ONLY_USER, CANDIDATES, FALLBACK],
    columns: &[column("models", Type::Text, "models in the order to offer them; NULL if there is none to offer")],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: true,
    zoned: true,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let models = offer(call)?.order;
    let names = models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(); // few: models
    let list = (!names.is_empty()).then(|| names.join(","));
    rows.row(&mut [list.as_deref().map_or(Cell::Null, Cell::Text)])
}

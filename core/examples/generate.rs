//! Writes what is made of the declarations: the SQL of functions, aggregates and operators, the view of them, the C symbols of the glue,
//! and the reference. Run it in the root of the checkout; `core/tests/generated.rs` compares.

use user_metrics_core::catalog::{aggregates, entries, reference, sql, stored};

fn main() -> std::io::Result<()> {
    std::fs::write("sql/generated.sql", sql::script())?;
    std::fs::write("sql/generated_aggregates.sql", aggregates::script())?;
    std::fs::write("sql/generated_functions.sql", entries::script())?;
    std::fs::write("sql/generated_operators.sql", stored::script())?;
    std::fs::write("src/generated.rs", sql::glue())?;
    std::fs::write("docs/reference.md", reference::page())
}

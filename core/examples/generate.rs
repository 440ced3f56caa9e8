//! Writes what is made of the declarations: `sql/generated.sql`, `sql/generated_aggregates.sql` and `src/generated.rs`. Run it in the root of the checkout;
//! `core/tests/generated.rs` compares.

fn main() -> std::io::Result<()> {
    std::fs::write("sql/generated.sql", user_metrics_core::function::sql::script())?;
    std::fs::write("sql/generated_aggregates.sql", user_metrics_core::function::aggregate::script())?;
    std::fs::write("src/generated.rs", user_metrics_core::function::sql::glue())
}

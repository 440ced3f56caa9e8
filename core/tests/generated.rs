//! What is made of the declarations is committed, and every declaration is whole.

use std::collections::BTreeSet;
use user_metrics_core::function::{Type, aggregate, all, sql};

#[test]
fn what_is_committed_is_what_the_declarations_make() {
    for (file, committed, made) in [
        ("sql/generated.sql", include_str!("../../sql/generated.sql"), sql::script()),
        ("sql/generated_aggregates.sql", include_str!("../../sql/generated_aggregates.sql"), aggregate::script()),
        ("src/generated.rs", include_str!("../../src/generated.rs"), sql::glue()),
    ] {
        let remedy = "run: cargo run -p user_metrics_core --example generate";
        assert!(made == committed, "{file} is not of these declarations; {remedy}");
    }
}

#[test]
fn every_declaration_is_whole() {
    let mut names = BTreeSet::new();
    for function in all() {
        let name = function.name;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(!function.summary.is_empty() && function.rows > 0 && !function.columns.is_empty(), "{name}");
        let columns = function.columns.iter().map(|column| column.name).collect::<BTreeSet<_>>();
        assert_eq!(columns.len(), function.columns.len(), "{name} has a column twice");
        assert!(columns.len() <= 128, "{name} has more columns than can be hidden");
        for column in function.columns {
            assert!(!column.about.is_empty(), "{name}.{} is not described", column.name);
            for users in column.users {
                let counted = function.columns.iter().find(|column| column.name == *users);
                assert_eq!(
                    counted.map(|column| column.kind),
                    Some(Type::Bigint),
                    "{name}.{} is about {users}",
                    column.name
                );
            }
        }
        for argument in function.arguments {
            assert!(!argument.about.is_empty() && !argument.default.is_empty(), "{name}({})", argument.name);
        }
    }
    assert!(names.contains("active_users") && names.contains("seasonality"));
}

//! What is made of the declarations is committed, and every declaration is whole: described in docs/, defined in the oracle,
//! and shown in tests/pg_regress.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use user_metrics_core::catalog::entries::{self, Kind, entries};
use user_metrics_core::catalog::{AGGREGATES, aggregates, all, reference, sql, stored};
use user_metrics_core::function::Type;

#[test]
fn what_is_committed_is_what_the_declarations_make() {
    for (file, committed, made) in [
        ("sql/generated.sql", include_str!("../../sql/generated.sql"), sql::script()),
        ("sql/generated_aggregates.sql", include_str!("../../sql/generated_aggregates.sql"), aggregates::script()),
        ("sql/generated_functions.sql", include_str!("../../sql/generated_functions.sql"), entries::script()),
        ("sql/generated_operators.sql", include_str!("../../sql/generated_operators.sql"), stored::script()),
        ("docs/reference.md", include_str!("../../docs/reference.md"), reference::page()),
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
        // One of a name may be over a log, and one over a value.
        assert!(names.insert((name, function.reads.is_over_log())), "{name} is declared twice");
        assert!(!function.summary.is_empty() && function.rows > 0 && !function.columns.is_empty(), "{name}");
        assert!(!function.scalar || function.columns.len() == 1 && !function.segmented, "{name} is no value");
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
            assert!(!argument.about.is_empty(), "{name}({})", argument.name);
        }
    }
    assert!(names.contains(&("active_users", true)) && names.contains(&("seasonality", true)));
}

/// The files under a folder of the repository with this ending, by their path in it, except what is made of the declarations or
/// goes over all.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ending)
                && !["reference.md", "functions.sql", "catalog.sql"].contains(&name.as_str())
            {
                files.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// Whether a name occurs in a text and is not a part of another one.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// The anchors that GitHub makes of the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || "_- ".contains(*c);
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_declaration_has_its_section_its_definition_and_its_case() {
    let (docs, oracle, cases) =
        (files("docs", ".md"), files("tests/oracle", ".py"), files("tests/pg_regress/sql", ".sql"));
    for entry in entries() {
        let (name, topic) = (entry.name, entry.topic);
        let page = docs.get(&format!("{topic}.md"));
        let page = page.unwrap_or_else(|| panic!("{name}: there is no docs/{topic}.md"));
        assert!(mentions(page, name), "{name} is not described in docs/{topic}.md");
        assert!(anchors(page).contains(entry.anchor), "{name}: docs/{topic}.md has no section #{}", entry.anchor);
        for (files, folder) in [(&oracle, "tests/oracle"), (&cases, "tests/pg_regress/sql")] {
            assert!(files.values().any(|text| mentions(text, name)), "{name} is not in {folder}");
        }
    }
}

#[test]
fn every_entry_of_the_catalogue_is_whole() {
    let of_kind = |kind: Kind| entries().iter().filter(|entry| entry.kind == kind).count();
    let declared = |scalar: bool| {
        let names = all().filter(|function| function.scalar == scalar).map(|function| function.name);
        names.collect::<BTreeSet<_>>().len()
    };
    assert_eq!((of_kind(Kind::TableFunction), of_kind(Kind::Function)), (declared(false), declared(true)));
    assert_eq!(of_kind(Kind::Aggregate), AGGREGATES.iter().filter(|aggregate| !aggregate.is_internal).count());
    for entry in entries() {
        let name = entry.name;
        assert!(!entry.summary.is_empty() && !entry.example.contains("()"), "{name}");
        for (argument, kind, _, about) in &entry.arguments {
            assert!(!kind.is_empty() && !about.is_empty(), "{name}({argument}) is not described");
        }
        assert!(entry.used.iter().all(|column| !entry.needed.contains(column)), "{name} needs what it can do without");
    }
    // A database may have any encoding.
    assert!(entries::script().is_ascii());
}

#[test]
fn the_links_of_the_reference_lead_somewhere() {
    let (page, docs) = (reference::page(), files("docs", ".md"));
    let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    for link in links {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() { Some(&page) } else { docs.get(file) };
        let target = target.unwrap_or_else(|| panic!("there is no docs/{file}"));
        assert!(anchor.is_empty() || anchors(target).contains(anchor), "{link} leads nowhere");
    }
}

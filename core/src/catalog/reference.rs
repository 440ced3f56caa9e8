//! docs/reference.md: every declared function with its arguments and columns.

use super::entries::{Entry, Kind, entries};

const HEAD: &str = "\
# Reference: functions, arguments and columns

<!-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate. -->

This page lists the arguments and result columns of each function. The page of each topic describes them in detail, with
examples; functions that are not listed here are described there only.

Signatures are those of the form over a log, or over a value if there is no other form. `source` is the name of a table in
quotes, or a `regclass`. The same list is available in the database:

```sql
SELECT name, summary FROM user_metrics.functions WHERE topic = 'activity';
```

Arguments and columns are JSON arrays:

```sql
SELECT a ->> 'name' AS argument, a ->> 'type' AS type, a ->> 'default' AS \"default\", a ->> 'meaning' AS meaning
FROM user_metrics.functions AS f, jsonb_array_elements(f.arguments) AS a
WHERE f.name = 'active_users';
```

The examples use a table `request_log`. The example of `assignment_audit` also requires the experiment that it names:

```sql
SELECT user_metrics.define_experiment('new_chat_ui', '{\"control\": 0.5, \"treatment\": 0.5}');
```

| Topic | Functions |
|---|---|
";

/// The heading of an entry, and its anchor on GitHub.
fn heading(entry: &Entry) -> (String, String) {
    match entry.kind {
        Kind::TableFunction | Kind::Function => (entry.name.to_owned(), entry.name.to_owned()),
        Kind::Aggregate => (format!("{} (aggregate)", entry.name), format!("{}-aggregate", entry.name)),
    }
}

/// Text escaped for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

/// A summary as a sentence.
fn sentence(summary: &str) -> String {
    let mut letters = summary.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// A call in lines of at most 120 characters.
fn call(name: &str, arguments: &str) -> String {
    let mut text = format!("{name}(");
    let mut length = text.len();
    for (n, argument) in arguments.split(", ").enumerate() {
        if n > 0 {
            text.push(',');
            length += 1;
            if length + argument.len() + 2 > 120 {
                text.push_str("\n   ");
                length = 3;
            }
            text.push(' ');
            length += 1;
        }
        text.push_str(argument);
        length += argument.len();
    }
    text + ")"
}

/// Names as code, joined in words.
fn codes(names: &[&str]) -> String {
    let code = |name: &&str| format!("`{name}`");
    match names {
        [others @ .., last] if !others.is_empty() => {
            format!("{} and {}", others.iter().map(code).collect::<Vec<_>>().join(", "), code(last))
        }
        _ => names.iter().map(code).collect(),
    }
}

fn section(entry: &Entry) -> String {
    let mut text = format!("\n### {}\n\n{}\n\n```\n", heading(entry).0, sentence(&cell(entry.summary)));
    for signature in &entry.signatures {
        text.push_str(&format!("{}\n", call(entry.name, signature)));
    }
    text.push_str("```\n\n| Argument | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (name, kind, default, about) in &entry.arguments {
        let default = default.as_ref().map_or("required".to_owned(), |default| format!("`{default}`"));
        text.push_str(&format!("| `{name}` | {kind} | {default} | {} |\n", cell(about)));
    }
    if entry.signatures.len() > 1 {
        text.push_str("\nThese are the arguments of the first form.\n");
    }
    match (entry.kind, entry.columns.as_slice()) {
        (Kind::Aggregate, [(_, kind, _)]) => text.push_str(&format!("\nThe result is a value of the type `{kind}`.\n")),
        (Kind::Function, [(_, kind, about)]) => {
            text.push_str(&format!("\nThe result is of the type {kind}: {}.\n", cell(about)))
        }
        (_, columns) => {
            text.push_str("\n| Column | Type | Meaning |\n|---|---|---|\n");
            for (name, kind, about) in columns {
                text.push_str(&format!("| `{name}` | {kind} | {} |\n", cell(about)));
            }
        }
    }
    if entry.kind != Kind::Aggregate && !entry.needed.is_empty() {
        text.push_str(&format!("\nThe log must have {}.", codes(&entry.needed)));
        match entry.used.len() {
            0 => {}
            1 => text.push_str(&format!(" {} is used if present.", codes(&entry.used))),
            _ => text.push_str(&format!(" {} are used if present.", codes(&entry.used))),
        }
        text.push('\n');
    }
    let Entry { topic, anchor, example, .. } = entry;
    text + &format!("\n```sql\n{example};\n```\n\nDescribed in [{topic}.md]({topic}.md#{anchor}).\n")
}

/// The page.
pub fn page() -> String {
    let entries = entries();
    let (mut index, mut sections) = (String::new(), String::new());
    for of_topic in entries.chunk_by(|one, other| one.topic == other.topic) {
        let topic = of_topic.first().map_or("", |entry| entry.topic);
        let link = |entry: &Entry| format!("[`{}`](#{})", entry.name, heading(entry).1);
        let links = of_topic.iter().map(link).collect::<Vec<_>>().join(", ");
        index.push_str(&format!("| [{topic}]({topic}.md) | {links} |\n"));
        sections.push_str(&format!("\n## {topic}\n"));
        sections.extend(of_topic.iter().map(section));
    }
    format!("{HEAD}{index}{sections}")
}

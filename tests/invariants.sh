#!/usr/bin/env bash
# The rules of the house that a machine can see, see ARCHITECTURE.md. The last line is `N passed, N failed`.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/../scripts/lib.sh"

passed=0 failed=0

# check RULE COMMAND…: the command prints what breaks the rule, and nothing where it holds.
check() {
    local rule=$1 offences
    shift
    if offences=$("$@" 2>&1) && [ -z "$offences" ]; then
        passed=$((passed + 1))
        say "ok      $rule"
    else
        failed=$((failed + 1))
        say "FAILED  $rule"
        say "$offences"
    fi
}

# Rust code without its comments and without the test module that ends a file, as file:line:text.
code() {
    find "$@" -name '*.rs' | LC_ALL=C sort | while IFS= read -r file; do
        awk -v file="$file" '/^#\[cfg\(.*test/ { exit } { sub(/\/\/.*/, ""); print file ":" FNR ":" $0 }' "$file"
    done
}

sql() {
    find sql -name '*.sql' | LC_ALL=C sort | while IFS= read -r file; do
        awk -v file="$file" '{ sub(/--.*/, ""); print file ":" FNR ":" $0 }' "$file"
    done
}

# grep, for which finding nothing is no error
matching() {
    grep "$@" || [ $? -eq 1 ]
}

# Quiet, because on a new machine cargo first tells what it downloads.
core_without_postgres() {
    cargo tree --quiet --locked --package user_metrics_core --edges normal --prefix none | matching -iE 'pgrx|postgres'
}

spi_outside_tests() {
    code src | matching -wE 'Spi|spi|SpiClient|SPI_[a-z]+' | matching -vE '^src/fold\.rs:'
}

unsafe_elsewhere() {
    code src core/src | matching -wE 'unsafe|allow\(unsafe_code\)' | matching -vE '^src/(bridge|arguments|encoding|stored|fold|policy|own_table|equality|relation|readout|rows|transition|history|scratch|c_functions|generated|told)\.rs:'
}

missing_lints() {
    grep -qx 'unsafe_code = "deny"' <(sed -n '/^\[workspace.lints.rust\]/,/^$/p' Cargo.toml) || echo 'Cargo.toml: no unsafe_code = "deny"'
    for manifest in Cargo.toml core/Cargo.toml; do
        grep -qx 'workspace = true' <(sed -n '/^\[lints\]/,/^$/p' "$manifest") || echo "$manifest: no [lints] workspace = true"
    done
}

clock_or_io_in_core() {
    code core/src | matching -E '\b(SystemTime|Instant|Utc|Local)::now|std::(time|fs|net|env|io|process|thread)\b'
}

# An allocation that fails ends the process, and with it every session. These files hold what the caller gives, variants,
# steps, models and the like, of which there are few; elsewhere a line or the one above it says why there are: "// few: …".
growth_beside_the_account() {
    local few='source|source/.*|catalog|catalog/.*|assignment|assignment/.*|experiment/comparison|experiment/comparison/.*|survival'
    few+='|survival/.*|base/json|stats/association|predictors/(drivers|seasonality|threshold)|journey/milestones|funnel/(plan|readout)'
    few+='|users/(plans|preferences|profile)|activity/(cohort_table|retention)|readout|rows|policy|relation'
    find src core/src -name '*.rs' | grep -vE "^(src|core/src)/($few)\.rs$" | LC_ALL=C sort | while IFS= read -r file; do
        awk -v file="$file" '/^#\[cfg\(.*test/ { exit }
            { is_few = /\/\/ few: / || before; before = /^ *\/\/ few: / }
            { sub(/\/\/.*/, "") }
            !is_few && /\.to_vec\(\)|::to_vec|\.collect(::|\()|with_capacity|vec!\[[^\]]*;/ { print file ":" FNR ":" $0 }' "$file"
    done
}

files_without_heading() {
    find src core/src -name '*.rs' | LC_ALL=C sort | while IFS= read -r file; do
        [[ $(head -n 1 "$file") == '//!'* ]] || echo "$file"
    done
}

formulas_in_sql() {
    sql | matching -iE '\b(sqrt|ln|log|exp|power|erf)[[:space:]]*\('
}

# The script is read in the encoding of the database it installs in.
sql_beyond_ascii() {
    LC_ALL=C matching -nP '[^\x00-\x7F]' sql/*.sql ./*.control
}

# Bytes of the log that are no UTF-8 would be lost.
lossy_text() {
    code src core/src | matching -wE 'from_utf8_lossy|to_string_lossy' | matching -vE '^(src|core/src/base)/encoding\.rs:'
}

replacing_sql() {
    sql | matching -iE 'CREATE[[:space:]]+OR[[:space:]]+REPLACE|IF[[:space:]]+NOT[[:space:]]+EXISTS'
}

check "core knows nothing of PostgreSQL: no pgrx among its dependencies" core_without_postgres
check "core has no clock and no I/O" clock_or_io_in_core
check "Rust runs no SQL but the query over a log, in src/fold.rs" spi_outside_tests
check "unsafe is in the bridges only: src/bridge.rs, arguments.rs, encoding.rs, stored.rs, readout.rs, rows.rs, fold.rs, transition.rs, history.rs, scratch.rs, c_functions.rs, generated.rs, policy.rs, own_table.rs, equality.rs, relation.rs, told.rs" unsafe_elsewhere
check "what grows with a log is entered in the memory account: collect, to_vec and their like are where little is" growth_beside_the_account
check "the workspace denies unsafe code, and both packages take its lints" missing_lints
check "the modules of core stand on floors and form no circle" python3 tests/house.py modules
check "a topic has one name in every layer: module, page, regress files, oracle" python3 tests/house.py topics
check "definitions that are cited are on docs/definitions.md, and those listed there are cited" python3 tests/house.py definitions
check "the glue knows no function by name" python3 tests/house.py names
check "every Rust file opens by saying what it is for" files_without_heading
check "sql/ holds no formula that core has" formulas_in_sql
check "the install script and the control file are ASCII" sql_beyond_ascii
check "texts cross between UTF-8 and the encoding of the database in src/encoding.rs and core/src/base/encoding.rs" lossy_text
check "the install script replaces nothing and tolerates nothing that is there" replacing_sql

say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

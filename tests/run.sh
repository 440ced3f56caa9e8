#!/usr/bin/env bash
# Every test of the project, one step after the other; a step that fails does not keep the next from running. The last
# line is `N passed, N failed`. A step counts what its tool counts (Rust tests, SQL files, examples, random cases); one
# without a count is one check. A step that ran nothing has failed, and so has one that hangs.
#
# Names as arguments run those steps only: `tests/run.sh core`, `tests/run.sh install pg_regress docs` (what runs SQL
# needs `install` before it). CASES and FUZZ_SECONDS set how long the random tests take.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/../scripts/lib.sh"

results=$target_dir/test
total_passed=0 total_failed=0
summary=()

main() {
    local steps=("$@")
    [ $# -gt 0 ] || steps=(setup format invariants clippy core install pg_regress vectors dump docs oracle plans attack fuzz)
    rm -rf "$results"
    mkdir -p "$results"
    trap 'scripts/cluster.sh stop "$(cluster)" >/dev/null 2>&1 || true' EXIT
    for step in "${steps[@]}"; do
        declare -F "step_$step" >/dev/null || die "there is no step $step"
        run_step "$step"
    done
    say "" "${summary[@]}" "" "$total_passed passed, $total_failed failed"
    [ "$total_failed" -eq 0 ]
}

run_step() {
    local step=$1 log=$results/$1.log started=$SECONDS status=0 passed failed verdict
    say "" "== $step"
    # A subshell of its own, so that set -e holds inside although we go on after a failure.
    set +e
    (set -e; "step_$step") </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    read -r passed failed < <("count_${counted_by[$step]:-status}" "$status" "$log")
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((passed + failed)) -eq 0 ]; then
        failed=1
        say "$step: no test has run"
    fi
    verdict=$(printf '%-10s %6d passed %4d failed %5d s' "$step" "$passed" "$failed" $((SECONDS - started)))
    say "== $verdict"
    summary+=("$verdict")
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
}

# A data directory belongs to one major version.
cluster() {
    echo "test$(pg_major)"
}

# How the checks of a step are counted: count_… STATUS LOG prints the passed and the failed.

declare -A counted_by=([invariants]=closing [core]=cargo [pg_regress]=pg_regress [vectors]=closing [dump]=closing [docs]=closing
    [oracle]=closing [plans]=closing [attack]=closing [fuzz]=closing)

count_status() {
    if [ "$1" -eq 0 ]; then echo 1 0; else echo 0 1; fi
}

# test result: ok. 12 passed; 0 failed; 0 ignored; …
count_cargo() {
    sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed;.*/\1 \2/p' "$2" |
        awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }'
}

# test activity ... ok 123 ms (PostgreSQL 15); ok 1 - activity 123 ms (16 and later)
count_pg_regress() {
    awk '/^test .* \.\.\. ok/ || /^ok [0-9]/ { passed++ }
        /^test .* \.\.\. (FAILED|failed)/ || /^not ok [0-9]/ { failed++ }
        END { print passed + 0, failed + 0 }' "$2"
}

# The last line of each program of ours: 12 passed, 0 failed
count_closing() {
    sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$2" |
        awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }'
}

# The steps

step_setup() {
    scripts/setup.sh
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
}

step_format() {
    cargo fmt --all --check -- --color never
}

step_invariants() {
    tests/invariants.sh
}

step_clippy() {
    use_pgrx
    cargo clippy --locked --workspace --all-targets --no-default-features --features "pg$(pg_major)" -- -D warnings
}

step_core() {
    timeout 1200 cargo test --locked -p user_metrics_core
}

# The same build as the demo's, in the same private server; a cluster that is new in every run.
step_install() {
    scripts/build.sh
    scripts/server.sh
    scripts/cluster.sh remove "$(cluster)"
    scripts/cluster.sh start "$(cluster)"
    use_cluster "$(cluster)"
    psql -X -q -c "CREATE DATABASE demo_log"
    PGDATABASE=demo_log demo/load.sh --table request_log
}

step_pg_regress() {
    local output=$results/pg_regress tests=()
    mapfile -t tests < <(find tests/pg_regress/sql -name '*.sql' -printf '%f\n' | sed 's/\.sql$//' | LC_ALL=C sort)
    [ ${#tests[@]} -gt 0 ] || return 0
    use_cluster "$(cluster)"
    mkdir -p "$output"
    if ! "$(dirname "$("$PG_CONFIG" --pgxs)")/../../src/test/regress/pg_regress" --bindir="$("$PG_CONFIG" --bindir)" \
        --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname=regression --load-extension=user_metrics \
        --inputdir=tests/pg_regress --outputdir="$output" "${tests[@]}"; then
        if [ -f "$output/regression.diffs" ]; then cat "$output/regression.diffs"; fi
        return 1
    fi
}

step_vectors() {
    use_cluster "$(cluster)"
    timeout 900 python3 tests/vectors.py
}

step_dump() {
    use_cluster "$(cluster)"
    timeout 300 python3 tests/dump.py
}

step_docs() {
    use_cluster "$(cluster)"
    timeout 900 python3 tests/docs.py --template demo_log README.md docs/*.md
}

step_oracle() {
    use_cluster "$(cluster)"
    local concept failed=0
    local -A cases=([activity]=2000 [sessions]=2000 [segments]=500 [usage]=500 [users]=400 [assignment]=1000 [survival]=120 [journey]=400 [funnel]=2000 [drivers]=500 [comparison]=800)
    # One that fails does not keep the others from running.
    for concept in activity sessions segments usage users assignment survival journey funnel drivers comparison; do
        timeout 900 python3 "tests/oracle/$concept.py" --self-test || failed=1
        timeout 900 python3 "tests/oracle/$concept.py" --cases "${CASES:-${cases[$concept]}}" || failed=1
    done
    timeout 900 python3 tests/oracle/windowfunnel.py --cases "${CASES:-48000}" || failed=1
    return $failed
}

step_plans() {
    use_cluster "$(cluster)"
    local failed=0
    timeout 900 python3 tests/plans.py || failed=1
    timeout 900 python3 tests/folds.py || failed=1
    return $failed
}

step_attack() {
    use_cluster "$(cluster)"
    local attack failed=0
    # memory has a server of its own; the others find theirs by the variables that are set.
    for attack in ends owner policy arguments memory; do
        timeout 900 python3 "tests/attack/$attack.py" || failed=1
    done
    return $failed
}

step_fuzz() {
    scripts/fuzz.sh
}

main "$@"

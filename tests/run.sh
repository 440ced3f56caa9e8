#!/usr/bin/env bash
# Every test of the project. Steps run in order; the checks of the step `server` run side by side, each on a private cluster,
# as many at a time as there are processors. A step that fails does not keep the next from running. The last line is
# `N passed, N failed`. A step counts what its tool counts (Rust tests, SQL files, examples, random cases); one without a
# count is one check. A step that ran nothing has failed, and so has one that hangs.
#
#   tests/run.sh                        everything
#   tests/run.sh core                   one step; several are run in the order given (what runs SQL needs `install` before it)
#   tests/run.sh install oracle         all checks of a folder; `oracle/usage` is one of them
#   ONLY=usage tests/run.sh             what there is about one topic, from its unit tests to its page
#
# CASES and FUZZ_SECONDS set how long the random tests take.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/../scripts/lib.sh"

results=$target_dir/test
total_passed=0 total_failed=0
summary=()
only=${ONLY:-}
all_steps=

main() {
    local steps=("$@") step
    if [ -n "$only" ]; then
        [ -f "docs/$only.md" ] && [ -d "core/src/$only" ] ||
            die "there is no topic $only; a topic has a page in docs and a folder in core/src, such as usage"
        [ $# -gt 0 ] || steps=(setup topic install pg_regress server)
    fi
    if [ ${#steps[@]} -eq 0 ]; then all_steps=1; fi
    [ ${#steps[@]} -gt 0 ] || steps=(setup format invariants clippy core install pg_regress server fuzz)
    rm -rf "$results"
    mkdir -p "$results"
    trap stop_clusters EXIT
    for step in "${steps[@]}"; do
        if [ "$step" = server ]; then
            # shellcheck disable=SC2046
            run_side_by_side $(checks)
        elif declare -F "step_$step" >/dev/null; then
            run_step "$step"
        else
            # shellcheck disable=SC2046
            run_side_by_side $(checks | grep -E "^$step(/|$)" || die "there is no step $step")
        fi
    done
    say "" "${summary[@]}"
    count_attacks
    say "" "$total_passed passed, $total_failed failed"
    [ "$total_failed" -eq 0 ]
}

run_step() {
    local step=$1 log=$results/$1.log started=$SECONDS status=0
    say "" "== $step"
    # A subshell of its own, so that set -e holds inside although we go on after a failure.
    set +e
    (set -e; "step_$step") </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    conclude "$step" "$status" "$log" $((SECONDS - started))
}

# Adds what a log says to the totals.
conclude() {
    local name=$1 status=$2 log=$3 seconds=$4 passed failed verdict
    read -r passed failed < <("count_${counted_by[$name]:-$([[ -v step_is[$name] ]] && echo status || echo closing)}" "$status" "$log")
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((passed + failed)) -eq 0 ]; then
        failed=1
        say "$name: no test has run"
    fi
    verdict=$(printf '%-20s %6d passed %4d failed %5d s' "$name" "$passed" "$failed" "$seconds")
    say "== $verdict"
    summary+=("$verdict")
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
}

# The attacks say how much they tried, in lines like `count: backends killed 20`. Fewer tries than these are a failure.
declare -A at_least=(["calls of the sweep"]=3000 ["statements ended"]=300 ["backends killed"]=20 ["postmasters killed"]=3
    ["random queries"]=300)

count_attacks() {
    local what tries verdict
    # A run of single steps may lack attacks.
    if ! compgen -G "$results/attack_*.log" >/dev/null; then return; fi
    say ""
    while read -r what; do
        tries=$(cat "$results"/attack_*.log | sed -nE "s/^count: $what ([0-9]+)\$/\1/p" | awk '{ n += $1 } END { print n + 0 }')
        verdict=
        if [ "$tries" -lt "${at_least[$what]}" ] && [ "$all_steps" ]; then
            verdict=", FAILED: at least ${at_least[$what]}"
            total_failed=$((total_failed + 1))
        fi
        say "$what: $tries$verdict"
    done < <(printf '%s\n' "${!at_least[@]}" | LC_ALL=C sort)
}

# How the checks of a step are counted: count_… STATUS LOG prints the passed and the failed.

declare -A counted_by=([invariants]=closing [core]=cargo [topic]=cargo [pg_regress]=pg_regress [fuzz]=closing)
declare -A step_is=([setup]=1 [format]=1 [clippy]=1 [install]=1)

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
    scripts/setup.sh tests
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

# The unit tests of one topic.
step_topic() {
    timeout 1200 cargo test --locked -p user_metrics_core --lib "$only::"
}

# The same build as the demo's, in the same private server; clusters that are new in every run.
step_install() {
    local n
    scripts/build.sh
    scripts/server.sh
    for n in $(seq "$(lanes)"); do
        scripts/cluster.sh remove "$(cluster "$n")"
        scripts/cluster.sh start "$(cluster "$n")"
        (
            use_cluster "$(cluster "$n")"
            psql -X -q -c "CREATE DATABASE demo_log"
            PGDATABASE=demo_log demo/load.sh --table request_log
        )
    done
}

step_pg_regress() {
    local output=$results/pg_regress tests=()
    mapfile -t tests < <(find tests/pg_regress/sql -name "$only*.sql" -printf '%f\n' | sed 's/\.sql$//' | LC_ALL=C sort)
    [ ${#tests[@]} -gt 0 ] || return 0
    use_cluster "$(cluster 1)"
    mkdir -p "$output"
    if ! "$(dirname "$("$PG_CONFIG" --pgxs)")/../../src/test/regress/pg_regress" --bindir="$("$PG_CONFIG" --bindir)" \
        --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname=regression --load-extension=user_metrics \
        --inputdir=tests/pg_regress --outputdir="$output" "${tests[@]}"; then
        if [ -f "$output/regression.diffs" ]; then cat "$output/regression.diffs"; fi
        return 1
    fi
}

step_fuzz() {
    scripts/fuzz.sh
}

# The checks of the step `server`, which share nothing: each runs where no other runs at the time.

lanes() {
    nproc
}

# A data directory belongs to one major version.
cluster() {
    echo "test$(pg_major)_$1"
}

stop_clusters() {
    local n
    for n in $(seq "$(lanes)"); do scripts/cluster.sh stop "$(cluster "$n")" >/dev/null 2>&1 || true; done
}

# Their names, those that take long first: an oracle a topic, an attack a file.
checks() {
    local topics attack
    topics=$(cd tests && python3 -m oracle --topics | sed 's|^|oracle/|')
    if [ -n "$only" ]; then
        say docs
        { grep -E "^oracle/$only(\.|$)" <<<"$topics" || true; }
        return
    fi
    say folds plans
    for attack in tests/attack/*.py; do
        if grep -q '^if __name__ ==' "$attack"; then basename "$attack" .py | sed 's|^|attack/|'; fi
    done
    say docs "$topics" vectors dump
}

check() {
    local pages=(README.md docs/*.md)
    use_cluster "$(cluster "$2")"
    case $1 in
        docs)
            if [ -n "$only" ]; then pages=("docs/$only.md"); fi
            timeout 900 python3 tests/docs.py --template demo_log "${pages[@]}"
            ;;
        oracle/*)
            cd tests
            timeout 900 python3 -m oracle "${1#oracle/}" --self-test
            timeout 900 python3 -m oracle "${1#oracle/}" ${CASES:+--cases "$CASES"}
            ;;
        *) timeout 900 python3 "tests/$1.py" ;;
    esac
}

run_side_by_side() {
    local name pid lane log started
    local -A name_of=() lane_of=() started_at=()
    local free=()
    mapfile -t free < <(seq "$(lanes)")
    for name in "$@"; do
        if [ ${#free[@]} -eq 0 ]; then await; fi
        lane=${free[0]} log=$results/${name//\//_}.log
        free=("${free[@]:1}")
        (set -e; check "$name" "$lane") </dev/null >"$log" 2>&1 &
        name_of[$!]=$name lane_of[$!]=$lane started_at[$!]=$SECONDS
    done
    while [ ${#name_of[@]} -gt 0 ]; do await; done
}

# Waits for the next check that ends, and shows what it printed.
await() {
    local pid status=0 name log
    wait -n -p pid "${!name_of[@]}" || status=$?
    name=${name_of[$pid]} log=$results/${name_of[$pid]//\//_}.log
    say "" "== $name"
    cat "$log"
    conclude "$name" "$status" "$log" $((SECONDS - started_at[$pid]))
    free+=("${lane_of[$pid]}")
    unset "name_of[$pid]" "lane_of[$pid]" "started_at[$pid]"
}

main "$@"

#!/usr/bin/env bash
# make attack MINUTES=60: every test of tests/attack, for so long in sum. They take turns, each round with another seed, on
# a private cluster of their own, until the time is up; the first round is always finished. A table of all tries follows.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

minutes=${1:-60}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || die "MINUTES is \"$minutes\"; give a number of minutes: make attack MINUTES=60"
results=$target_dir/attack
cluster=test-attack
# The time is looked at between tests: one that hangs must not use it all.
limit=1800
attacks=()
declare -A tries=() failures=() passed=() spent=()

# What a test is given in place of its short form; SEED is the number of the round.
declare -A options=(
    [arguments]="--seed SEED --cases 1000"
    [crash]="--minutes 5"
    [scaling]="--n 10000"
    [sqlsmith]="--seed SEED --queries 5000"
)

main() {
    local round=0 name
    scripts/setup.sh tests
    scripts/build.sh
    scripts/server.sh
    mapfile -t attacks < <(grep -l '^if __name__ ==' tests/attack/*.py | xargs -n 1 basename -s .py)
    rm -rf "$results"
    mkdir -p "$results"
    trap 'scripts/cluster.sh remove "$cluster" >/dev/null' EXIT
    while [ "$round" -eq 0 ] || [ "$SECONDS" -lt $((60 * minutes)) ]; do
        round=$((round + 1))
        for name in "${attacks[@]}"; do
            if [ "$round" -gt 1 ] && [ "$SECONDS" -ge $((60 * minutes)) ]; then break; fi
            attack "$name" "$round"
        done
    done
    report
}

# A cluster that is new each time: what one test leaves is in no other's way.
attack() {
    local name=$1 seed=$2 log=$results/$1.$2.log started=$SECONDS status=0 given done_well failed
    given=${options[$name]:-}
    given=${given//SEED/$seed}
    say "== $name $given"
    scripts/cluster.sh remove "$cluster"
    scripts/cluster.sh start "$cluster" >/dev/null
    # shellcheck disable=SC2086
    (use_cluster "$cluster" && timeout "$limit" python3 "tests/attack/$name.py" $given) </dev/null >"$log" 2>&1 || status=$?
    read -r done_well failed < <(closing "$log")
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((done_well + failed)) -eq 0 ]; then failed=1; fi
    if [ "$failed" -gt 0 ]; then
        say "exit status $status, see $log"
        tail -n 60 "$log"
    fi
    tries[$name]=$((${tries[$name]:-0} + 1))
    passed[$name]=$((${passed[$name]:-0} + done_well))
    failures[$name]=$((${failures[$name]:-0} + failed))
    spent[$name]=$((${spent[$name]:-0} + SECONDS - started))
}

# The last line of each test: 12 passed, 0 failed
closing() {
    sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$1" | awk '{ p = $1; f = $2 } END { print p + 0, f + 0 }'
}

report() {
    local name total_passed=0 total_failed=0
    say "" "$(printf '%-16s %6s %9s %9s %9s' attack runs passed failed seconds)"
    for name in "${attacks[@]}"; do
        [ -n "${tries[$name]:-}" ] || continue
        printf '%-16s %6d %9d %9d %9d\n' "$name" "${tries[$name]}" "${passed[$name]}" "${failures[$name]}" "${spent[$name]}"
        total_passed=$((total_passed + passed[$name]))
        total_failed=$((total_failed + failures[$name]))
    done
    say "" "$total_passed passed, $total_failed failed"
    [ "$total_failed" -eq 0 ]
}

main

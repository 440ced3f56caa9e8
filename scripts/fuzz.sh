#!/usr/bin/env bash
# Throws mutated bytes at every decoder, FUZZ_SECONDS (60) each, as many at a time as there are processors. It begins with
# the inputs of core/fuzz/corpus/TARGET; what it finds on top goes to target/fuzz/corpus/TARGET and is there again next
# time. `fuzz.sh keep` adds to core/fuzz/corpus those of them that reach code no other input reaches.
# The last line is `N passed, N failed`, counting targets.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

seconds=${FUZZ_SECONDS:-60}
work=$target_dir/fuzz

main() {
    local targets target
    mapfile -t targets < <(find core/fuzz/fuzz_targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | LC_ALL=C sort)
    for target in "${targets[@]}"; do mkdir -p "$work/corpus/$target" "core/fuzz/corpus/$target"; done
    if ! cargo fuzz --version >/dev/null 2>&1; then
        say "Compiling cargo-fuzz, once (usually a minute)"
        cargo install --quiet --locked cargo-fuzz </dev/null
    fi
    cargo_fuzz build
    case ${1:-} in
        '') fuzz_all ;;
        keep) for target in "${targets[@]}"; do keep "$target"; done ;;
        *) die "usage: scripts/fuzz.sh [keep]" ;;
    esac
}

# Without a sanitizer it tries seven times as many inputs a second, and a decoder without unsafe code fails by panics, which
# need none. RUSTC_BOOTSTRAP: cargo-fuzz uses flags that a stable compiler does not take from everybody.
cargo_fuzz() {
    local action=$1
    shift
    RUSTC_BOOTSTRAP=1 cargo fuzz "$action" --fuzz-dir core/fuzz --target-dir "$work/build" --sanitizer none "$@" </dev/null
}

fuzz_all() {
    local running=0 passed=0 failed=0
    say "Fuzzing ${#targets[@]} decoders, $seconds s each, $(nproc) at a time"
    for target in "${targets[@]}"; do
        if [ "$running" -eq "$(nproc)" ]; then
            wait -n
            running=$((running - 1))
        fi
        (if fuzz "$target"; then say ok; fi) >"$work/$target.verdict" &
        running=$((running + 1))
    done
    wait
    for target in "${targets[@]}"; do
        if grep -qx ok "$work/$target.verdict"; then
            passed=$((passed + 1))
            say "ok      $target: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$work/$target.log") inputs"
        else
            failed=$((failed + 1))
            say "FAILED  $target"
            tail -n 40 "$work/$target.log"
        fi
    done
    say "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# An input that takes 10 seconds or 2 GB is a failure like a panic.
fuzz() {
    local target=$1
    cargo_fuzz run "$target" "$work/corpus/$target" "core/fuzz/corpus/$target" -- -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 >"$work/$target.log" 2>&1
}

keep() {
    local target=$1
    cargo_fuzz run "$target" "core/fuzz/corpus/$target" "$work/corpus/$target" -- -merge=1
}

main "$@"

#!/usr/bin/env bash
# Throws mutated bytes at every decoder, FUZZ_SECONDS (60) each, as many at a time as there are processors. It begins with
# the inputs of core/fuzz/corpus/TARGET; what it finds on top goes to target/fuzz/corpus/TARGET and is there again next
# time. `fuzz.sh keep` adds to core/fuzz/corpus those of them that reach code no other input reaches.
# The last line is `N passed, N failed`, counting targets.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

seconds=${FUZZ_SECONDS:-60}
work=$target_dir/fuzz
export CARGO_TARGET_DIR=$work/build

# Without a sanitizer it tries seven times as many inputs a second, and safe Rust hides little from panics and overflow
# checks. cargo-fuzz asks for flags that a stable compiler allows only so.
cargo_fuzz() {
    local command=$1
    shift
    RUSTC_BOOTSTRAP=1 cargo fuzz "$command" --fuzz-dir core/fuzz --sanitizer none "$@" </dev/null
}

list_targets() {
    find core/fuzz/fuzz_targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | LC_ALL=C sort
}

# fuzz TARGET: leaves its log in target/fuzz
fuzz() {
    local target=$1
    mkdir -p "$work/corpus/$target" "core/fuzz/corpus/$target"
    # A decoder must not need more memory than a backend would give it.
    cargo_fuzz run "$target" "$work/corpus/$target" "core/fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -verbosity=1 >"$work/$target.log" 2>&1
}

keep() {
    local target=$1
    mkdir -p "$work/corpus/$target" "core/fuzz/corpus/$target"
    cargo_fuzz run "$target" "core/fuzz/corpus/$target" "$work/corpus/$target" -- -merge=1
}

#!/usr/bin/env bash
# Throws mutated bytes at every decoder, FUZZ_SECONDS (60) each, as many at a time as there are processors. It begins with
# the inputs of core/fuzz/corpus/TARGET.tar.gz; what it finds on top goes to target/fuzz/corpus/TARGET and is there again
# next time. The last line is `N passed, N failed`, counting targets.
#
# `fuzz.sh keep` adds to the packs of core/fuzz/corpus those of them that reach code no other input reaches, and every file
# there that has a name: the fuzzer's own are named by 40 hexadecimal digits. A target gets its first pack in this way, too.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

seconds=${FUZZ_SECONDS:-60}
packs=core/fuzz/corpus
work=$target_dir/fuzz
# Options from elsewhere would make other bytes of the same inputs.
unset TAR_OPTIONS GZIP

main() {
    local targets target action=$*
    [[ $action =~ ^(keep)?$ ]] || die "usage: scripts/fuzz.sh [keep]"
    mapfile -t targets < <(find core/fuzz/fuzz_targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | LC_ALL=C sort)
    check_packs
    for target in "${targets[@]}"; do
        mkdir -p "$work/corpus/$target"
        unpack "$target"
        if [ "$action" = keep ]; then copy_named "$target"; fi
        [ -n "$(find "$work/seeds/$target" -type f -print -quit)" ] ||
            die "no inputs in $packs/$target.tar.gz; name some in $work/corpus/$target, then run scripts/fuzz.sh keep"
    done
    if ! cargo fuzz --version >/dev/null 2>&1; then
        say "Compiling cargo-fuzz, once (usually a minute)"
        cargo install --quiet --locked cargo-fuzz </dev/null
    fi
    cargo_fuzz build
    if [ "$action" = keep ]; then
        for target in "${targets[@]}"; do keep "$target"; done
    else
        fuzz_all
    fi
}

# What no target reads would be tested by nobody, and look as if it were.
check_packs() {
    local entry target
    while IFS= read -r entry; do
        target=${entry%.tar.gz}
        if [ "$entry" = "$target" ] || [ ! -f "core/fuzz/fuzz_targets/$target.rs" ]; then
            die "$packs/$entry is not the pack of a target in core/fuzz/fuzz_targets"
        fi
    done < <(find "$packs" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort)
}

unpack() {
    local target=$1
    rm -rf "$work/seeds/$target"
    mkdir -p "$work/seeds/$target"
    if [ -e "$packs/$target.tar.gz" ]; then
        tar -xzf "$packs/$target.tar.gz" -C "$work/seeds/$target" || die "cannot unpack $packs/$target.tar.gz"
    fi
}

copy_named() {
    local target=$1
    find "$work/corpus/$target" -maxdepth 1 -type f -regextype posix-extended ! -regex '.*/[0-9a-f]{40}' \
        -exec cp -t "$work/seeds/$target" -- {} +
}

# The same inputs give the same bytes: nothing of the file system is in them but names and contents.
pack() {
    local target=$1
    find "$work/seeds/$target" -type f -printf '%P\0' | LC_ALL=C sort -z |
        tar -cf - -C "$work/seeds/$target" --format=ustar --mode=644 --mtime=@0 --owner=0 --group=0 --numeric-owner \
            --no-recursion --null --files-from=- | gzip -n -9 >"$work/$target.tar.gz"
    mkdir -p "$packs"
    mv "$work/$target.tar.gz" "$packs/$target.tar.gz"
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
    cargo_fuzz run "$target" "$work/corpus/$target" "$work/seeds/$target" -- -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 >"$work/$target.log" 2>&1
}

keep() {
    local target=$1
    cargo_fuzz run "$target" "$work/seeds/$target" "$work/corpus/$target" -- -merge=1
    pack "$target"
    say "$packs/$target.tar.gz: $(find "$work/seeds/$target" -type f | wc -l) inputs"
}

main "$@"

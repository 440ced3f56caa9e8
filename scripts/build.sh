#!/usr/bin/env bash
# Builds the extension for the PostgreSQL of $PG_CONFIG, in release mode, as a tree of files to install:
# target/package/pgNN/usr/lib/… and so on.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

package=$target_dir/package/pg$(pg_major)
use_pgrx
if [ ! -d "$package" ]; then say "Building user_metrics in release mode (usually 4 minutes the first time)"; fi
rm -rf "$package.new"
# Its own remarks say nothing when all goes well; the compiler's are let through.
cargo pgrx package --pg-config "$PG_CONFIG" --out-dir "$package.new" </dev/null 2>&1 >/dev/null |
    { grep -vE 'Using|Finished|Discovered|Writing' || true; } >&2
rm -rf "$package"
mv "$package.new" "$package"

# The generator of the demonstration log.
cargo build --quiet --release -p demo_log </dev/null

#!/usr/bin/env bash
# make install: builds the extension and installs it into the existing server of $PG_CONFIG.
if [ -z "${PG_CONFIG:-}" ]; then
    {
        echo "error: say which server: make install PG_CONFIG=/path/to/pg_config"
        for found in /usr/lib/postgresql/*/bin/pg_config /usr/local/pgsql/bin/pg_config; do
            if [ -x "$found" ]; then echo "found here: $found ($("$found" --version))"; fi
        done
    } >&2
    exit 1
fi
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/build.sh

package=$target_dir/package/pg$(pg_major)
(cd "$package" && find . -type f -printf '%P\0') | while IFS= read -r -d '' file; do
    # install(1) makes a new file, so that a backend that has the old library loaded keeps it.
    if [ -w "/${file%/*}" ]; then install -m 644 "$package/$file" "/$file"; else as_root install -m 644 "$package/$file" "/$file"; fi
    say "installed /$file"
done
say "Next, in the database that holds your request log: CREATE EXTENSION user_metrics;"

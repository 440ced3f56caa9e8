#!/usr/bin/env bash
# make demo: from an empty machine to the first answers over a generated request log.
# demo.sh psql opens psql on it, demo.sh stop stops its server.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

database=demo

# A data directory belongs to one major version.
cluster() {
    echo "demo$(pg_major)"
}

main() {
    scripts/setup.sh
    scripts/build.sh
    scripts/server.sh
    scripts/cluster.sh start "$(cluster)"
    use_cluster "$(cluster)"
    create_database
    create_extension
    load_log
    psql -X -q -P pager=off -v ON_ERROR_STOP=1 -f demo/tour.sql
    say_how_to_go_on
}

# What the database was made from goes to target/demo: a second `make demo` repeats only what has changed since.
create_database() {
    stamps=$target_dir/demo/pg$(pg_major)
    if ! holds "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '$database')"; then
        rm -rf "$stamps"
        sql -c "CREATE DATABASE $database"
    fi
    mkdir -p "$stamps"
    export PGDATABASE=$database
}

create_extension() {
    local build
    build=$(cd "$target_dir/package/pg$(pg_major)" && find . -type f -exec sha256sum {} + | sort)
    if made_from extension "$build" && holds "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'user_metrics')"; then
        return
    fi
    sql -c "DROP EXTENSION IF EXISTS user_metrics CASCADE" -c "CREATE EXTENSION user_metrics"
    echo "$build" >"$stamps/extension"
}

load_log() {
    local sources
    sources=$(sha256sum demo/src/*.rs demo/schema.sql demo/load.sh)
    if made_from log "$sources" && holds "SELECT to_regclass('request_log') IS NOT NULL"; then return; fi
    say "Generating the demo log: 500,000 requests of 5,000 users (usually 15 seconds)"
    sql -c "DROP TABLE IF EXISTS request_log CASCADE"
    demo/load.sh --table request_log
    echo "$sources" >"$stamps/log"
}

made_from() {
    [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ]
}

holds() {
    [ "$(sql -At -c "$1")" = t ]
}

sql() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 "$@" </dev/null
}

say_how_to_go_on() {
    say "" "The server keeps running. To go on, make psql, or:"
    say "    $("$PG_CONFIG" --bindir)/psql -h $(printf '%q' "$PGHOST") -p $PGPORT -U $PGUSER $database"
    say "To stop it: make stop. To remove it: make clean."
}

case ${1:-} in
    '') main ;;
    psql)
        scripts/cluster.sh start "$(cluster)"
        use_cluster "$(cluster)"
        PGDATABASE=$database exec psql
        ;;
    stop) scripts/cluster.sh stop "$(cluster)" ;;
    *) die "usage: scripts/demo.sh [psql|stop]" ;;
esac

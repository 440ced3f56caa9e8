#!/usr/bin/env bash
# make bench: measures on a log of that many requests, in a private server of its own.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

rows=${1:-10000000}
[[ $rows =~ ^[1-9][0-9]*$ ]] || die "N is \"$rows\"; give a number of requests: make bench N=10000000"
venv=$target_dir/bench-venv
cluster=bench

main() {
    scripts/setup.sh
    scripts/build.sh
    scripts/server.sh
    install_engines
    cluster=bench$(pg_major)
    scripts/cluster.sh start "$cluster"
    trap 'scripts/cluster.sh stop "$cluster" >/dev/null' EXIT
    use_cluster "$cluster"
    tune
    PGDATABASE=bench "$venv/bin/python3" bench/run.py --rows "$rows"
}

install_engines() {
    "$venv/bin/python3" -c 'import duckdb, chdb' 2>/dev/null && return
    say "Installing DuckDB and ClickHouse from PyPI (usually a minute)"
    python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null ||
        as_root apt-get install -y -qq --no-install-recommends python3-venv </dev/null
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet duckdb==2.0.0 chdb==4.4.0 </dev/null
}

# The logs in shared buffers: 320 bytes a request, 50 in the narrow one, and some for what else is there.
tune() {
    local setting megabytes=$((rows / 2000 + 256))
    for setting in "shared_buffers = '${megabytes}MB'" "huge_pages = try" "jit = off" "autovacuum = off" "fsync = off" \
        "max_parallel_workers = 8" "maintenance_work_mem = '1GB'" "max_wal_size = '8GB'" "effective_cache_size = '12GB'"; do
        psql -X -q -c "ALTER SYSTEM SET $setting"
    done
    psql -X -q -t -A -c "SELECT 1 FROM pg_database WHERE datname = 'bench'" | grep -q 1 || psql -X -q -c "CREATE DATABASE bench"
    scripts/cluster.sh stop "$cluster"
    scripts/cluster.sh start "$cluster"
    use_cluster "$cluster"
}

main

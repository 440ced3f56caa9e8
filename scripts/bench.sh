#!/usr/bin/env bash
# make bench: runs bench/run.py on a log of that many requests, against the private server.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

rows=${1:-10000000}
[[ $rows =~ ^[1-9][0-9]*$ ]] || die "N is \"$rows\"; give a number of requests: make bench N=10000000"
scripts/setup.sh
scripts/build.sh
scripts/server.sh
PG_CONFIG=$(private_pg_config server) exec python3 bench/run.py --rows "$rows"

#!/usr/bin/env bash
# Generates the demonstration log and loads it into a new table, all in one transaction.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: demo/load.sh [--table request_log] [--no-indexes] [--unlogged] [-- generator arguments]
Connects as psql does (PGHOST, PGPORT, PGUSER, PGDATABASE). DEMO_LOG names the generator's binary; the
default is target/release/demo_log. A table that already exists is left alone: that is an error.
TEXT
}

fail() {
    echo "load.sh: $*" >&2
    exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
generator=${DEMO_LOG:-$here/../target/release/demo_log}
table=request_log
indexes=true
unlogged=

while (($#)); do
    case $1 in
        --table)
            (($# > 1)) || fail "--table needs a name"
            table=$2
            shift
            ;;
        --no-indexes) indexes=false ;;
        --unlogged) unlogged=UNLOGGED ;;
        -h | --help)
            usage
            exit
            ;;
        --)
            shift
            break
            ;;
        *)
            usage >&2
            fail "unknown argument \"$1\""
            ;;
    esac
    shift
done

[[ -x $generator ]] || fail "no generator at $generator; build it with: cargo build --release -p demo_log"

# A psql script with the data inside. When the generator fails, the script ends before COMMIT and nothing stays.
# FREEZE needs the table made in the same transaction: the rows are visible to all at once and never rewritten.
script() {
    cat <<'SQL'
BEGIN;
SET LOCAL maintenance_work_mem = '512MB';
\ir schema.sql
COPY :"table" FROM STDIN WITH (FREEZE);
SQL
    "$generator" "$@" || exit
    printf '\\.\n'
    cat <<'SQL'
\echo :ROW_COUNT
\if :indexes
ALTER TABLE :"table" ADD PRIMARY KEY (id);
CREATE INDEX ON :"table" (created_at);
CREATE INDEX ON :"table" (user_id, created_at);
\endif
ANALYZE :"table";
COMMIT;
SQL
}

run_psql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -v table="$table" -v indexes="$indexes" -v unlogged="$unlogged"
}

exists=$(run_psql <<<"SELECT to_regclass(quote_ident(:'table')) IS NOT NULL")
[[ $exists == f ]] || fail "table \"$table\" exists already: drop it, or name another with --table"

cd "$here"
started=$EPOCHREALTIME
rows=$(script "$@" | run_psql)
elapsed=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
printf 'loaded %s rows into %s in %d.%03d s\n' "$rows" "$table" $((elapsed / 1000)) $((elapsed % 1000))

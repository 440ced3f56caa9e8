# shellcheck shell=bash
# What the scripts share: where things are, who runs what, how to speak. To be sourced.

set -euo pipefail
umask 022
# A make above us must not hand its job slots to cargo, nor a shell its directories to cd.
unset MAKEFLAGS MFLAGS MAKELEVEL CDPATH

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root_dir"
mkdir -p "${CARGO_TARGET_DIR:=target}"
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd -P)
export CARGO_TARGET_DIR
target_dir=$CARGO_TARGET_DIR
# The generator of the demonstration log, for demo/load.sh.
export DEMO_LOG=$target_dir/release/demo_log

# Tools that only this checkout uses come first, rustup's cargo is found even where no profile was read.
export PATH="$target_dir/tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

debian_pg_config=/usr/lib/postgresql/15/bin/pg_config
PG_CONFIG=${PG_CONFIG:-$debian_pg_config}
PG_CONFIG=$(command -v "$PG_CONFIG" || printf '%s' "$PG_CONFIG")
export PG_CONFIG

say() {
    printf '%s\n' "$@"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "only root can do this, and there is no sudo: $*"
    fi
}

# PostgreSQL refuses to run as root: there its servers run as the user postgres. A PGHOST or PGDATA of the caller must not
# lead it elsewhere.
as_server() {
    local command=(env -u PGDATA -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PGOPTIONS LC_ALL=C.UTF-8 "$@")
    if [ "$EUID" -eq 0 ]; then
        (cd / && exec runuser -u postgres -- "${command[@]}") </dev/null
    else
        "${command[@]}" </dev/null
    fi
}

# 15 for the PostgreSQL 15 of $PG_CONFIG
pg_major() {
    "$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'
}

# The directory of the private server and its clusters. It is target/private, unless PostgreSQL could not work there:
# root's server runs as postgres, who may not be allowed into the checkout, and the name of a Unix socket has at most
# 107 bytes. Then it is a directory in /var/tmp that target/private points to.
private_dir() {
    local link=$target_dir/private directory
    if [ ! -e "$link" ]; then
        if [ -L "$link" ]; then rm "$link"; fi
        if usable_for_server "$target_dir" "$link/cluster/demo15/.s.PGSQL.00000"; then
            mkdir "$link"
        else
            directory=/var/tmp/user_metrics-$EUID-$(printf '%s' "$link" | sha256sum | cut -c 1-12)
            if ! mkdir "$directory" 2>/dev/null && { [ -L "$directory" ] || [ ! -O "$directory" ]; }; then
                die "$directory exists and is not ours"
            fi
            ln -s "$directory" "$link"
            say "PostgreSQL cannot work in $target_dir: the private server lives in $directory" >&2
        fi
    fi
    (cd "$link" && pwd -P)
}

usable_for_server() {
    local directory=$1 socket=$2
    [[ ${#socket} -le 107 && $socket != *[\',]* ]] && as_server test -x "$directory"
}

# pg_config of the private server of that name, see scripts/server.sh
private_pg_config() {
    printf '%s/%s%s/pg_config\n' "$(private_dir)" "$1" "$("$PG_CONFIG" --bindir)"
}

# Points libpq's programs at a running cluster of scripts/cluster.sh.
use_cluster() {
    unset PGDATA PGOPTIONS PGSERVICE PGPASSWORD PGHOSTADDR
    PGHOST=$(private_dir)/cluster/$1
    PGPORT=$(sed -n 4p "$PGHOST/data/postmaster.pid")
    PATH=$("$PG_CONFIG" --bindir):$PATH
    export PGHOST PGPORT PGUSER=postgres PGDATABASE=postgres PATH
}

# The version of pgrx this project is pinned to; cargo-pgrx must be the same.
pgrx_version() {
    sed -nE 's/^pgrx = "=([0-9.]+)"$/\1/p' Cargo.toml
}

# pgrx finds PostgreSQL through ~/.pgrx/config.toml. Where that names another server for this version, or none,
# PGRX_PG_CONFIG_PATH overrules it; where it names this one we set nothing, so that a cargo command typed by hand and one
# of these scripts share their build.
use_pgrx() {
    local configured
    configured=$(sed -nE "s/^pg$(pg_major) = \"(.*)\"\$/\1/p" "${PGRX_HOME:-$HOME/.pgrx}/config.toml" 2>/dev/null || true)
    unset PGRX_PG_CONFIG_PATH
    if [ ! -x "$configured" ] || [ "$("$configured" --includedir-server)" != "$("$PG_CONFIG" --includedir-server)" ]; then
        export PGRX_PG_CONFIG_PATH=$PG_CONFIG
    fi
}

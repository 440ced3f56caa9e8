#!/usr/bin/env bash
# Private PostgreSQL clusters: cluster.sh start|stop|status|remove NAME. Each has its own data directory and listens on a
# Unix socket only, in a directory that only its owner (and root) can enter.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

[ $# -eq 2 ] || die "usage: scripts/cluster.sh start|stop|status|remove NAME"
action=$1 name=$2
private_dir=$(private_dir)
directory=$private_dir/cluster/$name
data=$directory/data

program() {
    local program=$1
    shift
    as_server "$private_dir/server$("$PG_CONFIG" --bindir)/$program" "$@"
}

running() {
    [ -d "$data" ] && program pg_ctl status -D "$data" >/dev/null 2>&1
}

create() {
    say "Creating the private cluster $directory"
    mkdir -p "${directory%/*}"
    if [ "$EUID" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || die "root's servers run as the user postgres, and there is none"
        install -d -m 700 -o postgres "$directory"
    else
        install -d -m 700 "$directory"
    fi
    # A data directory that lost its way half through is begun again.
    rm -rf "$data"
    program initdb -D "$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    settings >>"$data/postgresql.conf"
}

settings() {
    cat <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$directory'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '256MB'
max_wal_size = '4GB'
synchronous_commit = off
SETTINGS
    # Nobody minds if a crash of the machine takes the tests' data.
    if [[ $name = test* ]]; then echo "fsync = off"; fi
}

# Nothing listens on it: the port only ends the socket's name. But one that another server has would confuse people.
free_port() {
    local port=54320
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || compgen -G "/var/run/postgresql/.s.PGSQL.$port" >/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

start() {
    if running; then return; fi
    [ -d "$private_dir/server" ] || die "there is no private server yet: make demo creates it"
    if [ ! -f "$data/postmaster.opts" ]; then create; fi
    if ! program pg_ctl start --wait --silent -D "$data" --log="$directory/log" --options="-p $(free_port)"; then
        tail -n 20 "$directory/log" >&2
        die "the private server did not start; make clean removes it, to begin again"
    fi
}

stop() {
    if running; then program pg_ctl stop --wait --silent --mode=fast -D "$data"; fi
}

status() {
    if running; then
        say "the private cluster $name runs: socket $directory, port $(sed -n 4p "$data/postmaster.pid")"
    else
        say "the private cluster $name does not run"
        return 1
    fi
}

remove() {
    stop
    rm -rf "$directory"
}

case $action in
    start | stop | status | remove) "$action" ;;
    *) die "unknown action $action: start, stop, status or remove" ;;
esac

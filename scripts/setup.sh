#!/usr/bin/env bash
# Installs what building needs and this machine lacks; `setup.sh tests` also what testing needs. What is there already is left
# as it is.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

purpose=${1:-}

missing_packages() {
    if [ "$PG_CONFIG" = "$debian_pg_config" ]; then
        [ -x "${PG_CONFIG%/*}/postgres" ] || echo postgresql-15
        [ -f /usr/include/postgresql/15/server/postgres.h ] || echo postgresql-server-dev-15
    fi
    # bindgen reads the server's headers through libclang, and the clang program tells it where the system's headers are.
    if [ -z "${LIBCLANG_PATH:-}" ] && ! compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null; then echo libclang-dev; fi
    command -v clang >/dev/null || echo clang
    # rustc links with cc, cargo-fuzz builds libFuzzer with c++.
    { command -v cc && command -v c++; } >/dev/null || echo build-essential
    command -v python3 >/dev/null || echo python3
    # Some oracles of the tests are packages of Python, in an environment of their own.
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    if [ "$purpose" = tests ]; then command -v sqlsmith >/dev/null || echo sqlsmith; fi
    # root needs it too: `cargo pgrx test --runas` goes through it.
    command -v sudo >/dev/null || echo sudo
    # cargo-pgrx is compiled against OpenSSL.
    if ! has_cargo_pgrx; then
        command -v pkg-config >/dev/null || echo pkg-config
        [ -f /usr/include/openssl/ssl.h ] || echo libssl-dev
    fi
}

has_cargo_pgrx() {
    [ "$(cargo pgrx --version 2>/dev/null)" = "cargo-pgrx $(pgrx_version)" ]
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this machine lacks what Debian calls ${packages[*]}, and has no apt to install it"
    if [ "$EUID" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "packages are missing; have root run: apt-get install -y ${packages[*]}"
    fi
    say "Installing from apt: ${packages[*]} (usually a minute or two)"
    forbid_system_cluster
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null
    allow_system_cluster
}

# Debian's server package creates and starts a cluster for the whole system when it is first installed. Nobody asked for
# one here, so it is told not to for as long as our apt-get runs.
cluster_rule=/etc/postgresql-common/createcluster.d/user_metrics.conf

forbid_system_cluster() {
    as_root mkdir -p "${cluster_rule%/*}"
    trap allow_system_cluster EXIT
    say 'create_main_cluster = false' | as_root tee "$cluster_rule" >/dev/null
}

allow_system_cluster() {
    as_root rm -f "$cluster_rule"
    trap - EXIT
}

check_server() {
    local major
    [ -x "$PG_CONFIG" ] || die "there is no pg_config at $PG_CONFIG"
    major=$(pg_major)
    [ "$major" -ge 15 ] || die "$PG_CONFIG is of PostgreSQL $major; user_metrics needs 15 or later"
    grep -q "^pg$major = " Cargo.toml || die "$PG_CONFIG is of PostgreSQL $major, which user_metrics does not know yet"
    [ -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ] ||
        die "the server headers of PostgreSQL $major are missing (Debian: apt install postgresql-server-dev-$major)"
}

# A cargo-pgrx of another version may serve another project: it stays, and ours goes to target/tools.
install_cargo_pgrx() {
    local where=()
    has_cargo_pgrx && return
    if cargo pgrx --version >/dev/null 2>&1; then where=(--root "$target_dir/tools"); fi
    say "Compiling cargo-pgrx $(pgrx_version), once (usually 5 minutes)"
    env -u CARGO_TARGET_DIR cargo install --quiet --locked cargo-pgrx --version "$(pgrx_version)" "${where[@]}" </dev/null
}

# For cargo commands typed by hand; these scripts would do without. An entry that is there is not ours to change.
init_pgrx() {
    local label config=${PGRX_HOME:-$HOME/.pgrx}/config.toml ports=() port
    label=pg$(pg_major)
    grep -q "^$label = " "$config" 2>/dev/null && return
    for port in base_port base_testing_port; do
        # cargo pgrx init forgets these unless it is told them again.
        ports+=("$(sed -nE "s/^$port = ([0-9]+)\$/--${port//_/-}=\1/p" "$config" 2>/dev/null || true)")
    done
    # shellcheck disable=SC2068 # an absent port is no argument at all
    cargo pgrx init "--$label=$PG_CONFIG" --no-run ${ports[@]} </dev/null >/dev/null
}

command -v cargo >/dev/null || die "cargo is missing; install Rust from https://rustup.rs, then run this again"
# The server of somebody else's choice must do as it is; the usual one is installed if it is missing.
if [ "$PG_CONFIG" != "$debian_pg_config" ]; then check_server; fi
install_packages
check_server
install_cargo_pgrx
init_pgrx

#!/usr/bin/env bash
# Makes the private server: a copy of the server programs of $PG_CONFIG in target/private/server, with the extension
# installed in it. PostgreSQL finds its files relative to its own program, so the copy has directories of its own for
# extensions: no root is needed to install there, and no other server on this machine sees what is being tried here.
# With a NAME it is target/private/NAME.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

server=$(private_dir)/${1:-server}
bindir=$("$PG_CONFIG" --bindir)

copy_server() {
    local directory
    cmp -s "$bindir/postgres" "$server$bindir/postgres" && return
    # The programs look where they are, so they are copied; everything else may be links to the originals.
    for directory in "$bindir" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)" "$("$PG_CONFIG" --includedir-server)"; do
        rm -rf "$server$directory"
        mkdir -p "$server${directory%/*}"
        if [ "$directory" = "$bindir" ]; then
            cp -r "$directory" "$server$directory"
        else
            cp -rs "$directory" "$server$directory"
        fi
    done
}

install_extension() {
    local package file
    package=$target_dir/package/pg$(pg_major)
    # An extension of this name that the original server has is not the one being tried.
    find "$server" -name 'user_metrics*' -type l -delete
    (cd "$package" && find . -type f -printf '%P\0') | while IFS= read -r -d '' file; do
        # A backend that has the old library loaded keeps it, and one that starts now finds the old or the new one, whole.
        cmp -s "$package/$file" "$server/$file" || {
            install -D -m 644 "$package/$file" "$server/$file.new"
            mv -f "$server/$file.new" "$server/$file"
        }
    done
}

copy_server
install_extension

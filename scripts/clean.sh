#!/usr/bin/env bash
# make clean: stops the private clusters and removes everything that was built.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

if [ -e "$target_dir/private" ]; then
    private_dir=$(private_dir)
    for cluster in "$private_dir"/cluster/*/; do
        if [ -d "$cluster" ]; then scripts/cluster.sh remove "$(basename "$cluster")"; fi
    done
    rm -rf "$private_dir"
fi
rm -rf "$target_dir" core/fuzz/target

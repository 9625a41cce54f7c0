# shellcheck shell=bash
# Runs commands beside others, for scripts that would otherwise wait. To be sourced.
#
#   beside NAME COMMAND…     starts a command; what it prints is kept
#   gather                   waits for all of them, prints what each printed, and fails if one failed
#
# What still runs when the script ends, is stopped.

BESIDE=$(mktemp -d)
declare -A BESIDE_JOBS=()
trap 'stop_beside; rm -rf "$BESIDE"' EXIT

beside() {
    local name=$1
    shift
    # In a process group of its own, so that all of it can be stopped.
    set -m
    "$@" > "$BESIDE/$name" 2>&1 &
    BESIDE_JOBS[$name]=$!
    set +m
}

gather() {
    local name code failed=()
    for name in "${!BESIDE_JOBS[@]}"; do
        code=0
        wait "${BESIDE_JOBS[$name]}" || code=$?
        unset "BESIDE_JOBS[$name]"
        echo "== $name"
        cat "$BESIDE/$name"
        [ "$code" = 0 ] || failed+=("$name (exit code $code)")
    done
    [ ${#failed[@]} = 0 ] || { printf 'FAILED: %s\n' "${failed[@]}" >&2; return 1; }
}

stop_beside() {
    local job
    for job in "${BESIDE_JOBS[@]}"; do
        kill -- "-$job" 2> /dev/null || true
    done
}

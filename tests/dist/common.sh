# shellcheck shell=bash disable=SC2034 # what is set here is read by those who source it
# What the packaging scripts share. Sourced from the checkout's top.

# Older ones, as macOS has them, take an empty list for an unset one.
case $BASH_VERSION in
    [123].* | 4.[0-3].*)
        echo "$(basename "$0"): bash $BASH_VERSION is too old; install 4.4 or newer (on a Mac: brew install bash)" >&2
        exit 1
        ;;
esac
# What fails in $(…) fails.
shopt -s inherit_errexit

# Tools that tests/dist/tools has put beside the build.
TOOLS=$PWD/target/dist-tools
export PATH=$TOOLS/bin:$PATH

LINUX="x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu"
WINDOWS="x86_64-pc-windows-gnu"
MACOS="aarch64-apple-darwin x86_64-apple-darwin"
# The oldest glibc that the Linux programs run on: that of RHEL 7 and CentOS 7.
GLIBC=2.17

# Ends with one line that says what to do.
fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Says that something was left out.
skip() {
    echo "SKIPPED: $*" >&2
}

# apart COMMAND…: runs it in a shell of its own that ends at the first failure, and sets CODE to how that ended. Mustn't be called
# behind `if`, `!`, `&&` or `||`: in there, bash goes on after failures, whatever is set.
apart() {
    set +e
    (
        set -e
        "$@"
    )
    CODE=$?
    set -e
}

PASSED=0 SKIPPED=0

# step TITLE COMMAND…: runs one proof; its code 77 says that it can't be done here, any other but 0 ends all.
step() {
    local title=$1
    shift
    echo "== $title"
    apart "$@"
    case $CODE in
        0) PASSED=$((PASSED + 1)) ;;
        77) SKIPPED=$((SKIPPED + 1)) ;;
        *) fail "that failed (code $CODE): $title" ;;
    esac
}

# Ends a proof that this machine can't do.
cannot() {
    echo "SKIPPED: $*"
    exit 77
}

# need COMMAND WHAT-TO-INSTALL
need() {
    command -v "$1" > /dev/null || fail "$1 is missing; install $2"
}

# at_least VERSION WANTED
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]
}

# The version of Cargo.toml.
version() {
    sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml
}

# What an archive for a target is called, without its ending.
archive_name() {
    case $1 in
        x86_64-unknown-linux-gnu) echo "node-tool-$(version)-linux-x86_64" ;;
        aarch64-unknown-linux-gnu) echo "node-tool-$(version)-linux-aarch64" ;;
        x86_64-pc-windows-gnu) echo "authorizer-$(version)-windows-x86_64" ;;
        aarch64-apple-darwin) echo "authorizer-$(version)-macos-aarch64" ;;
        x86_64-apple-darwin) echo "authorizer-$(version)-macos-x86_64" ;;
        *) fail "'$1' is not a target; there are: $LINUX $WINDOWS $MACOS" ;;
    esac
}

# The programs that a target gets: the login node runs Linux, a laptop anything.
programs() {
    case $1 in
        *linux*) echo "node-tool authorizer" ;;
        *) echo "authorizer" ;;
    esac
}

# Debian's name of a processor.
debian_arch() {
    case $1 in
        x86_64-*) echo amd64 ;;
        aarch64-*) echo arm64 ;;
    esac
}

# Chooses a compiler that can build for a target: sets STD to the flags that its standard library needs, and RUSTC to a compiler
# with the library's source where the toolchain has none for it.
choose_std() {
    local target=$1 compiler
    STD=()
    unset RUSTC RUSTC_BOOTSTRAP
    if compgen -G "$(rustc --print target-libdir --target "$target")/libstd-*" > /dev/null; then
        return
    fi
    for compiler in ${DIST_RUSTC:-rustc /usr/bin/rustc}; do
        if [ -d "$("$compiler" --print sysroot 2> /dev/null)/lib/rustlib/src/rust/library/std" ]; then
            # The library is built along; this flag of cargo's is not stable yet.
            export RUSTC=$compiler RUSTC_BOOTSTRAP=1
            STD=(-Z "build-std=std,panic_abort")
            return
        fi
    done
    fail "the toolchain has no standard library for $target; install it: rustup target add $target (or its source: apt-get install rustc-web rust-web-src)"
}

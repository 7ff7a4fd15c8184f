# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# Builds outside of the source tree's own folders, below $build. Needs say.sh.

top=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
build=$top/build
cores=$(nproc)

# Makes configure and Makefile.in where they are missing or older than what they are made from.
make_configure() {
	local newer
	if [[ -x $top/configure && -e $top/Makefile.in ]]; then
		newer=$(cd "$top" && find configure.ac Makefile.am src tests bench systemd doc -newer Makefile.in \
			\( -name local.mk -o -name configure.ac -o -name Makefile.am \))
		[[ -n $newer ]] || return 0
	fi
	(cd "$top" && autoreconf -fi)
}

# Configures the current folder, unless it is with these arguments and by this configure.
configure_here() {
	local wanted
	wanted=$(printf '%q ' "$@")
	[[ -e Makefile && $(cat .configured 2>/dev/null) == "$wanted" && .configured -nt $top/configure ]] && return
	"$top/configure" --quiet "$@" && printf '%s\n' "$wanted" >.configured
}

# Does something while no other process does something with the same lock, a file.
locked() {
	local lock=$1
	shift
	mkdir -p "$(dirname "$lock")" && (flock 8 && "$@" 8>&-) 8>"$lock"
}

bootstrap() { locked "$build/.lock" make_configure; }

configure_and_make() {
	local folder=$1 targets=()
	shift
	while [[ $1 != -- ]]; do
		targets+=("$1")
		shift
	done
	shift
	cd "$folder" && configure_here "$@" && make -s V=1 -j "$cores" "${targets[@]}"
}

# Builds targets of the Makefile (none: the default) in a folder that is configured with some arguments.
#   build_in FOLDER [TARGET...] -- [CONFIGURE-ARGUMENT...]
build_in() { locked "$1/.lock" configure_and_make "$@"; }

# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# Debian's packages that building and testing need. Needs say.sh and build.sh.

# a|b: either will do.
build_packages=(gcc libc6-dev make autoconf automake 'pkgconf|pkg-config' libmicrohttpd-dev libgnutls28-dev
	'libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev' libjson-c-dev libsqlite3-dev libinih-dev nettle-dev zlib1g-dev libzstd-dev
	libsystemd-dev)
run_packages=(curl ca-certificates)
test_packages=(check git xz-utils openssl python3 python3-h2 python3-pytest python3-pyflakes python3-redminelib clang clang-format
	libclang-rt-dev cppcheck shellcheck systemd prometheus chromium chromium-driver python3-selenium)

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Those of some packages that are missing, one a line; of alternatives the first.
missing_packages() {
	local choice name
	for choice; do
		for name in ${choice//|/ }; do
			installed "$name" && continue 2
		done
		echo "${choice%%|*}"
	done
}

# Leaves in as_root what a command needs in front to run as root.
become_root() {
	as_root=()
	((EUID)) || return 0
	command -v sudo >/dev/null || die "installing packages needs root or sudo: apt-get install $*"
	as_root=(sudo)
	sudo -v || die "installing packages needs root: apt-get install $*" # asks for the password here, once
}

apt_get() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

update_and_install() {
	apt_get update && apt_get install --no-install-recommends "$@"
}

# Installs what is missing of some packages, if anything is.
install_packages() {
	local missing
	command -v dpkg-query >/dev/null || die "this is for Debian and its relatives; elsewhere, install by hand: $*"
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	become_root "${missing[@]}"
	step "installing ${#missing[@]} packages: ${missing[*]}" update_and_install "${missing[@]}" ||
		die "apt-get could not install them; are Debian's archives within reach?"
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]} == 0)) || die "still missing after apt-get install: ${missing[*]}"
}

# Node's clients of Redmine need it to be installed.
install_npm() { command -v npm >/dev/null || install_packages nodejs npm; }

# Debian's Redmine, with what tools/redmine-instance needs besides.
install_redmine() {
	local missing
	mapfile -t missing < <(missing_packages redmine redmine-sqlite puma)
	((${#missing[@]} == 0)) || become_root "${missing[@]}"
	step "installing Debian's Redmine" "$top/tools/redmine-instance" install || die "Debian's Redmine could not be installed"
}

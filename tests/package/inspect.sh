#!/bin/bash
# Looks into the packages without installing them: what they hold, whose it is, what their scripts do to a copy of the
# folders they would find, and whether the daemon in them runs. Runs in tools/test's stage "package".
#   inspect.sh DAEMON.deb DEVELOPMENT.deb LATER.deb
set -euo pipefail

daemon_package=$1 development_package=$2 later_package=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=$folder/root control=$folder/control later=$folder/later

fail() {
	echo "inspect.sh: $*" >&2
	exit 1
}

field() { dpkg-deb -f "$1" "$2"; }

# The files of a package are root's, nobody else may write to them, and none gives rights to who runs it.
is_roots() {
	local wrong
	wrong=$(dpkg-deb -c "$1" | awk '$2 != "root/root" || $1 ~ /^[^l].*[sStT]/ || substr($1, 9, 1) == "w" && $1 !~ /^l/')
	[[ -z $wrong ]] || fail "$1: owners or rights: $wrong"
}

holds() {
	local path
	for path in "${@:2}"; do
		[[ -s $1$path ]] || fail "$path is missing"
	done
}

sums_are_right() { (cd "$2" && md5sum --quiet -c "$1/md5sums") || fail "a sum is wrong"; }

# One of its scripts with the folders of a copy in place of the machine's, and with commands of systemd that only note
# how they were called.
run_script() {
	[[ -e $control/$1 ]] || return 0
	sed -E "s,(/var/cache/|/etc/redmine-cached|/run/systemd/),$folder/machine\1,g" "$control/$1" >"$folder/script"
	PATH=$folder/bin:$PATH DPKG_MAINTSCRIPT_PACKAGE=redmine-cached DPKG_MAINTSCRIPT_NAME=$1 sh -e "$folder/script" "${@:2}"
}

pretend_systemd() {
	local name
	mkdir -p "$folder/bin" "$folder/machine/run/systemd/system"
	for name in deb-systemd-helper deb-systemd-invoke systemctl; do
		# shellcheck disable=SC2016 # what the commands are to expand
		printf '#!/bin/sh\necho "${0##*/} $*" >>%q\ncase $* in *was-enabled*) exit 1 ;; esac\n' "$folder/called" \
			>"$folder/bin/$name"
		chmod 755 "$folder/bin/$name"
	done
	touch "$folder/called"
}

echo '--- contents'
is_roots "$daemon_package"
is_roots "$development_package"
dpkg-deb -e "$daemon_package" "$control"
dpkg-deb -x "$daemon_package" "$root"
holds "$root" /usr/sbin/redmine-cached /usr/bin/redmine-cachectl /etc/redmine-cached/redmine-cached.conf \
	/lib/systemd/system/redmine-cached.{service,socket} /lib/systemd/system/redmine-cached@.{service,socket} \
	/usr/share/man/man8/redmine-cached.8.gz /usr/share/man/man5/redmine-cached.conf.5.gz \
	/usr/share/man/man1/redmine-cachectl.1.gz /usr/share/doc/redmine-cached/copyright
[[ -d $root/etc/redmine-cached/conf.d ]] || fail "no folder for drop-ins"
sums_are_right "$control" "$root"
# dpkg asks before it replaces one that was changed: all settings have to be among them.
settings=$(cd "$root" && find etc -type f -printf '/etc/%P\n' | sort)
[[ $(sort "$control/conffiles") == "$settings" ]] || fail "conffiles: $(cat "$control/conffiles"); settings: $settings"
dpkg-deb -x "$development_package" "$folder/development"
find "$folder/development/usr" -name redmine-cached.pc | grep -q . || fail "no pkg-config file"
holds "$folder/development" /usr/include/redmine-cached/engine.h
[[ $(field "$development_package" Depends) == *"redmine-cached (= $(field "$daemon_package" Version))"* ]] ||
	fail "engines of one's own could be built against another version"

echo '--- scripts'
pretend_systemd
for name in preinst postinst prerm postrm; do
	[[ ! -e $control/$name ]] || sh -n "$control/$name"
done
machine=$folder/machine
mkdir -p "$machine/etc/redmine-cached/conf.d" "$machine"/var/cache/private/redmine-cached{,-one} "$machine/var/cache/other"
ln -s private/redmine-cached "$machine/var/cache/redmine-cached"
run_script postinst configure ''
! grep -E '(helper|systemctl) enable' "$folder/called" || fail "enabled before it is set up"
: >"$folder/called"
run_script prerm upgrade 2
run_script postinst configure 1
grep -q 'restart .*redmine-cached.service' "$folder/called" || fail "upgraded, but not restarted"
! grep -E '(restart|stop) .*redmine-cached.socket' "$folder/called" || fail "an upgrade would close the sockets"
run_script prerm remove
run_script postrm remove
[[ -d $machine/etc/redmine-cached/conf.d && -d $machine/var/cache/private/redmine-cached-one ]] ||
	fail "removing took settings or cache"
run_script postrm purge
left=$(find "$machine" -name '*redmine-cached*')
[[ -z $left ]] || fail "left behind: $left"
[[ -d $machine/var/cache/other ]] || fail "purging took what is another's"

echo '--- upgrade'
dpkg --compare-versions "$(field "$later_package" Version)" gt "$(field "$daemon_package" Version)" || fail "not later"
dpkg-deb -e "$later_package" "$later"
cmp "$control/conffiles" "$later/conffiles"

echo '--- run'
"$root/usr/sbin/redmine-cached" --version
"$root/usr/bin/redmine-cachectl" --version
missing=$(ldd "$root/usr/sbin/redmine-cached" | grep 'not found' || true)
[[ -z $missing ]] || fail "$missing"
echo 'all well'

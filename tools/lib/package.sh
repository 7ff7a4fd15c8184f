# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# The stage that builds Debian's packages and tries them in a root that is thrown away. Needs stages.sh.

# procps: what the package depends on, for dpkg does not fetch it.
package_packages=(build-essential debhelper dpkg-dev fakeroot lintian procps)

# From a copy of what git tracks, as a clean machine would. Its unit tests are another stage's.
make_packages() {
	mkdir -p "$work/package/source" && tracked_files | grep -v '^MANIFEST$' | (cd "$top" && xargs cp --parents -t "$work/package/source") &&
		cd "$work/package/source" &&
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$cores" dpkg-buildpackage -us -uc -b
}

lintian_is_content() {
	local said
	said=$(lintian --allow-root --tag-display-limit 0 --fail-on none "$work"/package/*.changes) || return
	! grep '^[EW]:' <<<"$said"
}

# The same package with a later version.
make_upgrade() {
	local folder=$work/package/later
	dpkg-deb -R "$work"/package/redmine-cached_*.deb "$folder" && sed -i 's/^Version: .*/&+later/' "$folder/DEBIAN/control" &&
		dpkg-deb --root-owner-group -b "$folder" "$work/package/later.deb"
}

# Whether the machine lets root have what in_thrown_away_root needs: mounts of its own and, over its files, an overlay.
can_throw_away_a_root() {
	# shellcheck disable=SC2016 # the script's own arguments
	"${as_root[@]}" "${own_mounts[@]}" bash -euc '
		mount -t tmpfs none "$1"
		trap "umount -l \"\$1\"" EXIT
		mount --make-private "$1"
		mkdir "$1"/changes "$1"/work "$1"/root
		mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
		umount "$1/root"' bash "$work/root"
}

# Leaves in own_mounts a command's front that gives it mounts of its own. Where / is no mount (a plain chroot), mounts
# cannot all be made private.
choose_own_mounts() {
	own_mounts=(unshare --mount)
	"${as_root[@]}" "${own_mounts[@]}" true 2>/dev/null || own_mounts=(unshare --mount --propagation unchanged)
}

# Runs a script as root in a copy of this machine's files: an overlay in a mount namespace of its own, whose changes are
# in memory and gone with it. What the script is to have is in /tmp/package. No mount of the copy is shared with the
# machine: undoing them must not reach it.
in_thrown_away_root() {
	# shellcheck disable=SC2016 # the script's own arguments
	"${as_root[@]}" "${own_mounts[@]}" bash -euc '
		mount -t tmpfs none "$1"
		trap "umount -lR \"\$1\"" EXIT
		mount --make-private "$1"
		mkdir "$1"/changes "$1"/work "$1"/root
		mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
		mount -t proc proc "$1/root/proc"
		mount --rbind /dev "$1/root/dev"
		mount --make-rprivate "$1/root/dev"
		mount -t tmpfs none "$1/root/tmp"
		chmod 1777 "$1/root/tmp"
		mkdir "$1/root/tmp/package"
		cp "$2"/*.deb "$3" "$1/root/tmp/package"
		chroot "$1/root" /bin/bash "/tmp/package/${3##*/}" "$4"' bash "$work/root" "$work/package" \
		"$top/tests/package/life.sh" "$top"
}

look_into_packages() {
	local folder=$work/package
	"$top/tests/package/inspect.sh" "$folder"/redmine-cached_*.deb "$folder"/redmine-cached-dev_*.deb "$folder/later.deb"
}

stage_package() {
	local said
	become_root
	mkdir -p "$work/root"
	count_case "dpkg-buildpackage" make_packages
	count_case "lintian has neither errors nor warnings" lintian_is_content
	count_case "a later version" make_upgrade
	count_case "contents, scripts" look_into_packages
	choose_own_mounts
	if said=$(can_throw_away_a_root 2>&1); then
		count_case "install, run, upgrade, remove, purge" in_thrown_away_root
	else
		echo "Not tried: install, run, upgrade, remove, purge. No root can be thrown away here: ${said:-no reason given}"
		echo "The packages were looked into instead (\"contents, scripts\")."
	fi
}

#!/bin/bash
# The life of the package in a root that is thrown away: installed, run as a user without rights, upgraded with settings
# and cache kept, removed, purged without a trace. Runs in tools/test's stage "package".
#   life.sh TOP     the sources' folder, in which other stages build meanwhile
set -euo pipefail

top=$1
settings=/etc/redmine-cached
cache=/var/cache/redmine-cached
read -r port origin_port < <(python3 -c 'import socket
with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
    print(a.getsockname()[1], b.getsockname()[1])')
daemon='' origin=''

fail() {
	echo "life.sh: $*" >&2
	exit 1
}

end() {
	[[ -z $1 ]] || kill "$1" 2>/dev/null || true
	[[ -z $1 ]] || wait "$1" 2>/dev/null || true
}
trap 'end "$daemon"; end "$origin"' EXIT

traces() {
	find / -ignore_readdir_race -xdev \( -path "$top" -o -path /tmp -o -path /proc -o -path /sys -o -path /dev -o -path /work -o -path /root -o -path /home -o -path /var/cache/man \) -prune -o \
		-name '*redmine-cached*' -print
}

# What the unit does, without systemd: a user without rights who owns the cache's folder.
start_daemon() {
	install -d -m 700 -o nobody -g nogroup "$cache"
	CACHE_DIRECTORY=$cache setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs \
		/usr/sbin/redmine-cached --config "$settings/redmine-cached.conf" 2>/tmp/daemon.log &
	daemon=$!
	for _ in {1..1200}; do
		! curl -sf "http://127.0.0.1:$port/-/ready" -o /dev/null || return 0
		kill -0 "$daemon" || break
		sleep 0.05
	done
	cat /tmp/daemon.log
	fail "the daemon does not answer"
}

stop_daemon() {
	if ! kill "$daemon" || ! wait "$daemon"; then
		cat /tmp/daemon.log
		fail "the daemon did not end well"
	fi
	daemon=''
}

cache_status() { curl -sf -D - -o /dev/null "http://127.0.0.1:$port/issues.json" | grep -i '^Cache-Status'; }

start_origin() {
	mkdir -p /tmp/origin
	echo '{"issues":[],"total_count":0,"offset":0,"limit":25}' >/tmp/origin/issues.json
	python3 -m http.server --bind 127.0.0.1 --directory /tmp/origin "$origin_port" >/dev/null 2>&1 &
	origin=$!
	for _ in {1..1200}; do
		! curl -sf "http://127.0.0.1:$origin_port/" -o /dev/null || return 0
		kill -0 "$origin" || break
		sleep 0.05
	done
	fail "the origin does not answer"
}

export DEBIAN_FRONTEND=noninteractive
dpkg -P redmine-cached-dev redmine-cached 2>/dev/null || true
before=$(traces)

echo '--- install'
dpkg -i /tmp/package/redmine-cached_*.deb /tmp/package/redmine-cached-dev_*.deb
[[ -s $settings/redmine-cached.conf && -d $settings/conf.d ]] || fail "settings are missing"
dpkg-query -W -f='${Conffiles}\n' redmine-cached | grep -q "$settings/redmine-cached.conf" || fail "not a conffile"
[[ ! -e /etc/systemd/system/multi-user.target.wants/redmine-cached.service ]] || fail "enabled before it is set up"
systemd-analyze verify --recursive-errors=no /lib/systemd/system/redmine-cached.{service,socket}
redmine-cached --version
man -w redmine-cached redmine-cached.conf >/dev/null
pkg-config --exists redmine-cached

echo '--- run'
start_origin
printf '[upstream]\nurl = http://127.0.0.1:%s\n[listen]\naddress = 127.0.0.1:%s\n[lifetime]\nissues = 1h\n' \
	"$origin_port" "$port" >"$settings/conf.d/local.conf"
echo '; changed here' >>"$settings/redmine-cached.conf"
start_daemon
cache_status | grep -q 'stored'
cache_status | grep -q '; hit'
stop_daemon
[[ -s $cache/cache.db ]] || fail "no cache file"

echo '--- upgrade'
dpkg -i /tmp/package/later.deb
dpkg-query -W -f='${Version}\n' redmine-cached | grep -q later || fail "not upgraded"
grep -q '^; changed here' "$settings/redmine-cached.conf" || fail "changed settings were lost"
[[ -s $settings/conf.d/local.conf ]] || fail "a drop-in was lost"
end "$origin"
origin=''
start_daemon
cache_status | grep -q '; hit' || fail "what was stored is lost"
stop_daemon

echo '--- remove'
dpkg -r redmine-cached-dev redmine-cached
[[ -s $settings/conf.d/local.conf && -s $cache/cache.db ]] || fail "removing took settings or cache"
[[ ! -e /usr/sbin/redmine-cached ]] || fail "still there"

echo '--- purge'
dpkg -P redmine-cached redmine-cached-dev
after=$(traces)
[[ $before == "$after" ]] || fail "left behind: $(comm -13 <(sort <<<"$before") <(sort <<<"$after"))"
echo 'all well'

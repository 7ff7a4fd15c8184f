# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# What a script says while it works. Sourced by the scripts in tools/.

program=${0##*/}

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
	complain "$*"
	exit 1
}

# Seconds as 1:07.
clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# The end of a file, indented.
show_end() { tail -n "${2:-30}" "$1" | sed 's/^/    /' >&2; }

# A line that is drawn over, on a terminal only; cut to its width.
draw_line() { printf '\r\033[K%s' "${1:0:${COLUMNS:-80}-1}"; }

step_pid=''

# Do a long step, all of whose output goes to a file: a line that moves on a terminal, with the latest line of that
# output, and two plain lines elsewhere.
# The file's end is shown when the step fails, and step fails too; the caller says what that means.
#   step TITLE COMMAND...
step() {
	local title=$1 log began=$SECONDS status=0 turn=0 marks='.oOo'
	shift
	log=$(mktemp)
	[[ -t 1 ]] || say "- $title …"
	set -m # a process group of its own, for end_step
	"$@" >"$log" 2>&1 </dev/null &
	step_pid=$!
	set +m
	while [[ -t 1 ]] && kill -0 "$step_pid" 2>/dev/null; do
		draw_line "${marks:turn++ % 4:1} $title … $(clock $((SECONDS - began)))  $(tail -n 1 "$log")"
		sleep 0.1
	done
	wait "$step_pid" || status=$?
	step_pid=''
	[[ ! -t 1 ]] || draw_line ''
	if ((status)); then
		say "✗ $title: failed after $((SECONDS - began)) s"
		show_end "$log"
	else
		say "✓ $title ($((SECONDS - began)) s)"
	fi
	rm -f "$log"
	return "$status"
}

# End the step under way, if there is one, and wait for it: for a trap.
end_step() {
	[[ -n $step_pid ]] || return 0
	kill -INT -- "-$step_pid" 2>/dev/null || true
	wait "$step_pid" || true
	step_pid=''
}

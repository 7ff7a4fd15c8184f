# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# Runs stages, some at a time, each as a process of its own with a log and a time limit.
# Needs say.sh, counts.sh, stages.sh; $logs is the folder of the logs.

stage_limit=1800 # seconds
began=$SECONDS
declare -A stage_of=() began_at=() # by process

report() { say "[$(clock $((SECONDS - began)))] $*"; }

# Sanitizers of this age do not start where the kernel spreads addresses wider than they foresee.
plain_addresses() {
	local bits
	bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null) || return 0
	((bits <= 28)) || ! setarch "$(uname -m)" -R true 2>/dev/null || echo setarch "$(uname -m)" -R
}

begin_stage() {
	local name=$1 in_front=()
	read -ra in_front < <(plain_addresses)
	: >"$logs/$name.counts"
	timeout --signal=INT --kill-after=60 "$stage_limit" "${in_front[@]}" "$top/tools/test" --stage "$name" \
		>"$logs/$name.log" 2>&1 </dev/null 9>&- &
	stage_of[$!]=$name
	began_at[$!]=$SECONDS
	report "$name begins"
}

# What a stage came to. One that could not be carried through, or counted nothing, is a failure.
end_stage() {
	local pid=$1 status=$2 name=${stage_of[$1]} passed failed skipped note=''
	local spent=$((SECONDS - began_at[$1]))
	unset "stage_of[$pid]" "began_at[$pid]"
	read -r passed failed skipped < <(sum_counts "$logs/$name.counts")
	((status != 124 && status != 137)) || note=", not ended within $stage_limit s"
	if ((failed == 0 && (status || passed == 0))); then
		failed=1
		echo 0 1 0 >>"$logs/$name.counts"
		note=${note:-, could not be carried through}
	fi
	report "$name: $(print_counts "$passed" "$failed" "$skipped")$note ($spent s)"
	((failed == 0)) || show_failure "$name"
}

show_failure() {
	say "    --- the end of $logs/$1.log:"
	tail -n 80 "$logs/$1.log" | cut -c 1-300 | sed 's/^/    /'
	say "    ---"
}

run_lanes() {
	local lanes=$1 pid status
	shift
	while (($# || ${#stage_of[@]})); do
		while (($# && ${#stage_of[@]} < lanes)); do
			begin_stage "$1"
			shift
		done
		status=0
		wait -n -p pid "${!stage_of[@]}" || status=$?
		end_stage "$pid" "$status"
	done
}

# Ends the stages under way: for a trap. They clean up after themselves.
end_lanes() {
	local pids=("${!stage_of[@]}")
	((${#pids[@]})) || return 0
	complain "ending: ${stage_of[*]}"
	kill -INT "${pids[@]}" 2>/dev/null
	wait "${pids[@]}"
}

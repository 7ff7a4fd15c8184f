# shellcheck shell=bash
# Completion of redmine-cachectl for bash.
_redmine_cachectl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	local selection='--url --pattern --tag --identity'
	COMPREPLY=()
	case $before in
	-s | --socket | --key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--cache)
		mapfile -t COMPREPLY < <(compgen -W 'hit stale-hit miss revalidated collapsed bypass write none' -- "$word")
		return
		;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $command in
	'') set -- --socket --json --help --version check dump engines entries explain purge reload restore sessions status tail top warm ;;
	top) set -- --interval --count ;;
	tail) set -- --pattern --status --cache --identity --method --resource --slow --count ;;
	purge) set -- --soft --all "$selection" ;;
	entries) set -- --limit "$selection" ;;
	warm) set -- --key-file --session ;;
	dump | restore)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	*) set -- ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word")
}
complete -F _redmine_cachectl redmine-cachectl

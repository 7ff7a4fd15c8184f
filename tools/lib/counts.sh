# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# How many test cases passed, failed and were skipped, by stage: lines "PASSED FAILED SKIPPED" in $counts.

count() { echo "$1 $2 $3" >>"$counts"; }

# The sum of a file of counts, as "PASSED FAILED SKIPPED".
sum_counts() { awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$@" </dev/null; }

# "N passed, N failed" with ", N skipped" where there are any.
print_counts() {
	local skipped=''
	(($3 == 0)) || skipped=", $3 skipped"
	echo "$1 passed, $2 failed$skipped"
}

# One test case: a command that succeeds. What it says is shown only when it does not.
#   count_case NAME COMMAND...
count_case() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then
		count 1 0 0
		echo "passed: $name"
	else
		count 0 1 0
		echo "$said"
		echo "FAILED: $name"
	fi
}

# The unit test programs that `make check` ran in a build folder. Most say "87%: Checks: 15, Failures: 1, Errors: 1";
# one that does not, or that fails otherwise, is a case itself.
count_unit_tests() {
	local result log checks failed summary='Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)'
	while read -r result; do
		log=${result%.trs}.log checks=0 failed=0
		if [[ $(grep -a 'Checks: ' "$log" | tail -n 1) =~ $summary ]]; then
			checks=${BASH_REMATCH[1]} failed=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
		fi
		if grep -q '^:test-result: PASS' "$result"; then
			((checks > 0)) || checks=1
		elif ((failed == 0)); then
			((checks += 1, failed = 1))
		fi
		count $((checks - failed)) "$failed" 0
		((failed == 0)) || { cat "$log" && echo "FAILED: ${log#"$1/"}"; }
	done < <(find "$1/tests" -name '*.trs')
}

# What pytest said in its last line, as "3 failed, 8 passed, 1 skipped, 2 errors in 1.00s".
count_pytest() {
	local line word number passed=0 failed=0 skipped=0
	line=$(grep -aE '^=* ?([0-9]+ [a-z]+,? )+in [0-9.]+s' "$1" | tail -n 1)
	while read -r number word; do
		case $word in
		passed | xpassed) ((passed += number)) ;;
		failed | error | errors) ((failed += number)) ;;
		skipped | xfailed) ((skipped += number)) ;;
		esac
	done < <(grep -oE '[0-9]+ [a-z]+' <<<"$line")
	count "$passed" "$failed" "$skipped"
}

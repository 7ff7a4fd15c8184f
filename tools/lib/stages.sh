# shellcheck shell=bash disable=SC2034,SC2154 # names are shared between what is sourced
# The stages of tools/test: each prints to its log, counts its test cases and fails if it could not be carried through.
# Needs build.sh and counts.sh; $work is the folder of the stage.

engines=(sync thread process async)
release=$build/test/release

# Each stage and what it does, in the order in which they are begun: the long ones first.
stages=(
	"real Debian's Redmine and its Python client, asked straight and through the daemon"
	"tsan unit tests and scenarios with threads, under ThreadSanitizer"
	"asan unit tests and scenarios, under AddressSanitizer and UndefinedBehaviorSanitizer"
)
for engine in "${engines[@]}"; do
	stages+=("scenario-$engine the daemon before a fake Redmine, engine $engine")
done
stages+=(
	"dist make distcheck; a tarball has every file"
	"fuzz each fuzz target for a while, built with clang"
	"unit unit tests"
	"tools tools/quickstart"
	"documents every command of the documents in doc/"
	"install make install and uninstall; the systemd units"
	"package Debian's packages: build, lintian, contents; install, run, upgrade, purge in a root that is thrown away"
	"style clang-format, cppcheck, shellcheck, pyflakes"
	"check rules of the house that a script can see"
)

list_stages() {
	local stage
	for stage in "${stages[@]}"; do
		printf '%-16s %s\n' "${stage%% *}" "${stage#* }"
	done
}

run_stage() {
	case $1 in
	scenario-*) run_scenarios "$release" "${1#scenario-}" tests/scenario ;;
	*) "stage_$1" ;;
	esac
}

# pytest with what a stage needs, and its count.
run_pytest() {
	local status=0
	env -u CI /usr/bin/python3 -u -m pytest -p no:cacheprovider -q -rfEs --tb=short --durations=15 -o faulthandler_timeout=180 "$@" >"$work/pytest" 2>&1 ||
		status=$?
	cat "$work/pytest"
	count_pytest "$work/pytest"
	((status < 2)) && return
	echo "pytest ended with $status: not all of the tests were run"
	return 1
}

# Scenarios with the daemon of a build folder, for some engines. Some run it as a user without rights, who may not be
# able to read the build folder.
run_scenarios() {
	local binary=$work/redmine-cached engine=$2
	install -m 755 "$1/redmine-cached" "$1/redmine-cachectl" "$work" || return
	shift 2
	REDMINE_CACHED=$binary REDMINE_CACHED_ENGINES=$engine run_pytest "$@"
}

# A command that may build tests in a folder in which another stage does.
alone_in() { flock "$1/check.lock" "${@:2}"; }

# All unit tests of a build folder.
run_unit_tests() {
	local status=0
	find "$1/tests" -name '*.trs' -delete 2>/dev/null
	alone_in "$1" make -s -k V=1 -j "$cores" -C "$1" check >"$1/check.log" 2>&1 || status=$?
	((status == 0)) || grep -av '^PASS' "$1/check.log"
	count_unit_tests "$1"
	[[ $(find "$1/tests" -name '*.trs' -print -quit) ]] || {
		echo 'no unit test was run'
		return 1
	}
}

stage_unit() { run_unit_tests "$release"; }

stage_real() { run_scenarios "$release" "${engines[*]}" tests/real; }

# ---------------------------------------------------------------- with sanitizers

sanitized() { build_in "$build/test/$1" all -- --enable-werror --with-sanitizer="$2" CFLAGS='-O1 -g'; }

# Instrumented programs are slow: the patience of the scenarios and of Check is multiplied.
stage_asan() {
	export REDMINE_CACHED_PATIENCE=4 CK_TIMEOUT_MULTIPLIER=2
	sanitized asan address,undefined &&
		run_unit_tests "$build/test/asan" &&
		run_scenarios "$build/test/asan" thread tests/scenario
}

stage_tsan() {
	export REDMINE_CACHED_PATIENCE=4 CK_TIMEOUT_MULTIPLIER=2
	export TSAN_OPTIONS=exitcode=66
	sanitized tsan thread &&
		run_unit_tests "$build/test/tsan" &&
		run_scenarios "$build/test/tsan" thread \
			tests/scenario/test_{cache,coalescing,isolation,lifecycle,writes}.py
}

# ---------------------------------------------------------------- fuzzing

fuzz_seconds=15

# Words made of variables of the Makefile, as configure found them out.
make_words() { make -s -C "$folder" --eval="words:;@printf '%s\n' $1" words; }

compile_fuzz_target() {
	local compiler libraries
	mapfile -t compiler < <(make_words "\$(CC) \$(AM_CPPFLAGS) \$(AM_CFLAGS) \$(CFLAGS)")
	mapfile -t libraries < <(make_words "libdaemon.a \$(DEPS_LIBS)")
	(cd "$folder" && "${compiler[@]}" -fsanitize=fuzzer "-I$top/tests/unit/redmine" -o "$1" "$top/tests/fuzz/$1.c" \
		"$top"/tests/unit/*/*_model.c "${libraries[@]}")
}

run_fuzz_target() {
	local corpus=$top/tests/fuzz/corpus/${1#fuzz_}
	[[ -d $corpus ]] || { echo "no corpus: $corpus" && return 1; }
	compile_fuzz_target "$1" || return
	mkdir -p "$work/$1"
	"$folder/$1" -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$folder/$1-" "$work/$1" "$corpus"
}

stage_fuzz() {
	local folder=$build/test/fuzz target
	build_in "$folder" all -- --enable-werror --with-sanitizer=address,undefined CC=clang \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' || return
	for target in "$top"/tests/fuzz/fuzz_*.c; do
		target=$(basename "$target" .c)
		count_case "$target" run_fuzz_target "$target"
	done
}

# ---------------------------------------------------------------- what is delivered

# Every file that git tracks, or of which a tarball says that git tracked it.
tracked_files() {
	cd "$top" || return
	if [[ -e MANIFEST ]]; then cat MANIFEST; else git -c safe.directory='*' -c core.quotePath=off ls-files; fi
}

tarball_is_whole() {
	local missing
	missing=$(comm -23 <(tracked_files | sort) <(tar -tf "$1" | sed 's|^[^/]*/||' | sort))
	[[ -n $missing ]] || return 0
	echo "not in the tarball: $missing"
	return 1
}

stage_dist() {
	local folder=$build/test/dist
	build_in "$folder" -- --enable-werror || return
	rm -f "$folder"/*.tar.xz
	count_case "make distcheck" make -s -C "$folder" -j "$cores" distcheck V=1 VERBOSE=1 \
		DISTCHECK_CONFIGURE_FLAGS=--enable-werror
	count_case "every file is in the tarball" tarball_is_whole "$folder"/*.tar.xz
}

installed_files() { (cd "$root" && find . -type f -o -type l) | sort; }

install_works() {
	make -s V=1 -C "$release" install && "$root/sbin/redmine-cached" --version && installed_files && [[ -s $settings ]] &&
		grep -x "ExecStart=$root/sbin/redmine-cached --config $settings" "$unit"
}

changed_settings_survive() {
	echo '; changed' >>"$settings" && make -s V=1 -C "$release" install && grep '^; changed' "$settings" &&
		make -s V=1 -C "$release" uninstall && [[ $(installed_files) == "./${settings#"$root/"}" ]]
}

uninstall_leaves_nothing() {
	rm "$settings" && make -s V=1 -C "$release" install && make -s V=1 -C "$release" uninstall && [[ -z $(installed_files) ]]
}

unit_is_confined() {
	systemd-analyze security --no-pager --offline=yes --threshold=20 "$1" | grep -v '✓'
	((PIPESTATUS[0] == 0))
}

# Those of one instance stand for all.
units_are_sound() {
	local said instance=$work/redmine-cached@one
	cp "$units/redmine-cached@.service" "$instance.service" && cp "$units/redmine-cached@.socket" "$instance.socket" || return
	said=$(systemd-analyze verify --recursive-errors=no --man=no "$units"/redmine-cached.{service,socket} \
		"$instance".{service,socket} 2>&1) && [[ -z $said ]] && return
	echo "$said"
	return 1
}

instance_has_its_own() {
	local line
	for line in 'User=redmine-cached-%i' 'CacheDirectory=redmine-cached-%i' 'RuntimeDirectory=redmine-cached-%i' \
		"ExecStart=$root/sbin/redmine-cached --config $root/etc/redmine-cached/%i/redmine-cached.conf"; do
		grep -xF "$line" "$units/redmine-cached@.service" || return
	done
	grep -xF 'ListenStream=/run/redmine-cached-%i.sock' "$units/redmine-cached@.socket" &&
		(($(grep -c ListenStream "$units/redmine-cached@.socket") == 1))
}

stage_install() {
	local root=$release/root
	local units=$root/lib/systemd/system settings=$root/etc/redmine-cached/redmine-cached.conf
	local unit=$units/redmine-cached.service
	rm -rf "$root"
	count_case "make install" install_works
	count_case "systemd-analyze verify" units_are_sound
	count_case "systemd-analyze security: exposure at most 2.0" unit_is_confined "$unit"
	count_case "... of an instance" unit_is_confined "$units/redmine-cached@.service"
	count_case "an instance has files of its own" instance_has_its_own
	count_case "the suite over all engines is built" \
		alone_in "$release" make -s V=1 -j "$cores" -C "$release" tests/unit/engine/conformance
	REDMINE_CACHED_PREFIX=$root REDMINE_CACHED_BUILD=$release run_pytest tests/install
	count_case "changed settings survive install and uninstall" changed_settings_survive
	count_case "uninstall leaves nothing" uninstall_leaves_nothing
}

# ---------------------------------------------------------------- static

# Files of the tree whose name ends so, or whose first line does.
sources() {
	tracked_files | grep -E "$1" | while read -r file; do
		[[ ! -f $file ]] || echo "$file"
	done
}

scripts() {
	tracked_files | while read -r file; do
		[[ ! -f $file ]] || ! head -n 1 "$file" | grep -qaE "$1" || echo "$file"
	done
}

check_format() {
	local files
	mapfile -t files < <(sources '^(src|include|tests|bench|examples)/.*\.[ch]$')
	clang-format --dry-run -Werror "${files[@]}" 2>&1 | sed -n 's/: error: .*//p' | sort -V
	((PIPESTATUS[0] == 0))
}

check_cppcheck() {
	cppcheck --quiet --enable=warning,performance,portability --std=c11 --inline-suppr -j "$cores" \
		--suppressions-list="$top/tests/check/cppcheck.txt" --error-exitcode=1 -D_GNU_SOURCE -I src src
}

check_shell() {
	local files
	mapfile -t files < <({ scripts '^#!.*\b(ba)?sh\b'; sources '\.sh$'; } | sort -u)
	shellcheck -x "${files[@]}"
}

check_python() {
	local files
	mapfile -t files < <({ scripts '^#!.*\bpython'; sources '\.py$'; } | sort -u)
	/usr/bin/python3 -m pyflakes "${files[@]}"
}

stage_style() {
	count_case clang-format check_format
	count_case cppcheck check_cppcheck
	count_case shellcheck check_shell
	count_case pyflakes check_python
}

stage_documents() { run_scenarios "$release" thread tests/documents; }

stage_tools() { run_pytest tests/tools; }

stage_check() { REDMINE_CACHED=$release/redmine-cached run_pytest tests/check; }

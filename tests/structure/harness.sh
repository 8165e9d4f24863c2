#!/bin/sh
# The harness itself: tests/run turns what a program does into TAP, tests/summary counts every case.
set -u
top=${SLUICE_TOP:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0
failed=0
is() {	# NAME GOT WANTED
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		failed=1
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | sed 's/^/# /'
		echo "not ok $n - $1"
	fi
}
script() {	# NAME TEXT
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1" && chmod +x "$dir/$1"
}
last_of_run() { sh "$top/tests/run" "$dir/$1" 2>/dev/null | tail -n 1; }
driver=$(cd "$top" && pwd)/build-aux/tap-driver.sh
case_of() {	# NAME TEXT: a test program run by the TAP driver
	script "$1" "$2"
	(cd "$dir" && sh "$driver" --test-name "$1" --log-file "$1.log" --trs-file "$1.trs" -- "./$1" >/dev/null)
}
summary() { (cd "$dir" && sh "$top/tests/summary" "$@"); }
top=$(cd "$top" && pwd)

echo 1..20
script good 'exit 0'
script bad 'exit 3'
script skip 'echo no server; exit 77'
script slow 'sleep 60'
script tap 'echo 1..1; echo ok 1 - mine'
script taphang 'echo 1..1; sleep 60'
script tapbad 'echo 1..1; echo ok 1; exit 3'
is "exit 0 is ok" "$(last_of_run good)" "ok 1 - good"
is "exit 3 is not ok" "$(last_of_run bad)" "not ok 1 - bad: exit status 3"
is "exit 77 is a skip that says why" "$(last_of_run skip)" "ok 1 - skip # SKIP no server"
is "TAP passes as it is" "$(last_of_run tap)" "ok 1 - mine"
SLUICE_TEST_TIMEOUT=1
export SLUICE_TEST_TIMEOUT
is "a test that hangs is stopped" "$(last_of_run slow)" "not ok 1 - slow: stopped after 1 s"
is "a TAP test that hangs bails out" "$(last_of_run taphang)" "Bail out! stopped after 1 s"
unset SLUICE_TEST_TIMEOUT
sh "$top/tests/run" "$dir/tapbad" >/dev/null
is "a TAP program's exit status stays" $? 3
is "a program that is not there fails" "$(last_of_run absent)" "not ok 1 - absent is not there"

unset CI
case_of a 'echo 1..2; echo ok 1 - one; echo ok 2 - two'
case_of b 'echo 1..2; echo ok 1 - one; echo not ok 2 - two is two; exit 1'
case_of c 'echo 1..1; echo "ok 1 - three # SKIP no server"'
case_of d 'echo 1..1; echo ok 1 - one; kill -SEGV $$'
case_of e 'echo 1..4; echo ok 1 - one'
is "cases are counted, not programs" "$(summary a.log)" "2 passed, 0 failed"
is "a failure is named" "$(summary b.log | head -n 1)" "FAIL b: two is two"
is "its exit status is no second failure" "$(summary b.log | tail -n 1)" "1 passed, 1 failed"
is "a skip is counted and named" "$(summary a.log c.log | tr '\n' '|')" \
	"SKIP c: three # SKIP no server|2 passed, 0 failed, 1 skipped|"
is "a crash after good cases is a failure" "$(summary d.log | tail -n 1)" "1 passed, 1 failed"
is "too few cases are a failure" "$(summary e.log | tail -n 1)" "1 passed, 1 failed"
is "a test that did not run is a failure" "$(summary a.log gone.log | tail -n 1)" "2 passed, 1 failed"
is "no tests at all are a failure" "$(summary | tail -n 1)" "0 passed, 1 failed"
summary a.log c.log >/dev/null
is "a skip alone does not fail" $? 0
CI=1 summary a.log c.log >/dev/null
is "in CI it does" $? 1
is "the end of a failed log is shown" "$(summary b.log | grep -c '^    | not ok 2 - two is two$')" 1
is "make check failed without a failed case" "$(summary --status 2 a.log | tail -n 1)" "2 passed, 1 failed"
exit $failed

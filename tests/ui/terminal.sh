#!/bin/sh
# The console on a pseudo terminal: it gives the screen back whatever ends it, survives suspend,
# resizing and poor terminals, and takes no paste for a phrase.
set -u
build=${SLUICE_BUILD-.}
top=${SLUICE_TOP-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
unset NO_COLOR LC_ALL
LC_ALL=C.UTF-8 TZ=UTC
export LC_ALL TZ
# shellcheck disable=SC3045
ulimit -c 0
# signals are what is tested here: a sanitizer leaves them alone
ASAN_OPTIONS=${ASAN_OPTIONS-}:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0
export ASAN_OPTIONS
n=0

# check NAME ROWS COLS EXPECTED-LAST-LINE SCREEN [THEME [ascii]]; the script comes on stdin
check() {
	name=$1 rows=$2 cols=$3 want=$4
	shift 4
	cat >"$dir/script"
	n=$((n + 1))
	"$build/tests/ui/vtshot" "$rows" "$cols" "$dir/script" "$build/tests/ui/fixture_console" \
		"$top/tests/ui/fixtures/${FIXTURE-usual}.json" "$@" >"$dir/out" 2>"$dir/err"
	rc=$?
	if [ $rc = 0 ] && { [ -z "$want" ] || [ "$(tail -n 1 "$dir/out")" = "$want" ]; }; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$dir/out" "$dir/err"
	fi
}

ended_by() {	# SIGNAL NUMBER
	check "SIG$1 gives the screen back and ends it by that signal" 24 80 "signal $2" overview <<-EOF
		wait Decisions
		signal $1
		end
		restored
	EOF
}

echo 1..28
check "q leaves and gives the screen back" 24 80 "exit 0" overview <<-EOF
	wait Decisions
	key q
	end
	restored
EOF
ended_by TERM 15
ended_by INT 2
ended_by HUP 1
ended_by SEGV 11
ended_by ABRT 6
ended_by BUS 7
ended_by FPE 8
ended_by QUIT 3
check "Ctrl-C leaves" 24 80 "signal 2" overview <<-EOF
	wait Decisions
	key Ctrl-C
	end
	restored
EOF
check "Ctrl-Z gives the screen back until it goes on" 24 80 "exit 0" overview <<-EOF
	wait Decisions
	key Ctrl-Z
	restored
	signal CONT
	wait Decisions
	key 5
	wait tolerance left
	key q
	end
	restored
EOF
check "it is drawn anew in every size" 24 80 "exit 0" overview <<-EOF
	wait Decisions
	size 60 200
	wait engine up
	size 5 20
	wait ARMED
	size 1 1
	size 24 80
	wait Decisions
	key q
	end
	restored
EOF
check "300 sizes in a row cost at most 300 kB" 60 200 "" overview <<-EOF
	wait Decisions
	bytes 0
	storm 300 60 200
	bytes 300000
	wait Decisions
EOF
check "a size that is back at once is painted again" 60 200 "" overview <<-EOF
	wait Decisions
	storm 1 60 200
	wait Decisions
EOF
check "one row down costs at most 800 bytes" 60 200 "" candidates <<-EOF
	wait verdict
	bytes 0
	key j
	bytes 800
	key Ctrl-L
	wait verdict
EOF
check "a filter is completed, refused by its column, and applied" 30 100 "exit 0" candidates <<-EOF
	wait verdict
	key /
	wait lane:  state:
	type la
	key Tab
	wait kimi  glm
	type k
	key Tab
	type age>30
	wait column 15: age takes
	key Enter
	wait /lane:kimi age>30
	key End
	type d
	gone column 15
	key Enter
	wait filter: lane:kimi age>30d
	key Esc
	wait filter: none
	key q
	end
	restored
EOF
check "the menu sorts, and the columns scroll" 24 80 "exit 0" candidates <<-EOF
	wait verdict
	key o
	wait turn it round
	key j Left Enter
	gone turn it round
	wait sorted by size ↑
	key l l l l l
	wait why
	key h h h h h h
	wait name
	key q
	end
	restored
EOF
check "a paste between brackets clears the phrase" 30 100 "exit 0" approve <<-EOF
	wait Esc leaves
	key Tab Tab Tab
	type DEL
	wait > DEL
	paste ETE 412 kimi 9f3c
	wait pasting cleared the line
	gone > DEL
	key Esc q
	end
EOF
check "a burst without brackets does too" 30 100 "exit 0" approve <<-EOF
	wait Esc leaves
	key Tab Tab Tab
	burst DELETE 412 kimi 9f3c
	wait pasting cleared the line
	gone > DELETE
	key Esc q
	end
EOF
check "keys typed ahead of the approval page are gone" 30 100 "exit 0" overview <<-EOF
	wait Decisions
	burst A$(printf '\t\t\t')DELE
	wait APPROVE DELETION
	wait you have seen: nothing
	gone > DELE
	key Esc q
	end
EOF
check "below 80×24 nothing is approved" 23 80 "exit 0" approve <<-EOF
	wait approving needs 80×24
	size 24 80
	wait DELETE 412 kimi 9f3c
	key Esc q
	end
EOF
for term in vt100 linux xterm screen; do
	SLUICE_VTSHOT_TERM=$term
	export SLUICE_VTSHOT_TERM
	check "TERM=$term shows it all" 24 80 "exit 0" overview dark ascii <<-EOF
		wait Decisions
		key 4
		wait verdict
		key q
		end
	EOF
done
# ncurses itself leaks where it does not know a terminal
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
for term in dumb nosuch; do
	SLUICE_VTSHOT_TERM=$term
	check "TERM=$term is refused with a sentence" 24 80 "exit 2" overview <<-EOF
		wait terminal type "$term"
		end
		restored
	EOF
done
unset SLUICE_VTSHOT_TERM

n=$((n + 1))
setsid -w "$build/tests/ui/fixture_console" "$top/tests/ui/fixtures/usual.json" </dev/null >"$dir/out" 2>"$dir/err"
if [ $? = 2 ] && grep -q 'needs a terminal' "$dir/err" && [ ! -s "$dir/out" ]; then
	echo "ok $n - without a terminal it says what to use instead"
else
	echo "not ok $n - without a terminal it says what to use instead"
	sed 's/^/# /' "$dir/out" "$dir/err"
fi

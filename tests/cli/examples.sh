#!/bin/bash
# SPDX-License-Identifier: MIT
# What stands in examples/ does what it says.
. "$(dirname "$0")/../lib.sh"

sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }
recording=$TMPDIR/hands.skt

t_the_test_of_a_check_script_passes() {
	command -v ss >/dev/null || skip 'no ss: scripts/deps'
	exits 0 "$TOP/examples/check-port.test" "$recording"
	[ "$(grep -c '^ok: ' out)" = 4 ]
	# and it can fail: at these instants a recording in which nothing happens says something else
	sockrec --trees="$TOP/fixtures/trees/hands" --tables=udp -o other.skt 2>/dev/null || :
	fails "$TOP/examples/check-port.test" other.skt
}

t_the_test_of_a_program_with_psutil_passes() {
	local python='' one

	for one in python3 /usr/bin/python3; do
		if [ -z "$python" ] && $one -c 'import psutil' 2>/dev/null; then
			python=$one
		fi
	done
	[ -n "$python" ] || skip 'no psutil: scripts/deps'
	exits 0 env RECORDING="$recording" PYTHONDONTWRITEBYTECODE=1 "$python" -m unittest discover "$TOP/examples"
	has err 'Ran 3 tests' OK
}

run_tests

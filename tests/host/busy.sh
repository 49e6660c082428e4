#!/bin/bash
# SPDX-License-Identifier: MIT
# That the recorder runs when the host is busy, and takes no more of it than it was told. In namespaces of its own.
# tap: alone, for it measures
. "$(dirname "$0")/../lib.sh"
own_network --pid

# A recorder has something to do: processes and sockets in them.
work() {
	mkfifo in
	crowd 8 <in >crowd.out 2>&1 &
	exec 3>in
	eventually grep -q ready crowd.out
}

t_under_twenty_busy_loops_it_keeps_its_ticks() {
	local -a loops=()
	local n try

	work
	# a loop ends by itself, whatever becomes of this test
	for n in {1..20}; do
		"$BASH" -c 'ulimit -t 20; while :; do :; done' &
		loops+=($!)
	done
	# the machine may have more to do than these
	for try in 1 2 3; do
		sockrec --ticks=exact -i 300ms -d 3600ms -o $try.skt 2>said
		sed 's/, chain.*//' said
		if ! python <<'END'; then continue; fi
sys.exit(int(re.search(r", (\d+) snapshots?, ", read("said").decode())[1]) < 11)
END
		touch kept
		break
	done
	for n in "${loops[@]}"; do
		kill "$n" || :
	done
	exec 3>&-
	[ -e kept ]
}

t_max_cpu_stretches_the_interval_and_says_so_once() {
	local ticks

	ticks=$(getconf CLK_TCK)
	work
	rm -f x.skt
	sockrec -i 5ms --max-cpu=10% -o x.skt 2>said &
	recorder=$!
	sleep 5
	sed 's/.*) //' /proc/$recorder/stat | cut -d' ' -f12,13 >used
	finish
	exec 3>&-
	[ "$(grep -c 'ticks are skipped' said)" = 1 ]
	python "$ticks" <<'END'
user, system = map(int, read("used").split())
used = (user + system) / int(sys.argv[1])
found = re.search(r", (\d+) snapshots, (\d+) missed ticks", read("said").decode())
n, missed = int(found[1]), int(found[2])
say("%s s of processor time, %d snapshots, %d missed" % (used, n, missed))
# a tenth of 5 seconds, what it took to start, and what the kernel's clock is too coarse for
assert used < 0.5 + 0.15, used
assert n > 3 and missed > n, (n, missed)
# all ticks are accounted for, and none that was never due
assert 900 <= n + missed <= 1400, (n, missed)
END
}

t_ticks_that_were_skipped_before_a_signal_are_counted_and_no_more() {
	begin sockrec --ticks=exact -i 10ms --max-cpu=0.01% -o x.skt
	sleep 1
	finish
	python <<'END'
found = re.search(r", (\d+) snapshots?, (\d+) missed ticks", read("said").decode())
n, missed = int(found[1]), int(found[2])
# the first snapshot has to be paid for with some ten seconds
assert n == 1 and 90 <= missed <= 1000, (n, missed)
END
	sockquery --info x.skt >info
	grep -E 'missed ticks' info
}

t_a_recorder_that_takes_little_is_not_slowed_down() {
	exits 0 sockrec --ticks=exact -i 200ms -n 6 --max-cpu=100% -o x.skt
	fails grep 'skipped' err
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# What matches at some time is what matches at some snapshot: flows, processes, slices and coverage against the sockets of each.
. "$(dirname "$0")/../lib.sh"

{
	sockrec --trees="$TOP/fixtures/trees/diff" -o diff.skt && sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt
} 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

# whole REC: what each expression finds in all of it is what it finds at its snapshots, each asked by itself. FIRST, MIDDLE and LAST
# are instants of these.
whole() {
	python3 - "$1" <<-'EOF'
		import json, subprocess, sys
		EXPRESSIONS = """
		time > FIRST
		time >= FIRST
		time = FIRST
		time > MIDDLE
		time = MIDDLE
		time < MIDDLE
		time != FIRST
		time >= LAST
		time > LAST
		not time < MIDDLE
		not ( time < LAST or state listening )
		time > FIRST and state listening
		time > MIDDLE and comm ~ .
		time > MIDDLE or exited = true
		sport < 1024 and time >= LAST
		state established and time > MIDDLE
		timer_ms < 58000
		timer_ms > 100
		timer_ms < 500
		timer_ms != 0
		table_status = stale
		table_status != fresh
		table_status = fresh and time > MIDDLE
		exited = true
		exited != true and time > FIRST
		state established
		tx_queue > 0
		bytes_received > 0
		duration_us > 0
		bytes_sent >= 0 or time > LAST
		comm ~ .
		user = root
		uid = 0
		owner = held
		owner = carried
		threads > 1
		process_state ~ S
		"""
		KEY = "table", "net_namespace", "local_address", "local_port", "remote_address", "remote_port"
		TOLD = "bytes_", "duration_us" # once it is over, at no snapshot
		rec = sys.argv[1]

		def ask(*arguments):
		    run = subprocess.run(["sockquery", "--format=jsonl", *arguments], capture_output=True, timeout=60)
		    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]

		def keys(rows):
		    # what no look has seen is at no snapshot
		    return {tuple(row[name] for name in KEY) for row in rows if row["owner"] != "unseen"}

		times = [row["time"] for row in ask("--view=snapshots", rec)[1]]
		instants = ["%s@#%d" % (rec, i + 1) for i in range(len(times))]
		names = {"FIRST": times[0], "MIDDLE": times[len(times) // 2], "LAST": times[-1]}
		found = 0
		for expression in filter(None, map(str.strip, EXPRESSIONS.splitlines())):
		    expression = " ".join(names.get(word, word) for word in expression.split())
		    expected = keys(ask("--view=sockets", *instants, expression)[1])
		    rc, rows = ask("--view=flows", rec, expression)
		    found += len(expected) > 0
		    if not expression.startswith(TOLD) and keys(rows) != expected or (rc == 0) != (len(rows) > 0):
		        sys.exit("%s, exit status %d: missed %s, found besides %s" %
		                 (expression, rc, expected - keys(rows), keys(rows) - expected))
		    for owner in (owner for row in rows for owner in row["owners"]):
		        if owner["held_first"] and owner["held_last"] and owner["held_first"] > owner["held_last"]:
		            sys.exit("%s: held from %s to %s" % (expression, owner["held_first"], owner["held_last"]))
		# else nothing was asked
		if len(times) < 2 or found < 10:
		    sys.exit("%d snapshots, %d expressions found any" % (len(times), found))
	EOF
}

t_flows_are_the_sockets_of_all_snapshots_of_a_pair_of_trees() { whole ../diff.skt; }
t_flows_are_the_sockets_of_all_snapshots_while_they_pass_hands() { whole ../hands.skt; }
t_flows_are_the_sockets_of_all_snapshots_while_events_tell() { whole "$TOP/fixtures/rec/v1-live.skt"; }
t_flows_are_the_sockets_of_all_snapshots_while_tables_wait() { whole "$TOP/fixtures/rec/v1-kinds.skt"; }

# The socket on port 68 is there in both snapshots, an hour apart, and stays the same.
t_what_comes_true_with_time_is_no_no() {
	local expression='sport = :68 and time > 2026-11-22T14:30:00Z'

	exits 0 sockquery --view=sockets --format=jsonl ../diff.skt@last "$expression"
	[ -s out ]
	exits 0 sockquery --format=jsonl ../diff.skt "$expression"
	[ -s out ]
	exits 0 sockquery --view=processes --format=jsonl ../diff.skt "$expression"
	[ -s out ]
	exits 0 sockquery --coverage ../diff.skt "$expression"
	has out '"answer":"yes"'
	exits 0 sockquery -o slice.skt ../diff.skt "$expression"
	exits 0 sockquery --view=sockets --format=jsonl slice.skt@first 'sport = :68'
	exits 1 sockquery ../diff.skt 'sport = :68 and time > 2026-11-22T15:30:00Z'
}

run_tests

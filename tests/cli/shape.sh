#!/bin/bash
# SPDX-License-Identifier: MIT
# Rows shaped: fields chosen, sorted, counted. What is expected is made of the same rows as JSON, by Python.
. "$(dirname "$0")/../lib.sh"

{
	sockrec --proc="$TOP/fixtures/proc/seed" -n 1 -o seed.skt &&
		sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o kinds.skt &&
		sockrec --proc="$TOP/fixtures/proc/comm" -n 1 -o comm.skt &&
		sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt
} 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

t_counts_are_those_of_the_rows() {
	exits 0 sockquery --format=jsonl ../kinds.skt
	mv out rows
	exits 0 sockquery --format=jsonl --count-by=local_address,state ../kinds.skt
	python <<-END
		import collections, json
		rows = [json.loads(line) for line in open("rows")]
		got = [json.loads(line) for line in open("out")]
		want = collections.Counter((r["local_address"], r["state"]) for r in rows)
		assert {(g["local_address"], g["state"]): g["count"] for g in got} == dict(want)
		counts = [g["count"] for g in got]
		assert counts == sorted(counts, reverse=True)
	END
}

t_a_socket_counts_under_each_of_its_holders() {
	exits 0 sockquery --format=jsonl ../hands.skt --view=flows
	mv out rows
	exits 0 sockquery --format=jsonl --view=flows --count-by=pid ../hands.skt
	python <<-END
		import collections, json
		want = collections.Counter()
		for line in open("rows"):
		    for pid in {owner["pid"] for owner in json.loads(line)["owners"]} or {None}:
		        want[pid] += 1
		got = {json.loads(line)["pid"]: json.loads(line)["count"] for line in open("out")}
		assert got == dict(want), (got, want)
	END
}

t_a_curve_counts_flows_where_they_are() {
	exits 0 sockquery --format=jsonl ../hands.skt --view=flows
	mv out rows
	exits 0 sockquery --format=jsonl --count-by=local_port --every=3s ../hands.skt
	python <<-END
		import collections, datetime, json
		def seconds(text):
		    return int(datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp())
		want = collections.Counter()
		for line in open("rows"):
		    row = json.loads(line)
		    for second in range(seconds(row["first_seen"]) // 3 * 3, seconds(row["last_seen"]) + 1, 3):
		        want[second, row["local_port"]] += 1
		rows = [json.loads(line) for line in open("out")]
		got = {(seconds(row["time"]), row["local_port"]): row["count"] for row in rows}
		assert got == dict(want), (got, want)
		assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
	END
}

t_rows_sort_as_what_they_are() {
	exits 0 sockquery --format=jsonl --sort=remote_address,-local_port ../seed.skt
	python <<-END
		import ipaddress, json
		rows = [json.loads(line) for line in open("out")]
		keys = [(ipaddress.ip_address(r["remote_address"]), -r["local_port"]) for r in rows]
		assert len(keys) == 10 and keys == sorted(keys), keys
	END
}

t_csv_has_exactly_the_fields_that_are_named() {
	exits 0 sockquery --format=csv --fields=state,local_port,inode ../seed.skt
	python <<-END
		import csv
		rows = list(csv.reader(open("out", newline="")))
		assert rows[0] == ["state", "local_port", "inode"]
		assert len(rows) == 11 and all(len(row) == 3 for row in rows)
	END
}

t_several_recordings_have_one_heading() {
	exits 0 sockquery --format=csv --fields=local_port --top=2 ../seed.skt ../kinds.skt ../hands.skt
	[ "$(grep -c local_port out)" = 1 ]
	[ "$(wc -l <out)" = 6 ]
	exits 0 sockquery --format=csv -H --fields=local_port --top=2 ../seed.skt ../kinds.skt
	[ "$(wc -l <out)" = 4 ]
	exits 0 sockquery --format=json --count-by=table ../seed.skt ../kinds.skt
	python <<-END
		import json
		assert len(json.load(open("out"))) == 9
	END
}

t_a_field_of_another_view_is_told() {
	# an expression asks for flows, which have it; an instant does not
	exits 0 sockquery ../hands.skt --fields=first_seen 'sport = :80'
	exits 2 sockquery ../hands.skt@first --fields=first_seen 'sport = :80'
	has err "'first_seen' is no field"
	exits 2 sockquery --fields=first_seen ../hands.skt
	has err "Try 'sockquery --help'."
}

t_nothing_is_still_no() {
	exits 1 sockquery --count-by=comm ../hands.skt 'sport = :99'
	has err 'nothing matches in 8 snapshots'
	exits 1 sockquery --view=sockets --every=5s ../hands.skt 'sport = :99'
	has err 'nothing matches in 8 snapshots'
	exits 1 sockquery --fields=pid ../hands.skt 'sport = :99'
}

t_what_is_there_between_two_looks_of_a_curve_is_no_no() {
	# 10.0.0.9 is there from 14:03:08 to 14:03:12
	exits 0 sockquery --view=sockets --every=10s ../hands.skt 'dst 10.0.0.9' --format=csv
	exits 0 sockquery --view=sockets --every=10m ../hands.skt 'dst 10.0.0.9' --format=csv
	[ "$(wc -l <out)" = 1 ]
}

t_follow_prints_the_fields_as_they_come() {
	exits 0 sockquery --follow --from=first --fields=change,hands ../hands.skt
	[ "$(grep -c '^CHANGE' out)" = 1 ]
	has out 'released'
}

# on_terminal COLUMNS COMMAND...: its standard output, a terminal of that width, into out.
on_terminal() {
	python "$@" <<-END
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if not pid:
		    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
		    os.execvp(sys.argv[2], sys.argv[2:])
		said = b""
		while True:
		    try:
		        more = os.read(fd, 4096)
		    except OSError:
		        break
		    if not more:
		        break
		    said += more
		assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
		open("out", "wb").write(said.replace(b"\r\n", b"\n"))
	END
}

t_a_line_fits_its_terminal_and_numbers_behind_long_text_are_seen() {
	for width in 44 60 80; do
		on_terminal $width sockquery --fields=cmdline,exe,local_port,pid ../kinds.skt
		python $width <<-END
			import sys
			lines = open("out").read().splitlines()[1:]
			assert len(lines) == 15
			assert max(map(len, lines)) <= int(sys.argv[1])
			assert all(line.split()[-1] in ("PID", "2715", "-") for line in lines), lines
			assert int(sys.argv[1]) > 44 or any("\u2026" in line for line in lines)
		END
	done
}

t_whom_it_talked_to_and_who_held_it_stay_on_a_narrow_terminal() {
	for width in 60 70 80 100 120 200; do
		for view in flows changes; do
			on_terminal $width sockquery --view=$view ../hands.skt
			python $width <<-END
				import sys
				lines = open("out").read().splitlines()[1:]
				assert max(map(len, lines)) <= int(sys.argv[1])
				calls = [line for line in lines if "10.0.0.9:40000" in line]
				assert calls, lines
				holders = [line.split("10.0.0.9:40000")[1] for line in calls]
				if int(sys.argv[1]) >= 100:
				    assert all("nginx 721/" in holder or "(queued)" in holder for holder in holders), calls
				elif int(sys.argv[1]) >= 80:
				    assert "nginx 721/11" in "".join(holders), calls
			END
		done
	done
	# short on a hundred columns, and all of it where there is room
	on_terminal 100 sockquery --view=flows ../hands.skt
	has out '14:03:08  14:03:12  ' ' ESTAB>CLOSE_W>TIME_W '
	on_terminal 200 sockquery --view=flows ../hands.skt
	has out '14:03:08Z   ' ' ESTABLISHED>CLOSE_WAIT>TIME_WAIT '
}

t_a_terminal_shows_bars_and_a_pipe_does_not() {
	on_terminal 80 sockquery --count-by=state ../kinds.skt
	python <<-END
		rows = [line.split() for line in open("out").read().splitlines()[2:]]
		bars = {int(row[0]): len(row[1]) for row in rows}
		most = max(bars)
		assert bars[most] == 20
		assert all(bar == -(-20 * count // most) for count, bar in bars.items()), bars
	END
	exits 0 sockquery --count-by=state ../kinds.skt
	! grep '#' out
}

t_sides_that_are_compared_have_as_many_as_each_has() {
	sockrec --trees="$TOP/fixtures/trees/diff" -o diff.skt 2>/dev/null
	exits 1 sockdiff --format=jsonl --all --count-by=comm,state diff.skt
	mv out both
	exits 0 sockquery --format=jsonl --count-by=comm,state diff.skt@first
	mv out before
	exits 0 sockquery --format=jsonl --count-by=comm,state diff.skt@last
	python <<-END
		import json
		def counts(name, member):
		    rows = [json.loads(line) for line in open(name)]
		    return {(row["comm"], row["state"]): row[member] for row in rows if row[member]}
		assert counts("both", "before") == counts("before", "count")
		assert counts("both", "after") == counts("out", "count")
		assert all(row["difference"] == row["after"] - row["before"] for row in map(json.loads, open("both")))
	END
}

run_tests

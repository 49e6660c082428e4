#!/bin/bash
# SPDX-License-Identifier: MIT
# Rows shaped: fields chosen, sorted, counted. What is expected is made of the same rows as JSON, by Python.
. "$(dirname "$0")/../lib.sh"

{
	sockrec --proc="$TOP/fixtures/proc/seed" -n 1 -o seed.skt &&
		sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o kinds.skt &&
		sockrec --proc="$TOP/fixtures/proc/comm" -n 1 -o comm.skt &&
		sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt &&
		skt-tell hands.skt told.skt <"$TOP/fixtures/told/hands"
} 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

PRELUDE+='
def seconds(text):
    return timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
'

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

# A truth, and a list of words. One of the holders runs a program that was removed, another is not known.
t_truths_and_lists_of_words_are_counted_and_sorted() {
	cp -a "$TOP/fixtures/proc/kinds" tree
	ln -sfn '/usr/sbin/gone (deleted)' tree/2715/exe
	exits 0 sockrec --proc=tree -n 1 -o gone.skt
	exits 0 sockquery --format=jsonl gone.skt
	mv out rows
	for field in exe_deleted owner_gaps; do
		exits 0 sockquery --format=jsonl --count-by=$field gone.skt
		mv out counted
		exits 0 sockquery --format=jsonl --fields=$field --sort=$field gone.skt
		FIELD=$field python <<-END
			import collections, json, os
			field, want, rows = os.environ["FIELD"], collections.Counter(), []
			for line in open("rows"):
			    row = json.loads(line)
			    values = [owner[field] for owner in row["owners"]] or [None] if field == "exe_deleted" else [row[field]]
			    want.update(set(map(json.dumps, values)))
			got = {json.dumps(json.loads(line)[field]): json.loads(line)["count"] for line in open("counted")}
			assert got == dict(want), (got, want)
			assert field != "exe_deleted" or got["true"] >= 1
			values = [json.loads(line)[field] for line in open("out")]
			known = [value for value in values if value is not None]
			assert known == sorted(known) and values == known + [None] * (len(values) - len(known)), values
		END
	done
}

t_a_curve_counts_flows_where_they_are() {
	exits 0 sockquery --format=jsonl ../hands.skt --view=flows
	mv out rows
	exits 0 sockquery --format=jsonl --count-by=local_port --every=3s ../hands.skt
	python <<-END
		import collections
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
	exits 0 sockquery --format=csv --fields=local_port ../seed.skt ../kinds.skt ../hands.skt
	[ "$(grep -c local_port out)" = 1 ]
	exits 0 sockquery --format=csv -H --fields=local_port --top=3 ../seed.skt ../kinds.skt
	[ "$(wc -l <out)" = 3 ]
	if grep -q local_port out; then return 1; fi
	exits 0 sockquery --format=json --count-by=table ../seed.skt ../kinds.skt
	python <<-END
		import json
		tables = [row["table"] for row in json.load(open("out"))]
		assert len(tables) == len(set(tables)), tables
	END
}

# rows_of_all VIEW: all rows of three recordings, in the order of the operands, into rows.
rows_of_all() {
	local name

	for name in seed kinds hands; do
		exits 0 sockquery --view="$1" --format=jsonl ../$name.skt
		cat out
	done >rows
}

t_counts_of_several_recordings_are_one_count() {
	rows_of_all sockets
	exits 0 sockquery --format=jsonl --count-by=local_address,state --top=4 ../seed.skt ../kinds.skt ../hands.skt
	python <<-END
		import collections, json
		rows = [json.loads(line) for line in open("rows")]
		got = [json.loads(line) for line in open("out")]
		want = collections.Counter((r["local_address"], r["state"]) for r in rows)
		assert [g["count"] for g in got] == sorted(want.values(), reverse=True)[:4]
		assert all(want[g["local_address"], g["state"]] == g["count"] for g in got)
		assert got[0]["count"] > max(collections.Counter(
		    (r["host"], r["time"], r["local_address"], r["state"]) for r in rows).values())
	END
	has err '3 recordings: sockets from '
}

t_a_curve_of_several_recordings_is_one_curve() {
	rows_of_all flows
	exits 0 sockquery --view=flows --format=jsonl --count-by=table --every=2s ../seed.skt ../kinds.skt ../hands.skt ../hands.skt
	python <<-END
		import collections
		want = collections.Counter()
		for line in open("rows"):
		    row = json.loads(line)
		    first, last = seconds(row["first_seen"]) // 2, seconds(row["last_seen"]) // 2
		    for stretch in range(first, last + 1):
		        # that of the hands is asked twice
		        want[stretch * 2, row["table"]] += 1 + (row["first_seen"] < "2026-11-22T14:03:15")
		got = {(seconds(row["time"]), row["table"]): row["count"] for row in map(json.loads, open("out"))}
		hands = {key: count for key, count in want.items() if key[0] < seconds("2026-11-22T14:03:15")}
		assert {key: got.get(key) for key in hands} == hands, (got, hands)
		assert sum(got.values()) >= len(want)
	END
}

t_rows_of_several_recordings_are_sorted_together() {
	rows_of_all sockets
	exits 0 sockquery --format=jsonl --sort=-local_port --top=12 ../seed.skt ../kinds.skt ../hands.skt
	python <<-END
		import json
		rows = [json.loads(line) for line in open("rows")]
		got = [json.loads(line) for line in open("out")]
		names = {row.pop("recording") for row in got}
		assert len(got) == 12 and names <= {"../seed.skt", "../kinds.skt", "../hands.skt"} and len(names) > 1
		# equal ones stay as they came
		assert got == sorted(rows, key=lambda row: -row["local_port"])[:12]
	END
	exits 0 sockquery --format=csv --sort=-local_port --top=12 ../seed.skt ../kinds.skt ../hands.skt
	python <<-END
		import csv
		rows = list(csv.DictReader(open("out", newline="")))
		ports = [int(row["local_port"]) for row in rows]
		assert ports == sorted(ports, reverse=True)
		assert {int(row["row"]) for row in rows} == set(range(1, 13)), rows
	END
}

t_many_recordings_are_sorted_like_few() {
	local recordings=() i

	for i in {1..40}; do
		ln -s "$PWD/../kinds.skt" "k$i.skt"
		recordings+=("k$i.skt")
	done
	exits 0 sockquery --format=jsonl ../kinds.skt
	mv out rows
	exits 0 sockquery --format=jsonl --sort=local_port,-recording --fields=local_port,inode,recording "${recordings[@]}"
	python <<-END
		import json
		rows = [json.loads(line) for line in open("rows")]
		want = [(r["local_port"], -ord(name[1]), name, r["inode"]) for i in range(1, 41)
		        for name in ["k%d.skt" % i] for r in rows]
		want.sort(key=lambda row: [-byte for byte in row[2].encode()] + [256])
		want.sort(key=lambda row: row[0])
		got = [json.loads(line) for line in open("out")]
		assert len(got) == 40 * len(rows)
		assert [row["local_port"] for row in got] == [row[0] for row in want]
		for port in {row["local_port"] for row in got}:
		    names = [row["recording"] for row in got if row["local_port"] == port]
		    assert names == sorted(names, reverse=True), names
	END
	exits 0 sockquery --format=jsonl --count-by=recording "${recordings[@]}"
	[ "$(wc -l <out)" = 40 ]
	exits 0 sockquery --view=flows --format=table --sort=local_port --top=3 "${recordings[@]}"
	has out 'RECORDING' '40 recordings: flows from '
}

t_every_view_of_several_recordings_is_one_answer() {
	for view in sockets flows changes processes snapshots; do
		for format in table json jsonl csv; do
			exits 0 sockquery --view=$view --format=$format --top=2 --fields=recording,host,time --sort=-time \
				../hands.skt ../hands.skt
			python $format <<-END
				import csv, json, sys
				read = {"json": lambda file: json.load(file),
				        "jsonl": lambda file: [json.loads(line) for line in file],
				        "csv": lambda file: list(csv.DictReader(file)),
				        "table": lambda file: [line.split() for line in list(file)[2:]]}
				rows = read[sys.argv[1]](open("out", newline=""))
				assert len(rows) == 2, rows
			END
			exits 0 sockquery --view=$view --format=$format --top=2 ../hands.skt ../hands.skt
			exits 0 sockquery --view=$view --format=$format --count-by=recording --every=1m ../hands.skt ../hands.skt
		done
	done
}

t_recordings_asked_for_different_views_are_told() {
	exits 2 sockquery --count-by=table ../hands.skt@first ../kinds.skt 'sport = :80'
	has err '../kinds.skt: it has flows, and the others have sockets: name what is meant for all with --view'
	exits 0 sockquery --view=flows --count-by=table ../hands.skt@first ../hands.skt 'sport = :80'
}

t_one_answer_has_one_zone() {
	exits 2 sockquery --tz=host --sort=time ../hands.skt ../kinds.skt
	has err '--tz=host: one answer over several recordings has one zone: name it'
	exits 0 sockquery --tz=Europe/Berlin --sort=time ../hands.skt ../kinds.skt
	exits 0 sockquery --tz=host ../hands.skt ../kinds.skt
}

t_one_that_cannot_be_read_leaves_the_others_together() {
	echo nothing >nothing.skt
	exits 2 sockquery --format=jsonl --count-by=table ../kinds.skt nothing.skt ../kinds.skt
	python <<-END
		import json
		rows = [json.loads(line) for line in open("out")]
		assert rows and all(row["count"] % 2 == 0 for row in rows), rows
	END
	has err 'nothing.skt'
}

t_a_directory_of_strangers_is_one_answer() {
	mkdir -p strangers
	cp ../kinds.skt ../seed.skt strangers
	exits 0 sockquery --format=jsonl --count-by=recording strangers
	[ "$(wc -l <out)" = 2 ]
	has out '"recording":"strangers/kinds.skt"'
	exits 0 sockquery --format=csv --sort=-local_port --top=3 strangers
	[ "$(grep -c remote_port out)" = 1 ]
}

t_a_field_of_another_view_is_told() {
	# an expression asks for flows, which have it; an instant does not
	exits 0 sockquery ../hands.skt --fields=first_seen 'sport = :80'
	exits 2 sockquery ../hands.skt@first --fields=first_seen 'sport = :80'
	has err "'first_seen' is no field"
	exits 2 sockquery --fields=first_seen ../hands.skt
	has err "Try 'sockquery --help'."
}

# The middle of v1-groups' three groups as if the clock had been set back for it: each stretch is counted once, and as its first
# snapshot has it. 8 s lead through stretches that were counted, an hour through others.
t_each_stretch_is_counted_once_where_the_clock_was_set_back() {
	set_back 8 1
	mv x.skt some.skt
	set_back 3600 1
	mv x.skt hour.skt
	python <<'END'
def counted(path):
    ask = lambda *what: subprocess.run(["sockquery", "--format=csv", path, *what], capture_output=True, text=True,
        check=True).stdout.splitlines()[1:]
    times = ask("--view=snapshots", "--fields=time")
    want = sorted({time[:17] + "%02d" % (int(time[17:19]) // 5 * 5) for time in times})
    got = ask("--view=sockets", "--every=5s", "--count-by=local_port", "--sort=time")
    of_80 = [line.split(",") for line in got if line.split(",")[1] == "80"]
    assert [line[0][:19] for line in of_80] == want and {line[2] for line in of_80} == {"1"}, (want, got)
    return len(want)
assert counted("some.skt") >= 4 and counted("hour.skt") >= 4
END
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

# All that can be named, one at a time: what a table says of it is what JSON says, and nothing where that is null or an empty list.
t_every_field_of_every_view_is_in_every_format() {
	local view

	for view in sockets flows changes processes snapshots; do
		exits 0 sockquery --list-fields --view=$view --format=jsonl
		mv out fields
		python3 - $view ../told.skt <<-'END'
			import csv, io, json, subprocess, sys
			view, recording = sys.argv[1:]
			names = [json.loads(line)["name"] for line in open("fields")]
			def ask(fields, form):
			    run = ["sockquery", "--view=" + view, "--fields=" + ",".join(fields), "--format=" + form, recording]
			    return subprocess.run(run, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
			lines = [json.loads(line) for line in ask(names, "jsonl").splitlines()]
			assert lines and all(list(line) == names for line in lines), view
			assert json.loads(ask(names, "json")) == lines, view
			head, *rows = csv.reader(io.StringIO(ask(names, "csv")))
			assert head == names and len(rows) == len(lines), view
			for row, line in zip(rows, lines):
			    for name, cell in zip(names, row):
			        # who reads csv is not told nothing from empty text
			        assert cell if line[name] not in (None, "", []) else cell in ("", "[]"), (view, name, cell)
			for name in names:
			    alone = [json.loads(line)[name] for line in ask([name], "jsonl").splitlines()]
			    # "... snapshot 8 of 8, ..." and the heading
			    first, heading, *cells = ask([name], "table").splitlines()
			    assert heading.strip() == name.upper() and len(cells) == len(alone), (view, name, cells)
			    for cell, value in zip(cells, alone):
			        nothing = value is None or name in ("candidates", "states") and not value
			        assert cell and (name == "owners" or (cell.strip() == "-") == nothing), (view, name, cell, value)
		END
	done
	# of lists, who is in them
	exits 0 sockquery --view=changes --fields=change,candidates,owners ../told.skt
	has out 'closed   nginx 720 721  (unseen) perhaps nginx 720 721' 'changed  -              nginx 720/6 721/6'
	exits 0 sockquery --view=changes --fields=change,candidates,owners --sort=-change ../told.skt
	has out 'closed   nginx 720 721  (unseen) perhaps nginx 720 721' 'changed  -              nginx 720/6 721/6'
}

# An event is told with the snapshot that is taken next, and of a namespace that waited for its turn with a later one.
t_changes_are_not_said_to_come_in_the_order_of_time() {
	exits 2 sockquery --view=changes --sort=time ../told.skt
	has err '--sort: changes come snapshot by snapshot; name what is to be sorted with --fields'
	exits 0 sockquery --view=changes --sort=time --fields=time --format=csv --no-header ../told.skt
	LC_ALL=C sort -c out
}

# Who cuts a table by its columns has the same, whatever rows there are.
t_a_piped_table_has_the_same_columns_whatever_the_rows() {
	exits 0 sockquery --view=flows ../hands.skt 'sport = :80'
	head -n 2 out | tail -n 1 | tr -s ' ' >some
	exits 1 sockquery --view=flows ../hands.skt 'sport = :1'
	head -n 2 out | tail -n 1 | tr -s ' ' >none
	cmp some none
	[ "$(cat some)" = 'FIRST LAST DIR TABLE STATES MAX RX MAX TX RETR SENT RECEIVED LOCAL REMOTE PROCESS PID/FD COMMAND' ]
	# a terminal has room for what says something
	script -qec "stty cols 200; sockquery --view=flows ../hands.skt 'sport = :1' || :" /dev/null </dev/null >terminal
	fails grep -q 'MAX RX' terminal
	exits 0 sockquery --view=snapshots ../hands.skt
	has out STALE UNKNOWN FAILED DUPLICATES MALFORMED
}

# On a terminal of each of these widths who held it is said, in lines no wider; piped it is a line a change.
t_changes_fit_the_terminal_and_say_who_held_it() {
	local width

	exits 0 sockquery --view=changes --top=13 ../told.skt
	mv out piped
	for width in 40 60 80 111 112 120 200; do
		script -qec "stty cols $width; sockquery --view=changes --top=13 ../told.skt" /dev/null </dev/null >"terminal.$width"
	done
	python <<-'END'
		about, heading, *piped = open("piped").read().splitlines()
		assert len(piped) == 13
		# behind the state, which is a word
		said = [line[heading.index("STATE"):].split()[1:] for line in piped]
		assert all(said)
		for width in (40, 60, 80, 111, 112, 120, 200):
		    lines = open("terminal.%d" % width, newline="").read().replace("\r\n", "\n").splitlines()[2:]
		    assert all(len(line) <= width for line in lines), width
		    changes = []
		    for line in lines:
		        if line.startswith("  "):
		            changes[-1] += line
		        else:
		            changes.append(line)
		    assert len(changes) == 13, width
		    for change, words in zip(changes, said):
		        assert " ".join(change.split()).endswith(" ".join(words)), (width, change, words)
		    if width == 200:
		        assert lines == piped
	END
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

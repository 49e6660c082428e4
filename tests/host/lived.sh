#!/bin/bash
# SPDX-License-Identifier: MIT
# Processes that come and go between two snapshots. The kernel tells of them in its first namespaces only, so this is not run in
# one of its own: whatever else this host does is in the recordings, too.
# tap: alone, for all of this host is in what it records
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

# heard: x.skt was recorded where the kernel tells of processes.
heard() {
	sockquery --info x.skt | grep -Eq '^recorder.events .*processes' ||
		skip "the kernel tells nobody here of processes"
}

# record [ARGUMENT...]: into x.skt, a snapshot, fifty processes of 5 ms that run one after the other, and the end; their numbers
# are in `ran`.
record() {
	sockrec "$@" -i 1h -o x.skt 2>said &
	local recorder=$!
	eventually sockquery -H x.skt
	python3 -c '
import subprocess
for n in range(50):
    child = subprocess.Popen(["sleep", "0.005", f"0.{n:04}"], executable="/bin/sleep")
    child.wait()
    print(child.pid)' >ran
	kill -TERM "$recorder"
	ends "$recorder" 0
}

t_fifty_processes_of_five_milliseconds_are_there_with_what_they_ran() {
	record
	heard
	sockquery --view=processes --format=jsonl x.skt >processes 2>/dev/null
	python <<'END'
ran = [int(line) for line in open("ran")]
rows = {row["pid"]: row for row in jsonl("processes")}
for n, pid in enumerate(ran):
    row = rows[pid]
    assert row["ended"] == "exited" and row["last_seen"] is None and not row["still_there"], row
    assert row["first_after"] < row["first_seen"] == row["last_until"], row
    # the number and the parent are always told; the rest is read while it lives
    assert row["ppid"], row
read = [rows[pid] for pid in ran if rows[pid]["cmdline"]]
assert len(read) > 25, len(read)
for row in read:
    assert row["cmdline"] == ["sleep", "0.005", f"0.{ran.index(row['pid']):04}"], row
    assert row["comm"] == "sleep" and row["process_uid"] == os.getuid(), row
END
	sockreplay --self-test x.skt
	sockquery --verify x.skt >verified
	has verified WHOLE
	skt-dump x.skt >dump
	python3 "$TOP/contrib/skt.py" x.skt | cmp - dump
}

t_who_does_not_want_events_has_none() {
	record --events=none
	sockquery --info x.skt >info
	fails grep -q 'processes between' info
	fails grep -q 'recorder.events .*processes' info
	# 1: nobody on this host held a socket
	sockquery --view=processes --format=jsonl x.skt >processes 2>/dev/null || [ $? = 1 ]
	python <<'END'
ran = {int(line) for line in open("ran")}
assert not any(row["pid"] in ran for row in jsonl("processes"))
END
}

t_command_lines_are_kept_as_told() {
	record --cmdline=none
	heard
	sockquery --view=processes --format=jsonl x.skt >processes 2>/dev/null
	python <<'END'
rows = [row for row in jsonl("processes") if row["last_seen"] is None]
assert len(rows) >= 50 and not any(row["cmdline"] for row in rows)
END
}

t_the_unit_has_what_that_takes_and_the_recorder_keeps_none_of_it() {
	local capabilities

	capabilities=$(sed -n 's/^AmbientCapabilities=//p' "$TOP/dist/sockrec.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	[ "$(grep -c "^CapabilityBoundingSet=$(sed -n 's/^AmbientCapabilities=//p' "$TOP/dist/sockrec.service")$" \
		"$TOP/dist/sockrec.service")" = 1 ]
	sockrec -n 2 -i 20ms -o x.skt
	heard
	rm x.skt
	exits 0 setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set="-all,$capabilities" \
		--inh-caps="-all,$capabilities" --ambient-caps="-all,$capabilities" sockrec -i 20ms -n 2 -o -
	mv out x.skt
	sockquery --info x.skt >info
	grep -Eq '^recorder.events .*tcp.*processes' info
	grep -Eq '^recorder.capabilities +0000000000080004$' info
}

run_tests

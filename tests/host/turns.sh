#!/bin/bash
# SPDX-License-Identifier: MIT
# Many network namespaces take turns within the interval.
# tap: alone, for it measures ticks
# shellcheck disable=SC2119 # only one here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid
# shellcheck source=tests/namespaces.sh
. "$TOP/tests/namespaces.sh"

t_a_hundred_namespaces_take_turns_and_ticks_are_kept() {
	local try

	dwell hundred 100
	# the machine may be too busy to be on time, but what is recorded is right each time
	for try in 1 2 3; do
		exits 0 sockrec -i 1s -n 13 -o $try.skt
		python $try.skt <<'END'
snapshots = dump(sys.argv[1])
for inode, pid in dwellers("hundred"):
    for number, snapshot in enumerate(snapshots):
        # its sockets are in every snapshot
        assert count(snapshot, inode) == 4, (number, inode)
        for table in tables(snapshot, inode):
            assert table["status"] == FRESH or number and table["status"] == STALE, (number, table)
            assert table["error"] == 0, table
for snapshot in snapshots:
    assert {table["status"] for table in tables(snapshot, OWN)} == {FRESH}
assert any(table["status"] == STALE for snapshot in snapshots for table in snapshot["tables"]), "none had to wait"
END
		if on_time $try.skt; then break; fi
	done
	leave hundred
	[ -z "${late-}" ]
}
# No tick is missed but during the first snapshot, in which all are read, and no table is older than ten seconds and a tick.
on_time() {
	late=1
	python "$1" <<'END' || return
first, second, *others = dump(sys.argv[1])
assert sum(snapshot["missed"] for snapshot in others) < 2
for snapshot in others:
    for table in snapshot["tables"]:
        assert (snapshot["time"] - table["read_time"]) / 1e9 < 11, (snapshot["number"], table)
END
	late=
}

t_others_take_no_more_than_half_of_the_interval_one_of_them_aside() {
	dwell many 40
	exits 0 sockrec -i 50ms -n 30 --netns-interval=100ms -o x.skt
	leave many
	python <<'END'
first, *snapshots = dump("x.skt")
assert {table["status"] for table in first["tables"]} == {FRESH}
turns = []
for snapshot in snapshots:
    took = {}
    for table in snapshot["tables"]:
        if table["net_namespace"] != OWN and table["status"] == FRESH:
            took[table["net_namespace"]] = took.get(table["net_namespace"], 0) + table["read_us"]
    # the last of them was begun before half of the interval had passed, and was thought to end there
    assert sum(sorted(took.values())[:-1]) <= 25000, took
    turns += took
# all of them want it, and so all had their turn as often as another, or once more or less
turns = [turns.count(inode) for inode, pid in dwellers("many")]
assert max(turns) - min(turns) <= 1 and sum(turns) >= 29, turns
END
}

run_tests

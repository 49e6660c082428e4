#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay: what a "no" is worth, and what is told and shown beside a gap.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/replay.sh"

fixtures=$TOP/fixtures/rec

# doubted REC EXPR WHY: neither tool says no, and both say why.
doubted() {
	local tool

	for tool in sockreplay 'sockquery --view=changes'; do
		# shellcheck disable=SC2086 # words
		exits 2 $tool "$1" "$2"
		has err "$1: cannot say: $3"
	done
}

t_no_is_not_said_of_what_a_slice_left_out() {
	exits 0 sockquery "$fixtures/v1-groups.skt" 'sport = :80' -o sl.skt
	doubted sl.skt 'sport = :22' "it is a slice, which holds only sockets that match 'sport = :80'"
	exits 2 sockreplay sl.skt --from=#1 --to=#1
	has err 'cannot say: it is a slice'
	# of what it holds there is a no
	exits 1 sockreplay sl.skt 'sport = :80 and state = LISTEN and dst = 192.0.2.1'
	fails grep 'cannot say' err
}

t_no_is_not_said_of_tables_that_were_not_recorded() {
	doubted "$fixtures/v1-groups.skt" 'table = udp' 'the tables asked for were not recorded'
}

t_no_is_not_said_while_a_table_could_not_be_read() {
	local second

	cp -r "$hands" trees
	for second in 10 11 12; do
		rm trees/2026-11-22T14:03:${second}Z/net/tcp
		mkdir trees/2026-11-22T14:03:${second}Z/net/tcp
	done
	exits 2 sockrec -q --trees=trees -o x.skt
	doubted x.skt 'sport = :9999' 'table tcp'
	has err 'could not be read' 'from 2026-11-22T14:03:09.000000000Z to 2026-11-22T14:03:13.000000000Z'
	# before that it was, and changes that are found stand
	exits 1 sockreplay x.skt --to=#3 'sport = :9999'
	exits 0 sockreplay x.skt
	exits 2 sockreplay x.skt --from=#4 --to=#6 'sport = :9999'
}

t_no_is_not_said_of_what_lies_outside_of_the_recording() {
	exits 2 sockreplay "$h" --from=13:00 'dst = 192.0.2.1'
	has err 'cannot say: nothing was recorded from 2026-11-22T13:00:00.000000000Z to 2026-11-22T14:03:07.000000000Z'
	exits 1 sockreplay "$h" 'dst = 192.0.2.1'
	fails grep 'cannot say' err
}

# comes_to N REC OPTION...: a tree that moves much faster than trees are written comes to snapshot N.
comes_to() {
	local number=$1

	shift
	exits 7 sockreplay --speed=1000000 "$@" -- sh -c '
		for i in $(seq 500); do
			! grep -qx "number $1" "$SKT_PROC/.skt-meta" || exit 7
			sleep 0.02
		done' sh "$number"
}

t_a_moving_tree_comes_to_the_last_snapshot_before_damage_and_before_a_gap() {
	head -c 4786 "$fixtures/flipped-payload.skt" >damaged.skt
	comes_to 12 damaged.skt
	has err 'snapshots #13 to #13 are lost'
	comes_to 12 --to=+13s "$fixtures/gap.skt"
	comes_to 20 "$fixtures/gap.skt"
}

t_in_a_long_gap_a_moving_tree_is_that_of_the_last_snapshot_before_it() {
	sockreplay "$fixtures/gap.skt" --to-trees=trees 2>/dev/null || [ $? = 2 ]
	# the one behind the gap is of four years later, and so due in two minutes
	python <<'END'
import re
last = "trees/" + sorted(os.listdir("trees"))[-1]
years = 120 * 1000000 * 10**9
meta = re.sub(r"^(time|end|boottime) (\d+)$", lambda m: "%s %d" % (m[1], int(m[2]) + years), read(last + "/.skt-meta").decode(), flags=re.M)
meta = re.sub(r"^last .*\n", "", meta, flags=re.M)
with open(last + "/.skt-meta", "w") as file:
    file.write(meta)
time = re.search(r"^time (\d+)$", meta, re.M)[1]
os.rename(last, "trees/%s.%s" % (time[:-9], time[-9:]))
END
	exits 0 sockrec --trees=trees -o x.skt
	comes_to 12 x.skt
}

t_trees_from_within_a_gap_tell_of_that_gap_and_not_of_what_lies_before_it() {
	exits 2 sockreplay "$fixtures/gap.skt" --from=+13s --to-trees=trees
	# 13 to 19 are lost, and 1 to 12 are not
	[ "$(cat trees/*/.skt-meta | grep '^gap ')" = 'gap 7' ]
	exits 0 sockrec -q --trees=trees -o x.skt
	exits 2 sockreplay x.skt
	has err ' 7 snapshots are lost'
}

run_tests

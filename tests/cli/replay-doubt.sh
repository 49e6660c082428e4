#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay: what a "no" is worth, and what is told and shown beside a gap.
# shellcheck disable=SC2119,SC2016 # no test here passes an argument to python; what is quoted is another shell's
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
	exits 1 sockreplay sl.skt 'table = tcp and sport = :80 and state = LISTEN and dst = 192.0.2.1'
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

# set_back: c.skt is gap.skt with a clock that was set back by an hour before the snapshot 5.
set_back() {
	sockreplay "$fixtures/gap.skt" --to-trees=trees 2>/dev/null || [ $? = 2 ]
	python <<'END'
import re
for tree in sorted(os.listdir("trees"))[4:]:
    path = "trees/" + tree + "/.skt-meta"
    meta = re.sub(r"\b(\d{19})\b", lambda m: str(int(m[1]) - 3600 * 10**9), read(path).decode())
    with open(path, "w") as file:
        file.write(meta)
    time = re.search(r"^time (\d+)$", meta, re.M)[1]
    os.rename("trees/" + tree, "trees/%s.%s" % (time[:-9], time[-9:]))
END
	exits 0 sockrec -q --trees=trees -o c.skt
}

t_a_gap_between_two_numbers_is_told_though_the_clock_was_set_back() {
	set_back
	exits 2 sockreplay --from=#3 --to=#20 c.skt
	[ "$(grep -c ' 7 snapshots are lost' err)" = 1 ]
	exits 0 sockreplay --from=#3 --to=#12 c.skt
	fails grep lost err
}

t_a_number_is_in_the_recording_whatever_the_clock_says() {
	set_back
	exits 2 sockreplay --from=#1 c.skt
	has err ' 7 snapshots are lost'
	exits 2 sockreplay --to=#20 c.skt
	has err ' 7 snapshots are lost'
	exits 2 sockreplay --from=#6 c.skt
	has err ' 7 snapshots are lost'
	fails grep 'nothing was recorded' err
}

t_what_is_lost_behind_the_end_that_was_asked_for_is_no_trouble() {
	exits 0 sockreplay --to=#12 "$fixtures/gap.skt"
	exits 0 sockreplay --to=#12 "$fixtures/flipped-payload.skt"
	fails grep -e lost -e damaged err
	# but 13 is
	exits 2 sockreplay --to=#13 "$fixtures/flipped-payload.skt"
	has err 'snapshots #13 to #19 are lost'
}

t_what_was_left_out_of_a_recording_is_told_when_a_tree_is_written() {
	sockrec -q --trees="$hands" --tables=tcp,udp -o some.skt
	sockquery "$h" 'sport = :80' -o sl.skt 2>/dev/null
	exits 0 sockreplay some.skt --to-trees=a
	has err 'some.skt: only these tables were recorded: tcp, udp; trees cannot say so'
	exits 0 sockreplay sl.skt --to-tree=b
	has err "sl.skt: it is a slice, which holds only sockets that match 'sport = :80'; trees cannot say so"
	exits 0 sockreplay sl.skt -- true
	has err 'it is a slice'
	# of a recording that has all there is nothing to tell
	exits 0 sockreplay "$h" --to-trees=c
	fails grep 'cannot say' err
}

run_tests

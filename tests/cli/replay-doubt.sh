#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay: what a "no" is worth, and what is told of where it goes.
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

run_tests

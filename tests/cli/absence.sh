#!/bin/bash
# SPDX-License-Identifier: MIT
# sockquery: what a "no" is worth. Exit 1 is said only where it was looked, and nothing was there.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

heading='  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

# row PORT INODE: a connection from 10.0.0.5:PORT to 10.0.0.9:443, as net/ipv4/tcp_ipv4.c prints it.
row() {
	local line

	printf -v line '%4d: 0500000A:%04X 0900000A:01BB 01 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 %016x 20 4 30 10 -1' \
		0 "$1" 0 "$2" "$2"
	printf '%-149s\n' "$line"
}

# tree NAME PORT...: one with these connections, held by process 700.
tree() {
	local dir=trees/$1 port

	shift
	mkdir -p "$dir/net" "$dir/700/fd"
	printf '700 (client) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' \
		>"$dir/700/stat"
	printf '%-149s\n' "$heading" >"$dir/net/tcp"
	for port; do
		row "$port" "1$port" >>"$dir/net/tcp"
		ln -s "socket:[1$port]" "$dir/700/fd/$port"
	done
}

# Ports 1 and 2 at 14:03:07, 2 at :08, 2 and 3 at :11.
three() {
	tree 2026-11-22T14:03:07Z 1 2
	tree 2026-11-22T14:03:08Z 2
	tree 2026-11-22T14:03:11Z 2 3
	exits 0 sockrec --trees=trees -o x.skt
}

t_a_no_says_what_was_looked_at_and_how_long_nothing_was() {
	three
	exits 1 sockquery x.skt 'sport = :9'
	has out 'flows from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:03:11.000000000Z, 3 snapshots, 0 flows'
	has err 'nothing matches in 3 snapshots' \
		'the longest interval between two looks is 3s from 2026-11-22T14:03:08.000000000Z to 2026-11-22T14:03:11.000000000Z'
	! grep -q 'cannot say' err
}

t_a_time_of_day_beyond_the_recording_is_asked_about_as_far_as_it_goes() {
	three
	# what is there is found, and how far was looked is told
	exits 0 sockquery --from=14:03:08 --to=15:00 x.skt 'sport = :3'
	has err 'nothing was recorded from 2026-11-22T14:03:11.000000000Z to 2026-11-22T15:00:00.000000000Z'
	cp err err.before
	exits 1 grep 'cannot say' err.before
	exits 0 sockquery --from=14:00 --to=14:03:08 x.skt 'sport = :1'
	has err 'nothing was recorded from 2026-11-22T14:00:00.000000000Z to 2026-11-22T14:03:07.000000000Z'
	# midnight lies between
	exits 0 sockquery --from=14:00 --to=13:00 x.skt 'sport = :3'
	has err 'nothing was recorded from 2026-11-22T14:03:11.000000000Z to 2026-11-23T13:00:00.000000000Z'
	# what is not there may have been where nothing was recorded
	exits 2 sockquery --from=14:03:08 --to=15:00 x.skt 'sport = :9'
	has err 'cannot say: nothing was recorded from 2026-11-22T14:03:11.000000000Z to 2026-11-22T15:00:00.000000000Z'
	# a slice of it has what there is
	exits 0 sockquery --from=14:03:08 --to=15:00 x.skt -o s.skt
	has err 'nothing was recorded from 2026-11-22T14:03:11.000000000Z to 2026-11-22T15:00:00.000000000Z' \
		's.skt: slice of x.skt, 2026-11-22T14:03:08.000000000Z to 2026-11-22T14:03:11.000000000Z, 2 snapshots'
	exits 0 sockquery --from=14:03:08 --to=15:00 x.skt 'sport = :3' -o t.skt
	[ "$(grep -c 'nothing was recorded' err)" = 1 ]
	exits 0 sockquery --from=14:03:08 --to=14:03:11 x.skt -o u.skt
	cp err err.before
	exits 1 grep 'nothing was recorded' err.before
	rm -r trees
	tree 2026-11-22T00:10:00Z 1
	exits 0 sockrec --trees=trees -o night.skt
	exits 0 sockquery --from=23:00 --to=00:10 night.skt 'sport = :1'
	has err 'nothing was recorded from 2026-11-21T23:00:00.000000000Z to 2026-11-22T00:10:00.000000000Z'
}

t_a_stretch_that_the_recording_has_nothing_of_is_an_error() {
	three
	for stretch in '--from=14:10 --to=14:20' '--from=13:00 --to=14:00' --from=15:00 --to=14:00; do
		# shellcheck disable=SC2086 # two options
		exits 2 sockquery $stretch x.skt
		has err ': the recording goes from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:03:11.000000000Z'
		[ ! -s out ]
	done
	exits 2 sockquery --from=15:00 --to=14:03:08 x.skt
	has err '--from is later than --to'
}

t_what_matches_is_a_yes() {
	three
	exits 0 sockquery x.skt 'sport = :1'
	is_empty err
	exits 0 sockquery x.skt 'pid = 700'
}

# shown REC EXPR...: the local ports of flows, in order.
shown() {
	sockquery --format=jsonl "$@" 2>/dev/null | sed 's/.*"local_port":\([0-9]*\).*/\1/' | sort -n | tr '\n' ' '
}

t_flows_are_asked_as_a_whole() {
	three
	[ "$(shown x.skt 'ended = closed')" = '1 ' ]
	[ "$(shown x.skt 'still_there = true')" = '2 3 ' ]
	[ "$(shown x.skt 'still_there = true and sport != :3')" = '2 ' ]
	[ "$(shown x.skt 'first_seen > 2026-11-22T14:03:09Z')" = '3 ' ]
	[ "$(shown x.skt 'not ( already_there = true )')" = '3 ' ]
	[ "$(shown x.skt 'seen = 3 or ended = closed')" = '1 2 ' ]
	[ "$(shown x.skt 'direction = out')" = '1 2 3 ' ]
	exits 1 sockquery x.skt 'direction = in'
	[ "$(shown --view=flows x.skt@first 'already_there = true')" = '1 2 ' ]
	exits 2 sockquery x.skt@first 'already_there = true'
	has err 'this one is of flows'
	exits 2 sockquery -o s.skt x.skt 'already_there = true'
}

t_flows_have_the_host_and_its_boot() {
	local fixture=$TOP/fixtures/rec/v1-live.skt

	exits 0 sockquery --view=flows --format=jsonl "$fixture"
	mv out flows
	exits 0 sockquery --format=jsonl "$fixture@last"
	python <<'END'
assert {row["host"] for row in jsonl("flows")} == {"fixture"}
starts = {owner["pid"]: owner["start_time"] for row in jsonl("flows") for owner in row["owners"]}
for row in jsonl("out"):
    for owner in row["owners"]:
        assert starts[owner["pid"]] == owner["start_time"]
END
}

t_a_blind_interval_that_is_too_long_makes_a_no_a_cannot_say() {
	three
	exits 1 sockquery --max-blind=3s x.skt 'sport = :9'
	exits 2 sockquery --max-blind=2.9s x.skt 'sport = :9'
	has err 'cannot say: the longest interval between two looks is over --max-blind=2.9s'
	exits 0 sockquery --max-blind=2.9s x.skt 'sport = :1'
}

t_a_stretch_is_asked_about_by_itself() {
	three
	exits 1 sockquery --from=14:03:08 x.skt 'sport = :1'
	has err 'nothing matches in 2 snapshots'
	exits 1 sockquery --from=14:03:07.5 --to=14:03:10 x.skt 'sport = :3'
	# what is in force at its beginning belongs to it
	exits 0 sockquery --from=14:03:07.5 --to=14:03:10 x.skt 'sport = :1'
}

t_what_was_not_recorded_is_not_answered() {
	three
	exits 2 sockquery --from=2026-11-22T13:00Z x.skt 'sport = :9'
	has err 'cannot say: nothing was recorded from 2026-11-22T13:00:00.000000000Z to 2026-11-22T14:03:07.000000000Z'
	exits 2 sockquery --to=2026-11-22T15:00Z x.skt 'sport = :9'
	has err 'cannot say: nothing was recorded from 2026-11-22T14:03:11.000000000Z to 2026-11-22T15:00:00.000000000Z'
	exits 2 sockquery --from=2026-11-22T15:00Z x.skt 'sport = :9'
	has err '--from is 2026-11-22T15:00:00.000000000Z: the recording goes from 2026-11-22T14:03:07.000000000Z'
	exits 0 sockrec --proc=trees/2026-11-22T14:03:07Z --tables=tcp -n 1 -o tcp.skt
	exits 2 sockquery tcp.skt 'table = udp'
	has err 'cannot say: the tables asked for were not recorded'
}

t_a_no_of_some_tables_is_none_of_those_that_were_not_recorded() {
	local how rest='these were not recorded: tcp6 udp6 udplite udplite6 raw raw6'

	three
	exits 0 sockrec --trees=trees --tables=tcp,udp -o some.skt
	for how in --view=flows --view=changes --view=sockets '--view=sockets --every=1s'; do
		# shellcheck disable=SC2086 # words
		exits 2 sockquery $how some.skt 'sport = :9'
		has err "cannot say: of the tables asked for $rest"
		# shellcheck disable=SC2086
		exits 1 sockquery $how some.skt 'sport = :9 and table in (tcp, udp)'
		fails grep -q 'cannot say' err
		# shellcheck disable=SC2086
		exits 1 sockquery $how -4 -t some.skt 'sport = :9'
		fails grep -q 'cannot say' err
	done
	exits 2 sockquery --coverage -4 -w some.skt 'sport = :9'
	has out '"answer":"cannot say"' '"holes":[{"hole":"unrecorded","table":"raw","net_namespace":null,"error":null,'
	# what is found stands
	exits 0 sockquery some.skt 'sport = :1'
	fails grep -q 'cannot say' err
}

# A table that cannot be read, at 14:03:08.
with_a_hole() {
	tree 2026-11-22T14:03:07Z 1 2
	tree 2026-11-22T14:03:08Z 1 2
	rm trees/2026-11-22T14:03:08Z/net/tcp
	mkdir trees/2026-11-22T14:03:08Z/net/tcp
	tree 2026-11-22T14:03:09Z 1 2
	for name in trees/20*; do
		cp trees/2026-11-22T14:03:07Z/net/tcp "$name/net/tcp6"
		printf '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' \
			>"$name/net/tcp6"
	done
	# a table that could not be read is trouble to a recorder, too
	exits 2 sockrec --trees=trees -o x.skt
}

t_a_table_that_could_not_be_read_is_named_with_its_times() {
	with_a_hole
	exits 2 sockquery x.skt 'sport = :9'
	has err 'cannot say: table tcp could not be read (Is a directory) from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:03:09.000000000Z'
}

t_a_hole_elsewhere_does_not_matter() {
	with_a_hole
	exits 1 sockquery x.skt 'table = tcp6'
	exits 1 sockquery -6 x.skt 'sport = :9'
	exits 0 sockquery x.skt 'sport = :1'
	exits 1 sockquery --from=14:03:09 x.skt 'sport = :9'
}

t_lost_snapshots_are_named_with_their_times() {
	exits 2 sockquery "$TOP/fixtures/rec/gap.skt" 'sport = :9'
	has err 'cannot say: snapshots are lost from '
	exits 2 sockquery "$TOP/fixtures/rec/flipped-payload.skt" 'sport = :9'
	has err 'cannot say: snapshots are lost from '
}

# each_way STATUS REC: the exit status of every way to ask for what is there, and that something is shown.
each_way() {
	local status=$1 rec=$2

	for view in sockets flows changes processes snapshots; do
		exits "$status" sockquery --view="$view" --format=jsonl "$rec"
		[ -s out ]
	done
	exits "$status" sockquery "$rec" 'sport = :80'
	[ "$(grep -c :80 out)" = 1 ]
	exits "$status" sockquery --count-by=state --from=first "$rec"
	has out LISTEN
	exits "$status" sockquery --count-by=state --every=10s --view=sockets "$rec"
	exits "$status" sockquery -o s.skt "$rec" 'sport = :80'
	[ -s s.skt ]
	rm s.skt
}

t_what_is_found_beside_a_gap_is_a_yes_and_the_gap_is_told() {
	local rec=$TOP/fixtures/rec/gap.skt

	each_way 0 "$rec"
	exits 0 sockquery "$rec" 'sport = :80'
	has err 'gap: the recorder could not write, 7 snapshots are lost'
	# a no is one of an instant, and none of all the time
	exits 1 sockquery -4 -t "$rec@first" 'sport = :9'
	exits 1 sockquery -4 -t "$rec@last" 'sport = :9'
	exits 2 sockquery "$rec" 'sport = :9'
}

# That a block is missing is found on opening; flipped-payload's and wrong-digest's damage when it is read.
t_what_is_found_beside_damage_is_shown_and_trouble_however_it_was_found() {
	local rec

	for rec in missing-block flipped-payload wrong-digest; do
		cp "$TOP/fixtures/rec/$rec.skt" x.skt
		exits 2 sockquery x.skt 'sport = :80'
		[ "$(grep -c :80 out)" = 1 ]
		has err 'sockquery: x.skt:'
		for view in flows changes processes snapshots; do
			exits 2 sockquery --view="$view" --format=jsonl x.skt
			[ -s out ]
		done
		exits 2 sockquery --count-by=state --from=first x.skt
		has out LISTEN
		exits 2 sockquery --count-by=state --every=10s --view=sockets x.skt
		exits 2 sockquery -o s.skt x.skt 'sport = :80'
		# the slice has a gap there, and no damage
		exits 0 sockquery s.skt 'sport = :80'
		has err 'gap: the recorder could not write'
		rm s.skt
	done
}

t_a_no_of_what_is_damaged_elsewhere_says_why_it_is_none() {
	local rec=$TOP/fixtures/rec/cut-in-payload.skt

	exits 2 sockquery -4 -t "$rec@last" 'sport = :9'
	has err 'cannot say: the recording is damaged'
	exits 2 sockquery -4 -t --coverage "$rec@first" 'sport = :9'
	has err 'cannot say: the recording is damaged'
	has out '"answer":"cannot say"' '"damaged":true'
	exits 0 sockquery --coverage "$TOP/fixtures/rec/v1-groups.skt" 'sport = :80'
	has out '"damaged":false'
}

t_sockets_that_did_not_change_are_one_line_of_many_recordings() {
	local i

	three
	for i in {1..12}; do
		cp x.skt "$i.skt"
	done
	exits 1 sockquery --view=changes [1-9]*.skt 'sport = :2'
	[ "$(grep -c 'did not change' err)" = 1 ]
	has err 'no change matches in 12 recordings, 36 snapshots' \
		'in 12 of them 12 sockets match, and did not change' '12 recordings, 36 snapshots'
	[ "$(wc -l <err)" = 3 ]
	rm -r trees
	tree 2026-11-22T14:04:00Z 9
	exits 0 sockrec --trees=trees -o other.skt
	exits 1 sockquery --view=changes x.skt other.skt 'sport = :2'
	has err 'no change matches in 2 recordings' 'in 1 of them 1 socket matches, and did not change'
	exits 1 sockquery --view=changes x.skt other.skt 'sport = :7'
	fails grep 'did not change' err
}

t_a_socket_that_did_not_change_is_not_said_to_be_missing() {
	three
	exits 1 sockquery --view=changes x.skt 'sport = :2'
	has err 'no change matches in 3 snapshots' 'x.skt: 1 socket matches, and did not change'
	exits 1 sockquery --follow x.skt 'sport = :2'
	has err 'no change matches in 1 snapshot' 'x.skt: 1 socket matches, and did not change'
	# from now on: nothing that was recorded before is shown
	has out 'changes from 2026-11-22T14:03:11.000000000Z on'
	exits 1 sockquery --view=changes x.skt 'sport = :9'
	fails grep -q 'did not change' err
}

t_coverage_of_sockets_is_of_the_last_snapshot() {
	three
	exits 0 sockquery --coverage x.skt 'sport = :1'
	exits 1 sockquery --coverage --view=sockets x.skt 'sport = :1'
	has out '"answer":"no"' '"view":"sockets"' '"snapshots":1,'
	exits 0 sockquery --coverage x.skt@first
	has out '"view":"sockets"' '"matched":2,'
	has err ', 1 snapshot, 2 sockets'
	exits 1 sockquery --view=sockets x.skt 'sport = :1'
	has out 'snapshot 3 of 3, 0 sockets of 2'
}

# Without privilege the tables can be read, and the descriptors of others cannot.
t_an_unprivileged_recording_answers_dst_and_not_pid() {
	local as=()

	tree 2026-11-22T14:03:07Z 1 2
	mv trees/2026-11-22T14:03:07Z tree
	chmod 000 tree/700/fd
	[ "$(id -u)" != 0 ] || as=("${as_nobody[@]}")
	"${as[@]}" sockrec --proc=tree -n 1 -o - >x.skt 2>err || skip "cannot record as nobody: $(tail -n 1 err)"
	chmod 700 tree/700/fd
	exits 1 sockquery x.skt 'dst 203.0.113.9'
	exits 0 sockquery x.skt 'dst 10.0.0.9'
	exits 2 sockquery x.skt 'pid = 700'
	has err 'cannot say: whether 2 sockets match is not known, first at ' ': not all who held them could be seen'
	exits 2 sockquery x.skt 'bytes_received > 5'
	has err 'cannot say: whether 2 sockets match is not known, first at ' ': what only their end tells was not told'
	exits 2 sockquery x.skt@last 'user = nobody'
	has err 'of 2 sockets it is not known whether they match: not all that is asked of them was recorded'
	exits 2 sockquery x.skt@last 'pid = 700'
	# who holds it does not matter to one that is not meant anyway, be it as a flow
	exits 1 sockquery x.skt 'pid = 700 and ended = closed'
	exits 2 sockquery x.skt 'pid = 700 and still_there = true'
	exits 1 sockquery x.skt 'dst 203.0.113.9 and pid = 700'
}

t_coverage_says_the_same_to_programs() {
	with_a_hole
	mv x.skt hole.skt
	rm -r trees
	three
	exits 1 sockquery --coverage x.skt 'sport = :9'
	cat out >all
	exits 0 sockquery --coverage x.skt 'sport = :1'
	cat out >>all
	exits 2 sockquery --coverage hole.skt 'sport = :9'
	cat out >>all
	python <<'END'
no, yes, cannot = jsonl("all")
assert [no["answer"], yes["answer"], cannot["answer"]] == ["no", "yes", "cannot say"]
assert (no["matched"], yes["matched"], no["snapshots"]) == (0, 1, 3)
assert no["blind_ns"] == 3 * 10**9 == ns(no["blind_until"]) - ns(no["blind_after"])
assert no["holes"] == [] and no["more_holes"] == 0
hole, = cannot["holes"]
assert (hole["hole"], hole["table"], hole["error"]) == ("table", "tcp", "Is a directory")
assert ns(hole["time_until"]) - ns(hole["time_after"]) == 2 * 10**9
END
}

t_coverage_is_an_array_where_json_is_asked_for_and_no_other_format() {
	three
	cp x.skt y.skt
	exits 0 sockquery --coverage --format=json x.skt 'sport = :1'
	cp out one
	echo nothing >bad.skt
	exits 2 sockquery --coverage --format=json bad.skt x.skt y.skt 'sport = :1'
	cp out two
	exits 2 sockquery --coverage --format=json /nonexistent.skt
	cp out none
	exits 0 sockquery --coverage --format=jsonl x.skt y.skt 'sport = :1'
	cp out lines
	python <<'END'
import json
one, two, none = (json.load(open(name)) for name in ("one", "two", "none"))
assert [of["file"] for of in one] == ["x.skt"]
assert [of["file"] for of in two] == ["x.skt", "y.skt"]
assert none == []
assert list(jsonl("lines")) == two
END
	for format in table csv netstat; do
		exits 2 sockquery --coverage --format=$format x.skt
		has err "sockquery: --coverage is an object for each recording: --format=jsonl, unless told, or json"
		[ ! -s out ]
	done
	for about in --info --verify; do
		exits 2 sockquery $about --format=json x.skt
		has err "sockquery: --format: --info and --verify are lines of text, and have no other"
		[ ! -s out ]
	done
}

# ---- many ----

t_one_yes_among_many_is_a_yes_and_none_is_a_no() {
	three
	cp x.skt y.skt
	cp x.skt z.skt
	exits 1 sockquery x.skt y.skt z.skt 'sport = :9'
	[ "$(wc -l <err)" = 2 ]
	has err 'sockquery: nothing matches in 3 recordings, 9 snapshots; the longest interval between two looks is 3s from 2026-11-22T14:03:08.000000000Z to 2026-11-22T14:03:11.000000000Z in x.skt: what was there only within one may be missing'
	[ "$(tail -n 1 err)" = "sockquery: 3 recordings, 9 snapshots from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:03:11.000000000Z: 3 no" ]
	rm -r trees
	tree 2026-11-22T14:04:00Z 9
	exits 0 sockrec --trees=trees -o y2.skt
	exits 0 sockquery x.skt y2.skt z.skt 'sport = :9'
	[ "$(grep -c ' flows ' out)" = 1 ]
	has out 'y2.skt: flows from 2026-11-22T14:04:00.000000000Z'
	[ "$(tail -n 1 err)" = "sockquery: 3 recordings, 7 snapshots from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:04:00.000000000Z: 1 yes, 2 no" ]
	# an instant of each
	exits 0 sockquery x.skt@first y2.skt@first z.skt@last 'sport = :1 or sport = :9'
	has err '3 recordings, 3 snapshots from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:04:00.000000000Z: 2 yes, 1 no'
}

t_a_bad_one_among_many_is_told_and_makes_a_no_a_cannot_say() {
	three
	echo 'no recording' >bad.skt
	cp x.skt y.skt
	exits 2 sockquery x.skt bad.skt y.skt 'sport = :9'
	has err 'sockquery: bad.skt: not a recording'
	has err 'sockquery: nothing matches in 2 recordings, 6 snapshots; '
	[ "$(tail -n 1 err)" = "sockquery: 3 recordings, 6 snapshots from 2026-11-22T14:03:07.000000000Z to 2026-11-22T14:03:11.000000000Z: 2 no, 1 could not be read" ]
	exits 2 sockquery --tz=host x.skt y.skt "$TOP/fixtures/rec/gap.skt" 'sport = :9'
	has err ': 2 no, 1 cannot say'
	exits 2 sockquery --format=jsonl bad.skt x.skt y.skt 'sport = :1'
	[ "$(wc -l <out)" = 2 ]
}

t_that_each_socket_was_told_of_is_said_of_many_only_where_it_is_so_in_all() {
	local dir

	command -v skt-tell >/dev/null || skip 'no skt-tell in PATH: make tests'
	cp -a "$TOP/fixtures/trees/hands" trees
	for dir in trees/*; do
		head -n 1 "$dir/net/tcp" >"$dir/net/udp"
	done
	exits 0 sockrec --tables=tcp --trees=trees -o t.skt
	exits 0 sockrec --tables=udp --trees=trees -o u.skt
	exits 0 sockrec --tables=tcp,udp --trees=trees -o both.skt
	for rec in t u both; do
		echo 'all 15' | skt-tell $rec.skt told-$rec.skt
	done
	sockquery told-both.skt told-both.skt 'sport = :9' >out 2>err || true
	has err 'between looks each socket of tcp udp that was closed was told of'
	sockquery told-t.skt told-both.skt 'sport = :9' >out 2>err || true
	has err 'between looks each socket of tcp that was closed was told of'
	# nobody looked at tcp in the one, and at udp in the other
	sockquery told-t.skt told-u.skt 'sport = :9' >out 2>err || true
	has err 'nothing matches in 2 recordings'
	fails grep 'was told of' err
	# one in which nothing was told has an interval, which is told
	sockquery told-t.skt t.skt 'sport = :9' >out 2>err || true
	has err 'the longest interval between two looks is 1s'
	fails grep 'was told of' err
}

t_one_line_for_all_that_have_nothing_and_its_own_for_what_cannot_say() {
	local i

	three
	cp x.skt y.skt
	rm -r trees
	tree 2026-11-22T14:05:00Z 9
	exits 0 sockrec --trees=trees -o one.skt
	tree 2026-11-22T14:05:09Z 9
	exits 0 sockrec --trees=trees -o slow.skt
	exits 1 sockquery x.skt one.skt slow.skt y.skt 'sport = :7'
	[ "$(wc -l <err)" = 2 ]
	has err 'in 4 recordings, 9 snapshots; the longest interval between two looks is 9s from 2026-11-22T14:05:00.000000000Z to 2026-11-22T14:05:09.000000000Z in slow.skt: ' \
		'; of 1 what was there before or after is not known'
	exits 2 sockquery --max-blind=5s x.skt slow.skt y.skt 'sport = :7'
	[ "$(wc -l <err)" = 3 ]
	has err 'slow.skt: cannot say: the longest interval between two looks is over --max-blind=5s' ': 2 no, 1 cannot say'
	# one with an answer, among many
	for i in {1..20}; do
		cp x.skt "$i.skt"
	done
	exits 0 sockquery {1..20}.skt one.skt 'sport = :9'
	[ "$(wc -l <err)" = 2 ]
	has err 'nothing matches in 20 recordings, 60 snapshots; ' ': 1 yes, 20 no'
	exits 1 sockquery --view=changes {1..20}.skt 'sport = :7'
	has err 'no change matches in 20 recordings, 60 snapshots; '
}

t_many_are_one_document_in_the_order_they_are_named() {
	local n

	three
	for n in 1 2 3 4 5 6 7 8 9; do
		cp x.skt "$n.skt"
	done
	exits 0 sockquery --format=json [1-9].skt 'sport < :3'
	exits 0 sockquery --format=csv [1-9].skt 'sport < :3'
	mv out csv
	exits 0 sockquery --format=json [1-9].skt 'sport < :3'
	python <<'END'
rows = json.loads(read("out"))
assert [row["local_port"] for row in rows] == [1, 2] * 9
lines = read("csv").decode().split("\r\n")
assert lines.pop() == "" and lines[0].startswith("row,time,")
assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(1, 19))
END
	exits 0 sockquery [1-9].skt 'sport = :1'
	[ "$(grep -o '^[1-9].skt' out | tr '\n' ' ')" = '1.skt 2.skt 3.skt 4.skt 5.skt 6.skt 7.skt 8.skt 9.skt ' ]
}

# On a terminal: how far they are, in a line that is gone before anything else is written.
t_progress_is_told_on_a_terminal_only() {
	three
	cp x.skt y.skt
	type script >/dev/null || skip 'no script(1)'
	script -qec "sockquery --format=jsonl x.skt y.skt 'sport = :1'" /dev/null </dev/null >out
	has out $'\r1 of 2 recordings\e[K' $'\r2 of 2 recordings\e[K'
	# what a terminal shows in the end: a line that begins anew writes over what it has, which \e[K takes away
	tr -d '\n' <out | sed 's/\r[0-9]* of 2 recordings\x1b\[K//g; s/\r\x1b\[K//g; s/\r//g' >left
	fails grep -q 'recordings.\[K' left
	[ "$(grep -o '"local_port":1,' left | wc -l)" = 2 ]
	exits 0 sockquery x.skt y.skt 'sport = :1'
	fails grep -q 'of 2 recordings' out err
	script -qec "sockquery --format=jsonl x.skt y.skt 'sport = :1' >rows" /dev/null </dev/null >out
	fails grep -q 'of 2 recordings' out
	[ "$(wc -l <rows)" = 2 ]
}

# ---- live ----

t_follow_prints_changes_as_they_are_written_and_ends_with_the_recording() {
	local n=0 header

	three
	# the length of the header stands at its byte 12; the first block is not whole yet
	header=$(od -An -tu4 -j12 -N4 x.skt)
	head -c $((header + 100)) x.skt >live.skt
	timeout 60 sockquery --follow --from=2026-11-22T14:00Z --format=jsonl live.skt >out 2>err &
	while ! grep -q 'changes from' err && [ $((n += 1)) -lt 100 ]; do sleep 0.1; done
	is_empty out
	tail -c +$((header + 101)) x.skt >>live.skt
	wait $!
	python <<'END'
changes = [(row["change"], (row["after"] or row["before"])["local_port"]) for row in jsonl("out")]
assert changes == [("closed", 1), ("opened", 3)], changes
END
}

t_follow_says_of_a_directory_where_nobody_records_that_it_waits() {
	local n=0 follower

	timeout 60 sockquery --follow --format=jsonl "$TOP/fixtures/rec/dir-whole" >out 2>err &
	follower=$!
	while ! grep -q 'dir-whole: nobody is recording there now; whoever goes on' err && [ $((n += 1)) -lt 200 ]; do sleep 0.1; done
	kill "$follower"
	wait "$follower" || :
	has err 'dir-whole: nobody is recording there now; whoever goes on in this directory is waited for'
	# a single file ends
	exits 1 sockquery -4 -t --follow "$TOP/fixtures/rec/dir-whole/a.skt" 'sport = :9'
	fails grep -q 'is waited for' err
}

run_tests

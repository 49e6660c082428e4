#!/bin/bash
# SPDX-License-Identifier: MIT
# sockquery -o: a smaller recording, which says what it is a part of, and never "no" about what it left out.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

heading='  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
kept=$TOP/fixtures/rec

# row PORT INODE: a connection from 10.0.0.5:PORT to 10.0.0.9:443, as net/ipv4/tcp_ipv4.c prints it.
row() {
	local line

	printf -v line '%4d: 0500000A:%04X 0900000A:01BB 01 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 %016x 20 4 30 10 -1' \
		0 "$1" 0 "$2" "$2"
	printf '%-149s\n' "$line"
}

# process PID PPID NAME
process() {
	printf '%d (%s) S %d 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' \
		"$1" "$3" "$2" >"$dir/$1/stat"
}

# tree NAME PORT...: one with these connections: port N is held by process 70N, a child of 600; and an empty udp table.
tree() {
	dir=trees/$1
	shift
	mkdir -p "$dir/net" "$dir/600/fd"
	process 600 0 parent
	printf '%-149s\n' "$heading" >"$dir/net/tcp"
	cp "$dir/net/tcp" "$dir/net/udp"
	for port; do
		row "$port" "1$port" >>"$dir/net/tcp"
		mkdir -p "$dir/70$port/fd"
		process "70$port" 600 "client$port"
		ln -s "socket:[1$port]" "$dir/70$port/fd/3"
	done
}

# Ports 1 and 2 at 14:03:07 and :08, 2 and 3 at :11, 3 at :12, nothing at :13.
five() {
	tree 2026-11-22T14:03:07Z 1 2
	tree 2026-11-22T14:03:08Z 1 2
	tree 2026-11-22T14:03:11Z 2 3
	tree 2026-11-22T14:03:12Z 3
	tree 2026-11-22T14:03:13Z
	exits 0 sockrec --trees=trees -o x.skt
}

# fact NAME FILE
fact() { sockquery --info "$2" | sed -n "s/^$1  *//p"; }

# times FILE: of its snapshots.
times() { sockquery --view=snapshots --format=jsonl "$1" 2>/dev/null | grep -o '"time":"[^"]*"'; }

t_a_stretch_is_what_was_in_force_in_it() {
	five
	exits 0 sockquery x.skt --from=14:03:09 --to=14:03:12 -o s.skt
	is_empty out
	has err 's.skt: slice of x.skt, 2026-11-22T14:03:08.000000000Z to 2026-11-22T14:03:12.000000000Z, 3 snapshots'
	times x.skt | sed -n 2,4p >wanted
	times s.skt | cmp - wanted
	[ "$(stat -c %a s.skt)" = 600 ]
	# until the end of the stretch, and no longer
	exits 0 sockquery s.skt@14:03:12 'sport = :3'
	exits 2 sockquery s.skt@14:03:12.5
	exits 2 sockquery s.skt@14:03:07
}

t_an_instant_is_one_snapshot() {
	five
	exits 0 sockquery x.skt@14:03:08.5 -o s.skt
	[ "$(times s.skt)" = '"time":"2026-11-22T14:03:08.000000000Z"' ]
}

t_it_says_what_it_is_a_part_of() {
	five
	exits 0 sockquery x.skt --from=14:03:08 --to=14:03:12 -o s.skt 'sport = :2'
	[ "$(fact slice.file s.skt)" = x.skt ]
	[ "$(fact slice.recording s.skt)" = "$(fact recording x.skt)" ]
	[ "$(fact slice.first_snapshot s.skt)" = 2 ]
	[ "$(fact slice.from s.skt)" = 2026-11-22T14:03:08.000000000Z ]
	[ "$(fact slice.to s.skt)" = 2026-11-22T14:03:12.000000000Z ]
	[ "$(fact slice.filter s.skt)" = 'sport = :2' ]
	[ "$(fact host.kernel s.skt)" = "$(fact host.kernel x.skt)" ]
	exits 0 sockquery --verify="$(fact slice.chain s.skt)" x.skt
	exits 0 sockquery --verify s.skt
}

t_it_keeps_who_holds_what_it_keeps_and_their_parents() {
	five
	exits 0 sockquery x.skt -o s.skt 'sport = :2'
	has err ', 5 snapshots, 1 socket'
	exits 0 sockquery --format=jsonl s.skt@first
	python <<'END'
row, = jsonl("out")
assert row["local_port"] == 2 and [owner["pid"] for owner in row["owners"]] == [702], row
END
	exits 0 sockquery --view=processes --format=jsonl s.skt
	python <<'END'
assert {row["pid"] for row in jsonl("out")} == {702, 600}, jsonl("out")
END
}

t_a_socket_whose_holder_becomes_what_is_meant_is_kept_for_its_whole_life() {
	local at

	# as execve(2) leaves it: pid, start time and descriptor are the same, and so is the row
	for at in 07 08 09 10; do
		tree 2026-11-22T14:03:${at}Z 1 2 3
		[ $at = 07 ] || process 702 600 other
	done
	process 703 600 last
	exits 0 sockrec --trees=trees -o x.skt
	[ "$(fact 'socket changes' x.skt)" = 0 ]
	exits 0 sockquery x.skt -o s.skt 'comm = other or comm = last'
	[ "$(fact snapshots s.skt)" = 4 ]
	for at in 07 08 09 10; do
		sockquery -H --fields=local_port,comm s.skt@14:03:$at >>rows
	done
	sed 's/  */ /g; s/ $//' rows | diff - <(printf '%s\n' '2 client2' '3 client3' '2 other' '3 client3' '2 other' '3 client3' \
		'2 other' '3 last')
}

t_what_lies_outside_of_its_expression_it_cannot_say() {
	five
	exits 0 sockquery x.skt -o s.skt 'dst 10.0.0.0/24 and sport = :2'
	# the source says no to all of these
	for question in 'dport = :80' 'sport = :9' 'dst 10.0.0.9 and sport = :9' 'uid = 77'; do
		exits 1 sockquery x.skt "$question"
		exits 2 sockquery s.skt "$question"
		has err "cannot say: it is a slice, which holds only sockets that match 'dst 10.0.0.0/24 and sport = :2'"
	done
	exits 1 sockquery s.skt 'sport = :2 and dst 10.0.0.7'
	fails grep 'cannot say' err
	exits 0 sockquery s.skt 'dst 10.0.0.9 and sport = :2'
	is_empty err
	# of those that it shows there may be more
	exits 0 sockquery s.skt 'dst 10.0.0.9'
	has err 'it is a slice'
	exits 2 sockquery s.skt@last
	exits 2 sockquery s.skt --coverage 'dport = :80'
	has out '"answer":"cannot say"' '"hole":"slice"'
}

t_so_do_tables_that_it_left_out() {
	five
	exits 0 sockquery x.skt -t -o s.skt
	[ "$(fact slice.tables s.skt)" = tcp,tcp6 ]
	exits 1 sockquery x.skt -tu 'sport = :9'
	exits 2 sockquery s.skt -tu 'sport = :9'
	has err "cannot say: it is a slice, which holds only sockets of the tables 'tcp,tcp6'"
	exits 1 sockquery s.skt -t 'sport = :9'
	exits 1 sockquery x.skt -tl -o l.skt
	exits 2 sockquery l.skt -t 'sport = :9'
	has err 'sockets that listen'
}

t_without_an_expression_a_no_is_a_no() {
	five
	exits 0 sockquery x.skt --to=14:03:12 -o s.skt
	exits 1 sockquery s.skt 'sport = :9'
	exits 2 sockquery s.skt --to=14:03:13 'sport = :9'
}

t_within_its_expression_it_answers_as_its_source_does() {
	local name view rc

	for name in live kinds busy; do
		sockquery "$kept/v1-$name.skt" -o $name.skt 'state established'
		for view in flows changes; do
			rc=0
			sockquery --view=$view --format=jsonl "$kept/v1-$name.skt" 'state established' >wanted || rc=$?
			exits $rc sockquery --view=$view --format=jsonl $name.skt 'state established'
			cmp out wanted
		done
	done
}

t_a_slice_of_a_slice_is_within_both() {
	five
	exits 0 sockquery x.skt -o a.skt 'dst 10.0.0.0/8'
	exits 0 sockquery a.skt -o b.skt 'sport = :2 and dst 10.0.0.9'
	exits 2 sockquery b.skt 'sport = :2 and uid = 77'
	exits 1 sockquery b.skt 'sport = :2 and dst 10.0.0.9 and uid = 77'
}

t_a_slice_of_nothing_is_written_and_is_a_no() {
	five
	exits 1 sockquery x.skt -o s.skt 'sport = :9'
	has err 'nothing matches in 5 snapshots' ', 5 snapshots, 0 sockets'
	exits 1 sockquery s.skt 'sport = :9'
}

t_a_file_that_is_there_stays_as_it_is() {
	five
	echo precious >s.skt
	ln -s nowhere link.skt
	exits 2 sockquery x.skt -o s.skt
	has err 's.skt: is there already, and nothing is written over it'
	exits 2 sockquery x.skt -o /dev/full
	has err '/dev/full: is there already'
	[ "$(cat s.skt)" = precious ]
	exits 2 sockquery x.skt -o link.skt
	[ ! -e nowhere ]
}

t_one_that_is_interrupted_leaves_nothing() {
	five
	mkdir out.d
	# in the middle of a write, by a signal
	exits 153 prlimit --core=0 --fsize=1024 sockquery "$kept/v1-groups.skt" -o out.d/s.skt
	[ -z "$(ls -A out.d)" ]
	exits 2 sockquery x.skt -o out.d/none/s.skt
	exits 2 sockquery "$kept/dir-killed" -o out.d/s.skt
	has err 'the host had been booted again'
	[ -z "$(ls -A out.d)" ]
}

t_directories_and_pipes_are_recordings_too() {
	exits 0 sockquery "$kept/dir-whole" -o s.skt
	times "$kept/dir-whole" >wanted
	times s.skt | cmp - wanted
	sockquery - -o - <"$kept/v1-groups.skt" 2>/dev/null >piped
	exits 0 sockquery - --view=snapshots --format=jsonl <piped
	[ "$(wc -l <out)" = 20 ]
	exits 2 sockquery "$kept/dir-two-recordings" -o two.skt
	[ ! -e two.skt ]
}

t_what_is_missing_in_the_source_is_missing_in_it() {
	exits 0 sockquery "$kept/gap.skt" -o s.skt
	times "$kept/gap.skt" >wanted
	times s.skt | cmp - wanted
	middle=$(python "$kept/gap.skt" <<'END'
rows = [json.loads(line) for line in subprocess.run(
    ["sockquery", "--view=snapshots", "--format=jsonl", sys.argv[1]], capture_output=True).stdout.splitlines()]
times = [ns(row["time"]) for row in rows]
after = max(range(1, len(times)), key=lambda i: times[i] - times[i - 1])
middle = (times[after] + times[after - 1]) // 2
print("%d.%09d" % (middle // 10**9, middle % 10**9))
END
	)
	exits 2 sockquery "$kept/gap.skt@$middle"
	has err 'in a gap'
	exits 2 sockquery "s.skt@$middle"
	has err 'in a gap'
	exits 2 sockquery s.skt 'sport = :9'
	has err 'cannot say: snapshots are lost'
	# at its end as well
	exits 2 sockquery "$kept/cut-in-payload.skt" -o end.skt
	exits 2 sockquery "$kept/cut-in-payload.skt" 'sport = :9'
	exits 2 sockquery end.skt 'sport = :9'
	has err 'cannot say: snapshots are lost'
}

t_marks_go_along() {
	tree now 1 2
	sockrec --proc=trees/now -i 100ms -n 12 -o x.skt &
	eventually test -s x.skt
	sleep 0.4
	kill -USR1 $!
	wait $!
	exits 0 sockquery x.skt -o s.skt
	sockquery --info x.skt | grep -A1 ^marks >wanted
	has wanted ' after #'
	sockquery --info s.skt | grep -A1 ^marks | cmp - wanted
}

t_an_expression_that_means_something_else_elsewhere_is_refused() {
	five
	exits 2 sockquery x.skt -o s.skt 'dport = :https'
	has err 'give ports as numbers'
	[ ! -e s.skt ]
	exits 0 sockquery x.skt -o s.skt 'dport = :443'
	# who asks may use names
	exits 1 sockquery s.skt 'dport = :https and sport = :9'
}

t_what_a_slice_left_out_is_no_difference() {
	five
	exits 0 sockquery x.skt -o s.skt 'sport = :2'
	exits 2 sockdiff x.skt@first s.skt@first
	has err 'not comparable: s.skt: it is a slice'
	exits 0 sockdiff x.skt@first s.skt@first 'sport = :2'
	exits 1 sockdiff s.skt
}

t_what_is_not_known_to_be_no_slice_is_not_compared() {
	five
	exits 0 sockquery x.skt -o s.skt 'sport = :2'
	for file in s.skt x.skt; do
		python $file <<'END'
data = bytearray(read(sys.argv[1]))
data[200] ^= 1
with open("lost-" + sys.argv[1], "wb") as file:
    file.write(data)
END
	done
	exits 2 sockdiff lost-s.skt@first x.skt@first
	has err 'not comparable: the facts of the header of lost-s.skt are damaged'
	exits 2 sockdiff x.skt@first lost-s.skt@first 'sport = :2'
	has err 'lost-s.skt are damaged'
	is_empty out
	# of one recording it need not be known
	exits 1 sockdiff lost-s.skt
	exits 0 sockdiff lost-x.skt@first x.skt@first
}

t_what_does_not_go_with_it_is_refused() {
	five
	for option in --view=flows --format=json --follow --info --verify --coverage; do
		exits 2 sockquery x.skt -o s.skt "$option"
		has err "Try 'sockquery --help'"
	done
	cp x.skt y.skt
	exits 2 sockquery x.skt y.skt -o s.skt
	exits 2 sockquery x.skt@first --to=14:03:08 -o s.skt
	[ ! -e s.skt ]
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# sockrec --trees: a recording made of one tree for each instant, the same each time.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

heading='  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

# row PORT INODE: a listener as net/ipv4/tcp_ipv4.c prints it. (The wildcard address reads the same in any byte order.)
row() {
	local line

	printf -v line '%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 %016x 100 0 0 10 0' \
		0 "$1" 0 "$2" "$2"
	printf '%-149s\n' "$line"
}

# tree NAME PORT...: one with these listeners, held by process 700.
tree() {
	local name=$1 port

	shift
	mkdir -p "trees/$name/net" "trees/$name/700/fd"
	printf '700 (server) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' \
		>"trees/$name/700/stat"
	{
		printf '%-149s\n' "$heading"
		for port; do
			row "$port" "1$port"
		done
	} >"trees/$name/net/tcp"
	for port; do
		ln -s "socket:[1$port]" "trees/$name/700/fd/$port"
	done
}

# shown FILE: time and ports of each snapshot, a line each.
shown() {
	local n=1 rc

	while :; do
		rc=0
		sockquery --format=jsonl "$1@#$n" >rows 2>err || rc=$?
		[ $rc -lt 2 ] || return 0
		sed -n 's/.* \([^ ]*Z\), snapshot .*/\1/p' err | tr '\n' ' '
		python <<'END'
say(*sorted(row["local_port"] for row in jsonl("rows")))
END
		n=$((n + 1))
	done
}

t_a_snapshot_of_each_tree_in_the_order_of_their_times() {
	# every way to name an instant, and an order that is not that of their letters
	tree 20261122T140306.5Z 1 2
	tree 2026-11-22T14:03:07Z 2 3
	tree 1795356187.25 3
	tree 2026-11-22T14:03:08.000000001Z
	tree 2026-11-22T15:03:09+01:00 4
	tree 20261122T140310Z 5
	tree 7 6
	exits 0 sockrec --trees=trees -o x.skt
	has err 'x.skt: ' ', 7 snapshots, 0 missed ticks'
	shown x.skt >got
	# 1795356187 is 14:03:07 of that day: date -ud @1795356187
	diff - got <<'END'
1970-01-01T00:00:07.000000000Z 6
2026-11-22T14:03:06.500000000Z 1 2
2026-11-22T14:03:07.000000000Z 2 3
2026-11-22T14:03:07.250000000Z 3
2026-11-22T14:03:08.000000001Z 
2026-11-22T14:03:09.000000000Z 4
2026-11-22T14:03:10.000000000Z 5
END
	exits 0 sockquery --verify x.skt
	has out WHOLE
}

t_the_name_says_every_time_that_is_in_the_recording() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	tree 100 1
	tree 102.5 1 2
	exits 0 sockrec --trees=trees -o x.skt
	skt-dump x.skt >dump
	python <<'END'
header, *snapshots = jsonl("dump")
assert header["start"] == header["start_boottime"] == 100 * 10**9, header
assert header["interval"] == 0 and not header["live"], header
snapshots = [s for s in snapshots if s["type"] == "snapshot"]
assert [s["time"] for s in snapshots] == [100 * 10**9, 102500 * 10**6], snapshots
for s in snapshots:
    assert s["end"] == s["boottime"] == s["time"] and s["missed"] == 0, s
    assert s["quality"]["walk_us"] == 0, s
END
}

t_the_last_snapshot_can_be_asked_for_by_its_time() {
	tree 2026-11-22T14:03:07Z 1
	tree 2026-11-22T14:03:09Z 2
	exits 0 sockrec --trees=trees -o x.skt
	for at in last 14:03:09 2026-11-22T14:03:09Z +2s; do
		exits 0 sockquery -H x.skt@$at
		has out 0.0.0.0:2
	done
	for at in first 14:03:07 14:03:08.999 -1ns; do
		exits 0 sockquery -H x.skt@$at
		has out 0.0.0.0:1
	done
}

t_a_tree_named_0_was_read_as_any_other_is() {
	tree 0 1
	exits 0 sockrec --trees=trees -o x.skt
	# every descriptor was looked at, and no table was "never read"
	exits 1 sockquery x.skt 'dport = 99'
	exits 0 sockquery x.skt --view=snapshots --format=csv --fields=checked_since
	has out 1970-01-01T00:00:00
	# one that was written of a recording and is given that name is moved there with all its times
	tree 5 1
	rm -r trees/0
	exits 0 sockrec --trees=trees -o five.skt
	exits 0 sockreplay five.skt --to-trees=back
	mkdir moved
	mv back/* moved/0
	exits 0 sockrec --trees=moved -o moved.skt
	exits 1 sockquery moved.skt 'dport = 99'
	exits 0 sockquery moved.skt --view=snapshots --format=csv --fields=checked_since
	has out 1970-01-01T00:00:00
	# and what it says of itself is read as it was written
	exits 0 sockreplay moved.skt --to-trees=again
	exits 0 sockrec --trees=again -o again.skt
	exits 1 sockquery again.skt 'dport = 99'
}

t_the_same_trees_make_the_same_recording_but_for_its_id() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	cp -r "$TOP/fixtures/proc/seed" "$TOP/fixtures/proc/kinds" .
	mkdir trees
	mv seed trees/2026-11-22T14:03:07Z
	mv kinds trees/2026-11-22T14:03:08Z
	exits 0 sockrec --trees=trees --note=same -o - ; mv out a.skt
	exits 0 sockrec --trees=trees --note=same -o - ; mv out b.skt
	python <<'END'
import struct
a, b = read("a.skt"), read("b.skt")
assert len(a) == len(b) and a != b
# skt.5: the header's length stands at 12; each block begins with the mark, and has a checksum in its head and those of its tail
def blocks(data):
    at, = struct.unpack_from("<I", data, 12)
    mark = None
    yield "header", at
    while at < len(data):
        mark = mark or data[at:at + 8]
        assert data[at:at + 8] == mark
        length, = struct.unpack_from("<I", data, at + 12)
        yield data[at + 8:at + 56], data[at + 64:at + 64 + length]
        at += 64 + length + 40
got, wanted = list(blocks(a)), list(blocks(b))
assert len(got) > 2 and got == wanted
END
}

t_what_is_known_is_carried_from_tree_to_tree() {
	# its only socket is closed and the process lives on: that is no exit
	tree 100 1
	tree 101
	tree 102 1
	exits 0 sockrec --trees=trees -o x.skt
	skt-dump x.skt >dump 2>/dev/null || skip 'no skt-dump in PATH: make tests'
	python <<'END'
for snapshot in jsonl("dump"):
    if snapshot["type"] == "snapshot":
        assert [p["pid"] for p in snapshot["processes"]] == [700], snapshot
END
}

t_tables_and_cmdline_and_note_apply() {
	cp -r "$TOP/fixtures/proc/kinds" .
	mkdir trees
	mv kinds trees/100
	exits 0 sockrec --trees=trees --tables=udp --cmdline=none --note='ticket 7' -o x.skt
	sockquery --info x.skt >info
	grep -Eq 'recorder.cmdline +none' info
	grep -Eq 'recorder.tree +trees' info
	has info 'ticket 7'
	fails grep -q 'recorder.ticks' info
	exits 0 sockquery --format=jsonl x.skt
	mv out rows
	python <<'END'
assert {row["table"] for row in jsonl("rows")} == {"udp"}
END
}

t_the_default_file_is_named_for_the_first_tree() {
	tree 2026-11-22T14:03:07Z 1
	tree 2026-11-22T14:03:09Z 1
	exits 0 sockrec --trees=trees
	[ -e host-20261122T140307Z.skt ]
}

t_options_about_when_do_not_apply() {
	local option

	tree 100 1
	for option in -i1s -d1s -n1 --ticks=exact --max-cpu=5% --proc=trees/100; do
		exits 2 sockrec --trees=trees $option -o x.skt
		has err ' does not apply to --trees: ' "Try 'sockrec --help'."
		exits 2 sockrec $option --trees=trees -o x.skt
		has err ' does not apply to --trees: '
	done
	[ ! -e x.skt ]
}

# names TEXT: sockrec --trees=trees fails with it, and leaves no file.
names() {
	exits 2 sockrec --trees=trees -o x.skt
	has err "sockrec: $1"
	[ "$(wc -l <err)" = 1 ]
	[ ! -e x.skt ]
}

t_a_name_that_is_no_instant_is_named() {
	local name

	tree 100 1
	for name in seed today first 14:03 2026-11-22 2026-11-22T14:03:07 '2026-11-22 14:03:07Z' 2026-02-30T14:03:07Z \
		20261122T1403Z 20261122T140307 20261322T140307Z 2026-11-22T14:03Z 2026-11-22T14:03:61Z 1. .5 1.0000000001 \
		1.5.5 -1 +1 99999999999 4611686019 9223372037 2117-01-01T00:00:00Z 1969-12-31T23:59:59Z 1e9 now .hidden '2h ago' 100s; do
		mkdir "trees/$name"
		names "trees: '$name' is not named for an instant"
		rmdir "trees/$name"
	done
	exits 0 sockrec --trees=trees -o x.skt
}

t_two_names_for_one_instant_are_named() {
	tree 2026-11-22T14:03:07Z 1
	tree 1795356187.000 1
	exits 2 sockrec --trees=trees -o x.skt
	has err 'sockrec: trees: ' "'2026-11-22T14:03:07Z'" "'1795356187.000'" 'are the same instant'
}

t_a_bad_tree_is_named_before_anything_is_written() {
	tree 100 1
	tree 102 1
	mkdir trees/101
	names "trees/101: no tree of /proc: cannot open 'net'"
	rmdir trees/101
	touch trees/101
	names 'trees/101: cannot open: Not a directory'
	rm trees/101
	# nor is what lies elsewhere a tree in it, least of all this host
	ln -s 100 trees/101
	names 'trees/101: cannot open: '
	rm trees/101
	ln -s /proc trees/101
	names 'trees/101: cannot open: '
}

t_trees_of_two_boots_are_refused() {
	tree 100 1
	tree 101 1
	tree 102 1
	mkdir -p trees/100/sys/kernel/random trees/102/sys/kernel/random
	echo 5c0f1c2e-0000-4000-8000-000000000001 >trees/100/sys/kernel/random/boot_id
	echo 5c0f1c2e-0000-4000-8000-000000000002 >trees/102/sys/kernel/random/boot_id
	names 'trees/102: boot or network namespace is another'
	cp trees/100/sys/kernel/random/boot_id trees/102/sys/kernel/random/boot_id
	exits 0 sockrec --trees=trees -o x.skt
	rm x.skt
	mkdir -p trees/100/self/ns trees/102/self/ns
	ln -s 'net:[4026531833]' trees/100/self/ns/net
	ln -s 'net:[4026532000]' trees/102/self/ns/net
	names 'trees/102: boot or network namespace is another'
}

t_trees_of_two_boots_are_refused_where_the_first_does_not_say() {
	local n

	for n in 100 101 102 103; do tree $n 1; done
	mkdir -p trees/10{1,3}/sys/kernel/random
	echo 5c0f1c2e-0000-4000-8000-000000000001 >trees/101/sys/kernel/random/boot_id
	echo 5c0f1c2e-0000-4000-8000-000000000002 >trees/103/sys/kernel/random/boot_id
	names 'trees/103: boot or network namespace is another'
	cp trees/101/sys/kernel/random/boot_id trees/103/sys/kernel/random/boot_id
	mkdir -p trees/101/self/ns trees/103/self/ns
	ln -s 'net:[4026531833]' trees/101/self/ns/net
	ln -s 'net:[4026532000]' trees/103/self/ns/net
	names 'trees/103: boot or network namespace is another'
	ln -sf 'net:[4026531833]' trees/103/self/ns/net
	exits 0 sockrec --trees=trees -o x.skt
}

t_a_directory_without_trees_is_refused() {
	mkdir trees
	names 'trees: there is no tree in it'
	rmdir trees
	names 'trees: cannot open: No such file or directory'
	touch trees
	names 'trees: cannot open: Not a directory'
}

t_what_is_wrong_in_a_tree_is_told_with_its_name() {
	tree 100 1
	tree 101 1
	echo 'no row' >>trees/101/net/tcp
	exits 2 sockrec --trees=trees -o x.skt
	has err 'sockrec: trees/101/net/tcp:3: ' ', 2 snapshots, '
	# a table that is there at first and then not has not become empty
	rm trees/101/net/tcp
	cp -r "$TOP/fixtures/proc/kinds/net/udp" trees/101/net/
	rm x.skt
	exits 2 sockrec --trees=trees -o x.skt
	has err 'sockrec: trees/101/net/tcp: '
	sockquery --format=jsonl x.skt >rows 2>/dev/null || [ $? = 2 ]
	grep -q '"local_port":1,' rows
}

t_hostile_names_come_back_escaped() {
	mkdir -p trees/$'\e]0;owned\a\x9b31m'
	exits 2 sockrec --trees=trees -o x.skt
	python <<'END'
assert_clean(read("err"))
END
}

run_tests

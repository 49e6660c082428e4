#!/bin/bash
# SPDX-License-Identifier: MIT
# sockrec --proc on trees that are wrong: what is wrong is named with its file and place, the exit status is 2, and what
# is whole is recorded all the same.
. "$(dirname "$0")/../lib.sh"

heading='  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
udp_heading='  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops'

# row PORT INODE: a listener as net/ipv4/tcp_ipv4.c prints it. (The wildcard address reads the same in any byte order.)
row() {
	local line

	printf -v line '%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 %016x 100 0 0 10 0' \
		0 "$1" 0 "$2" "$2"
	printf '%-149s\n' "$line"
}
udp_row() {
	printf '%5d: 00000000:%04X 00000000:0000 07 00000000:00000000 00:00000000 00000000 %5d        0 %d 2 %016x 0   \n' \
		0 "$1" 0 "$2" "$2"
}

# process PID COMM FD INODE
process() {
	mkdir -p "tree/$1/fd"
	printf '%d (%s) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' \
		"$1" "$2" >"tree/$1/stat"
	printf 'Name:\tx\nUid:\t1000\t1000\t1000\t1000\n' >"tree/$1/status"
	printf '/bin/server\0--port\0' >"tree/$1/cmdline"
	ln -s "socket:[$4]" "tree/$1/fd/$3"
}

# A good tree: a listener on port 80 and its process, and a socket of UDP.
tree() {
	rm -rf tree
	mkdir -p tree/net
	{ printf '%-149s\n' "$heading" && row 80 1000; } >tree/net/tcp
	{ echo "$udp_heading" && udp_row 53 2000; } >tree/net/udp
	process 700 server 3 1000
}

# recorded STATUS: record the tree, and keep its rows.
recorded() {
	rm -f x.skt
	exits "$1" sockrec --proc=tree -n 1 -o x.skt
	mv err said
	# 1: no sockets; 2: that is all, but a table is unknown
	sockquery --format=jsonl x.skt >rows 2>/dev/null || [ $? -le 2 ]
}

# shows TABLE:PORT...: these sockets and no others.
shows() {
	python "$@" <<'END'
sys.exit(differ("the recording", ["%s:%d" % (row["table"], row["local_port"]) for row in jsonl("rows")], sys.argv[1:]))
END
}

t_a_good_tree_is_recorded_without_a_complaint() {
	tree
	recorded 0
	[ "$(wc -l <said)" = 1 ]
	has said 'sockrec: x.skt: 0s, 1 snapshot, 0 missed ticks'
	shows tcp:80 udp:53
}

t_a_missing_tree_is_named_and_leaves_no_file() {
	exits 2 sockrec --proc=nowhere -n 1 -o x.skt
	has err 'sockrec: nowhere: cannot open: No such file or directory'
	[ ! -e x.skt ]
}

t_a_tree_that_is_a_file_is_refused() {
	touch tree
	exits 2 sockrec --proc=tree -n 1 -o x.skt
	has err 'sockrec: tree: cannot open: Not a directory'
	[ ! -e x.skt ]
}

t_a_directory_that_is_no_tree_is_refused() {
	mkdir empty
	exits 2 sockrec --proc=empty -n 1 -o x.skt
	has err "sockrec: empty: " "'net'"
	mkdir empty/net
	exits 2 sockrec --proc=empty -n 1 -o x.skt
	has err "sockrec: empty: none of the wanted tables is in 'net'"
	[ ! -e x.skt ]
}

t_a_tree_without_the_wanted_table_is_refused() {
	tree
	exits 2 sockrec --proc=tree --tables=tcp6,raw -n 1 -o x.skt
	has err "sockrec: tree: none of the wanted tables"
	[ ! -e x.skt ]
}

t_what_a_tree_lacks_is_unknown_and_no_error() {
	tree
	rm tree/700/status tree/700/cmdline
	recorded 0
	python <<'END'
owner, = jsonl("rows")[0]["owners"]
for name in "cgroup", "cmdline", "exe", "process_uid", "process_user", "process_net_namespace":
    assert owner[name] is None, (name, owner)
assert owner["comm"] == "server" and owner["pid"] == 700
assert jsonl("rows")[0]["net_namespace"] is None and jsonl("rows")[0]["host"] is None
END
}

t_an_unreadable_table_is_named() {
	[ "$(id -u)" != 0 ] || skip "root reads everything; tests/host/unprivileged.sh has this as nobody"
	tree
	chmod 000 tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp: cannot read: Permission denied'
	shows udp:53
}

t_a_table_that_is_a_directory_is_named() {
	tree
	rm tree/net/tcp
	mkdir tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp: cannot read: Is a directory'
	shows udp:53
}

t_a_table_that_is_a_fifo_does_not_hang() {
	tree
	rm tree/net/tcp
	mkfifo tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp: '
	shows udp:53
}

t_a_file_of_a_process_that_is_a_fifo_does_not_hang() {
	local file

	tree
	for file in stat status cmdline; do
		rm tree/700/$file
		mkfifo tree/700/$file
	done
	mkfifo tree/700/exe tree/700/cgroup tree/stat
	recorded 2
	for file in stat status cmdline cgroup; do
		has said "sockrec: tree/700/$file: cannot read"
	done
	shows tcp:80 udp:53
}

t_a_link_to_a_device_is_not_read() {
	tree
	ln -sf /dev/zero tree/net/tcp
	ln -sf /dev/zero tree/700/cmdline
	recorded 2
	has said 'sockrec: tree/net/tcp: '
	shows udp:53
}

t_a_link_out_of_the_tree_is_not_followed() {
	local target

	tree
	mkdir elsewhere
	{ printf '%-149s\n' "$heading" && row 4444 1; } >elsewhere/tcp
	for target in "$PWD/elsewhere/tcp" ../../elsewhere/tcp /proc/self/net/tcp; do
		ln -sf "$target" tree/net/tcp
		recorded 2
		has said 'sockrec: tree/net/tcp: '
		shows udp:53
	done
	# nor a directory
	tree
	mv tree/net/udp elsewhere/
	rm -r tree/net
	ln -s ../elsewhere tree/net
	exits 2 sockrec --proc=tree -n 1 -o y.skt
	has err 'sockrec: tree: '
	# a process's files are never links
	tree
	echo secret >elsewhere/cmdline
	ln -sf ../../elsewhere/cmdline tree/700/cmdline
	recorded 2
	fails grep -q secret rows
}

t_a_link_within_the_tree_is_followed() {
	# /proc/net is one
	tree
	mkdir -p tree/7
	mv tree/net tree/7/net
	ln -s 7/net tree/net
	recorded 0
	shows tcp:80 udp:53
}

t_a_loop_of_links_ends() {
	tree
	ln -sf tcp tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp: '
	shows udp:53
}

t_a_link_out_of_the_tree_is_called_one() {
	tree
	ln -sf /etc/hostname tree/net/tcp
	recorded 2
	# "Invalid cross-device link" is no help to anybody
	fails grep 'cross-device' said
}

t_a_fifo_is_called_no_regular_file() {
	tree
	rm tree/net/tcp
	mkfifo tree/net/tcp
	recorded 2
	# nobody passed an argument that could be invalid
	fails grep 'Invalid argument' said
}

t_a_line_cut_at_any_byte_without_its_newline_is_told_and_never_another_socket() {
	tree
	row 81 1001 >line
	python <<'END'
good, row = read("tree/net/tcp"), read("line").rstrip(b"\n")
# the blanks at the end are all alike
text = len(row.rstrip())
for cut in [*range(text + 3), len(row) - 1, len(row)]:
    with open("tree/net/tcp", "wb") as file:
        file.write(good + row[:cut])
    record = subprocess.run(["sockrec", "--proc=tree", "--tables=tcp", "-n", "1", "-o", "-"], capture_output=True)
    assert record.returncode == (2 if cut else 0), (cut, record.returncode, record.stderr)
    if cut:
        assert b"sockrec: tree/net/tcp:3: last line has no newline" in record.stderr, (cut, record.stderr)
    query = subprocess.run(["sockquery", "--format=jsonl", "-"], input=record.stdout, capture_output=True)
    assert query.returncode == 0, (cut, query)
    rows = [json.loads(line) for line in query.stdout.splitlines()]
    assert rows[0]["local_port"] == 80 and rows[0]["inode"] == 1000 and rows[0]["owners"][0]["pid"] == 700, (cut, rows)
    assert len(rows) <= 2, (cut, rows)
    for other in rows[1:]:
        assert (other["local_port"], other["state"], other["inode"]) == (81, "LISTEN", 1001), (cut, other)
END
}

t_a_line_cut_at_any_byte_with_a_newline_is_told_unless_it_has_all_that_makes_a_row() {
	tree
	row 81 1001 >line
	row 82 1002 >last
	python <<'END'
good, row = read("tree/net/tcp"), read("line").rstrip(b"\n")
# the inode is the last column that a row must have, and it may be of any length
needs = row.index(b" 1001 ") + 2
cuts = [row[:cut] for cut in range(1, needs)]
with open("tree/net/tcp", "wb") as file:
    file.write(good + b"\n".join(cuts) + b"\n" + read("last"))
open("cuts", "w").write(str(len(cuts)))
END
	recorded 2
	shows tcp:80 tcp:82 udp:53
	has said 'sockrec: tree/net/tcp:3: ' 'sockrec: tree/net/tcp:40: '
	# 64 are kept, and the others are not passed over in silence
	has said "$(($(cat cuts) - 64)) more things are wrong"
}

t_a_line_of_2_MB_is_told_and_the_rows_around_it_are_recorded() {
	tree
	head -c 2000000 /dev/zero | tr '\0' 7 >>tree/net/tcp
	{ echo && row 82 1002; } >>tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:3: '
	shows tcp:80 tcp:82 udp:53
}

t_a_line_of_20_MB_is_told_and_the_rows_around_it_are_recorded() {
	tree
	head -c 20000000 /dev/zero | tr '\0' ' ' >>tree/net/tcp
	{ echo && row 82 1002; } >>tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:3: '
	shows tcp:80 tcp:82 udp:53
}

t_a_table_of_2_MB_without_a_newline_is_told() {
	tree
	head -c 2000000 /dev/zero | tr '\0' x >tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:1: '
	shows udp:53
}

t_NULs_are_no_row_and_told() {
	tree
	{ printf '   1: 00000000:0051\0 00000000:0000 0A\n' && row 82 1002 && printf '\0\0\0\n\n' && row 83 1003; } >>tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:3: ' 'sockrec: tree/net/tcp:5: ' 'sockrec: tree/net/tcp:6: '
	shows tcp:80 tcp:82 tcp:83 udp:53
}

t_a_number_too_large_is_no_row_and_told() {
	tree
	{
		row 81 1001 | sed 's/ 1001 / 99999999999999999999999 /'
		row 81 1001 | sed 's/:0051/:10051/'
		row 81 1001 | sed 's/00000000:0051/100000000:0051/'
	} >>tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:3: ' 'sockrec: tree/net/tcp:4: ' 'sockrec: tree/net/tcp:5: '
	shows tcp:80 udp:53
}

t_a_heading_that_changed_makes_the_table_unknown_not_empty() {
	tree
	sed -i '1s/local_address/remote_address/' tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:1: heading' "where a kernel has 'sl local_address rem_address st "
	shows udp:53
}

t_a_heading_with_another_column_makes_the_table_unknown() {
	tree
	sed -i '1s/ st / zone st /' tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp:1: heading'
	shows udp:53
}

t_a_table_that_is_empty_is_unknown_and_one_with_a_heading_alone_is_empty() {
	tree
	: >tree/net/tcp
	recorded 2
	has said 'sockrec: tree/net/tcp: empty'
	printf '%-149s\n' "$heading" >tree/net/tcp
	recorded 0
	shows udp:53
}

t_no_rows_is_not_a_no_where_the_table_was_unknown() {
	tree
	rm tree/net/udp
	echo garbage >tree/net/tcp
	recorded 2
	# exit 1 would say that there was no socket
	exits 2 sockquery x.skt
	has err 'tcp'
}

t_a_comm_with_parentheses_and_blanks_and_escape_codes_is_read_whole() {
	tree
	process 701 $'a) R 1 (b\e[2J\n' 4 1000
	recorded 0
	python <<'END'
names = {owner["pid"]: (unescape(owner["comm"]), owner["ppid"], owner["threads"]) for owner in jsonl("rows")[0]["owners"]}
assert names == {700: (b"server", 1, 1), 701: (b"a) R 1 (b\033[2J\n", 1, 1)}, names
END
}

t_a_stat_that_is_cut_or_empty_or_of_another_process_is_told_and_the_others_are_recorded() {
	local text pid=701

	for text in '' '701' '701 (cut' '701 (cut)' '701 (cut) S' '701 (cut) S 1 1 1' '1 (other) S 1'; do
		tree
		process $pid x 4 1000
		printf %s "$text" >tree/$pid/stat
		recorded 2
		has said "sockrec: tree/$pid/stat: "
		shows tcp:80 udp:53
		python <<'END'
assert 700 in [owner["pid"] for owner in jsonl("rows")[0]["owners"]]
END
	done
}

t_a_cmdline_of_1_MiB_is_kept_whole() {
	tree
	python <<'END'
data = b"".join(b"argument %d \xff\033\0" % i for i in range(100000))[:1 << 20]
open("tree/700/cmdline", "wb").write(data[:-1] + b"\0")
END
	recorded 0
	python <<'END'
owner, = jsonl("rows")[0]["owners"]
assert b"".join(unescape(arg) + b"\0" for arg in owner["cmdline"]) == read("tree/700/cmdline")
assert owner["cmdline_truncated"] is False
END
	# a table is still a table, and a terminal's line is not a megabyte
	for format in table json csv netstat; do
		exits 0 sockquery --format=$format x.skt
	done
}

t_a_cmdline_over_2_MiB_is_cut_and_says_so() {
	tree
	head -c 3000000 /dev/zero | tr '\0' a >tree/700/cmdline
	recorded 0
	python <<'END'
owner, = jsonl("rows")[0]["owners"]
assert owner["cmdline"] == ["a" * (2 << 20)] and owner["cmdline_truncated"] is True, len(owner["cmdline"][0])
END
}

t_a_cmdline_may_be_empty_or_lack_its_last_NUL() {
	tree
	: >tree/700/cmdline
	process 701 two 3 1000
	printf 'one\0two' >tree/701/cmdline
	process 702 three 3 1000
	printf '\0\0' >tree/702/cmdline
	recorded 0
	python <<'END'
got = {owner["pid"]: owner["cmdline"] for owner in jsonl("rows")[0]["owners"]}
assert got == {700: [], 701: ["one", "two"], 702: ["", ""]}, got
END
}

t_descriptors_that_are_no_links_to_sockets_are_nobodys() {
	tree
	ln -s /dev/null tree/700/fd/0
	ln -s 'socket:[1000' tree/700/fd/4
	ln -s 'socket:[01000]' tree/700/fd/5
	ln -s 'socket:[1000]x' tree/700/fd/6
	ln -s 'socket:[18446744073709552616]' tree/700/fd/7
	ln -s 'socket:[1000]' tree/700/fd/99999999999
	ln -s 'socket:[1000]' tree/700/fd/x
	ln -s 'socket:[1000]' tree/700/fd/-1
	recorded 0
	python <<'END'
assert [(owner["pid"], owner["fd"]) for owner in jsonl("rows")[0]["owners"]] == [(700, 3)], jsonl("rows")[0]["owners"]
END
}

t_a_descriptor_that_is_a_file_is_told_and_the_others_are_read() {
	tree
	echo hello >tree/700/fd/2
	recorded 2
	has said 'sockrec: tree/700/fd/2: '
	python <<'END'
assert [(owner["pid"], owner["fd"]) for owner in jsonl("rows")[0]["owners"]] == [(700, 3)]
END
}

t_names_that_are_no_pids_are_passed_over() {
	local name

	tree
	for name in 0 007 -1 99999999999999999999 4294967996 self 7x; do
		mkdir -p "tree/$name/fd"
		ln -s 'socket:[1000]' "tree/$name/fd/3"
	done
	echo 'a file' >tree/12
	recorded 0
	python <<'END'
assert [owner["pid"] for owner in jsonl("rows")[0]["owners"]] == [700], jsonl("rows")[0]["owners"]
END
}

t_parents_in_a_circle_end() {
	tree
	process 701 other 4 1000
	sed -i 's/ S 1 / S 701 /' tree/700/stat
	sed -i 's/ S 1 / S 700 /' tree/701/stat
	recorded 0
	shows tcp:80 udp:53
}

t_a_table_that_can_no_longer_be_read_keeps_its_rows_and_calls_them_stale() {
	local recorder

	tree
	sockrec --proc=tree -i 50ms -o x.skt 2>said &
	recorder=$!
	eventually sockquery x.skt
	mv tree/net/tcp tree/net/away
	eventually has said 'sockrec: tree/net/tcp: '
	kill -TERM $recorder
	ends $recorder 2
	exits 0 sockquery --format=jsonl x.skt
	mv out rows
	python <<'END'
got = {(row["table"], row["table_status"]) for row in jsonl("rows")}
assert got == {("tcp", "stale"), ("udp", "fresh")}, got
END
	exits 0 sockquery x.skt
	grep -q '^tcp(stale) ' out
}

t_each_thing_that_is_wrong_is_told_once_however_many_snapshots() {
	tree
	echo garbage >>tree/net/tcp
	exits 2 sockrec --proc=tree -i 10ms -n 20 -o x.skt
	[ "$(grep -c 'sockrec: tree/net/tcp:3: ' err)" = 1 ]
}

run_tests

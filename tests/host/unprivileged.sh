#!/bin/bash
# SPDX-License-Identifier: MIT
# Who is not root can record, too: all sockets, and the holders that he may know; and the recording says what it lacks.
. "$(dirname "$0")/../lib.sh"
own_network --pid

"${as_nobody[@]}" true || { echo "1..0 # SKIP cannot become nobody"; exit; }

talker >told &
talker=$!
eventually test -s told || exit
read -r port server client <told
"${as_nobody[@]}" "$(command -v talker)" >theirs &
nobodys=$!
eventually test -s theirs || exit
read -r their_port their_server their_client <theirs

"${as_nobody[@]}" sockrec -i 100ms -n 3 -o - >x.skt 2>said
status=$?
sockquery --format=jsonl x.skt >rows 2>/dev/null
kill $nobodys $talker

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
port, server, client, their_port, their_server, their_client = map(int, sys.argv[1:])
rows = jsonl("../rows")
'

# judge: python about the rows.
judge() { python "$port" "$server" "$client" "$their_port" "$their_server" "$their_client"; }

t_recording_without_privilege_succeeds() {
	[ $status = 0 ]
	has ../said ', 3 snapshots, '
}

t_all_sockets_are_there() {
	judge <<'END'
ports = {p for row in rows for p in (row["local_port"], row["remote_port"])}
assert {port, their_port} <= ports
assert len(rows) == 6, rows
END
}

t_owners_that_are_denied_are_unknown_and_the_gap_is_named() {
	judge <<'END'
mine = [row for row in rows if port in (row["local_port"], row["remote_port"])]
assert len(mine) == 3
for row in mine:
    assert row["owner"] == "unknown" and "denied" in row["owner_gaps"] and not row["owners"], row
END
}

t_owners_that_are_ones_own_are_known_and_may_not_be_all() {
	judge <<'END'
mine = [row for row in rows if their_port in (row["local_port"], row["remote_port"])]
assert len(mine) == 3
for row in mine:
    assert row["owner"] == "held" and "denied" in row["owner_gaps"], row
    for owner in row["owners"]:
        assert owner["pid"] in (their_server, their_client) and owner["process_uid"] == 65534, owner
END
}

t_the_recorder_says_that_it_lacks_privilege() {
	# whoever starts it in a hurry must not find out after the incident
	grep -Eqi 'root|privilege|denied|owner' ../said
}

t_the_table_says_why_nobody_is_named() {
	sockquery ../x.skt >out 2>err
	grep -q "127.0.0.1:$port  *0.0.0.0:\* .*(unknown: denied" out
	# and that there may be more
	grep -q "127.0.0.1:$their_port  *0.0.0.0:\* .* talker $their_server/[0-9]* +?" out
}

t_a_table_that_may_not_be_read_is_named_and_the_others_are_recorded() {
	mkdir net
	cat /proc/net/tcp >net/tcp
	cat /proc/net/udp >net/udp
	chmod 000 net/tcp
	chmod 755 . net
	exits 2 "${as_nobody[@]}" sockrec --proc=. -n 1 -o -
	has err 'sockrec: ./net/tcp: cannot read: Permission denied'
	mv out x.skt
	# and who asks the recording is told as well
	exits 2 sockquery x.skt
	has err 'sockquery: x.skt: ' tcp 'Permission denied'
}

t_a_recording_that_may_not_be_read_is_named() {
	cp ../x.skt x.skt
	chmod 755 .
	chmod 000 x.skt
	exits 2 "${as_nobody[@]}" sockquery x.skt
	has err 'sockquery: x.skt: cannot open: Permission denied'
	is_empty out
}

t_a_folder_that_may_not_be_written_to_is_named() {
	chmod 755 .
	exits 2 "${as_nobody[@]}" sockrec -n 1 -o x.skt
	has err 'sockrec: x.skt: cannot create: Permission denied'
}

run_tests

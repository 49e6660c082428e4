#!/bin/bash
# SPDX-License-Identifier: MIT
# A recording of this host as it is, with whatever runs on it: two programs of ours are found among the others.
# tap: alone, for all of this host is in what it records
. "$(dirname "$0")/../lib.sh"

talker >told &
talker=$!
eventually test -s told || exit
read -r port server client <told
sockrec -n 2 -i 100ms -o x.skt 2>said
status=$?
sockquery --format=jsonl x.skt >rows 2>/dev/null

t_this_host_is_recorded() {
	[ $status = 0 ]
	python <<'END'
assert jsonl("../rows")
END
}

t_a_listener_and_its_client_are_found_among_all_others() {
	python "$port" "$server" "$client" <<'END'
port, server, client = map(int, sys.argv[1:])
rows = [row for row in jsonl("../rows") if row["table"] == "tcp" and port in (row["local_port"], row["remote_port"])]
got = sorted((row["state"], row["local_port"] == port, owner["pid"], owner["comm"])
             for row in rows for owner in row["owners"])
assert got == sorted([("LISTEN", True, server, "talker"), ("ESTABLISHED", True, server, "talker"),
                      ("ESTABLISHED", False, client, "talker")]), rows
END
}

t_the_table_shows_who_holds_them() {
	sockquery ../x.skt >table
	grep -q "^tcp  *LISTEN .* 127.0.0.1:$port  *0.0.0.0:\* .* talker $server/[0-9]* .*talker$" table
	grep -q "^tcp  *ESTABLISHED .* 127.0.0.1:[0-9]*  *127.0.0.1:$port .* talker $client/[0-9]* .*talker$" table
}

t_the_first_line_of_the_table_says_which_instant_it_is() {
	sockquery ../x.skt >table
	head -n 1 table | grep -Eqx "$(uname -n) [0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z, snapshot 2 of 2, [0-9]+ sockets?"
}

t_all_owners_that_root_may_not_read_are_a_gap_and_no_error() {
	python <<'END'
for row in jsonl("../rows"):
    assert row["owner"] != "unknown" or row["owner_gaps"], row
    assert row["owner"] != "unheld" or not row["owner_gaps"], row
END
}

t_the_default_file_is_named_after_host_and_time() {
	local before after name

	before=$(date -u +%Y%m%dT%H%M%SZ)
	exits 0 sockrec -n 1
	after=$(date -u +%Y%m%dT%H%M%SZ)
	name=$(echo *.skt)
	[[ $name =~ ^$(uname -n)-([0-9]{8}T[0-9]{6}Z)\.skt$ ]]
	[[ ! ${BASH_REMATCH[1]} < $before && ! ${BASH_REMATCH[1]} > $after ]]
	has err "sockrec: ./$name: "
}

run_tests
kill $talker

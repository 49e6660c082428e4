#!/bin/bash
# SPDX-License-Identifier: MIT
# Some hundreds of sockets in every state (tests/host/crowd.c), asked of the recording and of ss and netstat: all must say
# the same. The crowd does not move, and so that one does not have to believe it, ss and netstat are asked before and
# after the recording until both times they say the same. Network and pid namespaces are our own: nobody else is in the way.
. "$(dirname "$0")/../lib.sh"
own_network --pid

mkfifo in
crowd 8 <in >crowd.out 2>&1 &
exec 3>in
eventually grep -q ready crowd.out || { cat crowd.out; exit 1; }

# Both families and all tables, so that what there is is in one of them.
ask() {
	# ss's columns are as wide as their contents when it writes to a file
	ss -tanp >"$1.tcp" && ss -uanp >"$1.udp" && netstat -tuwapn >"$1.netstat" 2>/dev/null || return
	cat "$1.tcp" "$1.udp" "$1.netstat" | sort >"$1.all"
}
still() {
	rm -f x.skt
	# of two looks, so that what nobody holds is known
	ask before && sockrec -i 50ms -n 2 -o x.skt 2>sockrec.err && ask after && cmp before.all after.all
}
eventually still || { echo "the crowd moves"; diff before.all after.all; exit 1; }
sockquery --format=jsonl x.skt >rows 2>/dev/null
sockquery --format=netstat x.skt >netstat 2>/dev/null

# What ss says, as rows of ours. It has its own names for states, and writes * for the wildcard of both families.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
STATES = {"ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV", "FIN-WAIT-1": "FIN_WAIT1",
          "FIN-WAIT-2": "FIN_WAIT2", "TIME-WAIT": "TIME_WAIT", "UNCONN": "CLOSE", "CLOSE-WAIT": "CLOSE_WAIT",
          "LAST-ACK": "LAST_ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING"}

def ss_end(text):
    address, _, port = text.rpartition(":")
    if address == "*":
        return "::", port
    return address.strip("[]").partition("%")[0], port

def ss_rows(path):
    for line in read(path).decode().splitlines()[1:]:
        state, rx, tx, local, remote, *users = line.split(None, 5)
        (local, local_port), (remote, remote_port) = ss_end(local), ss_end(remote)
        table = path.rpartition(".")[2] + ("6" if ":" in local else "")
        owners = re.findall(r"pid=(\d+),fd=(\d+)", users[0] if users else "")
        for pid, fd in owners or [(None, None)]:
            yield (table, local, local_port, remote, remote_port, STATES[state], pid and int(pid), fd and int(fd))

def our_rows():
    for row in jsonl("../rows"):
        owners = [(owner["pid"], owner["fd"]) for owner in row["owners"]] or [(None, None)]
        for pid, fd in owners:
            yield (row["table"], row["local_address"], str(row["local_port"] or "*"), row["remote_address"],
                   str(row["remote_port"] or "*"), row["state"], pid, fd)
'

t_the_crowd_is_hundreds_of_sockets_in_every_state() {
	python <<'END'
rows = jsonl("../rows")
states = {(row["table"], row["state"]) for row in rows}
wanted = set(STATES.values()) - {"CLOSE"}
for table in "tcp", "tcp6":
    assert {state for t, state in states if t == table} == wanted, states
for table in "udp", "udp6":
    assert {state for t, state in states if t == table} == {"CLOSE", "ESTABLISHED"}, states
assert len(rows) > 500, len(rows)
assert any(row["remote_address"].startswith("::ffff:127.") for row in rows)
END
}

t_sockets_and_states_and_holders_of_tcp_are_those_of_ss() {
	python <<'END'
ours = [row for row in our_rows() if row[0].startswith("tcp")]
assert len(ours) > 500
sys.exit(differ("the recording", ours, list(ss_rows("../before.tcp"))))
END
}

t_sockets_and_states_and_holders_of_udp_are_those_of_ss() {
	python <<'END'
ours = [row for row in our_rows() if row[0].startswith("udp")]
assert len(ours) > 50
sys.exit(differ("the recording", ours, list(ss_rows("../before.udp"))))
END
}

t_the_netstat_look_is_netstats_line_for_line() {
	# byte for byte, trailing blanks and the two lines of heading too; only the order is each one's own
	[ "$(wc -l <../netstat)" -gt 500 ]
	head -n 2 ../netstat | cmp - <(head -n 2 ../before.netstat)
	diff <(sort ../before.netstat) <(sort ../netstat)
}

t_rows_stand_in_the_order_of_the_kernels_tables() {
	# which is what netstat prints, table by table
	for table in tcp tcp6 udp udp6 raw raw6; do
		diff <(grep "^$table " ../before.netstat) <(grep "^$table " ../netstat)
	done
}

t_every_selection_is_what_ss_selects() {
	local option

	for option in -t -u -l -4 -6 '-t -l' '-u -4' '-l -6' '-tl4' '-aunp'; do
		# shellcheck disable=SC2086 # options
		sockquery --format=jsonl $option ../x.skt >rows 2>/dev/null
		# shellcheck disable=SC2086
		case $option in *[al]*) ss -n $option ;; *) ss -an $option ;; esac >theirs
		python "$option" <<'END'
# raw sockets are in neither's -t and -u, and ss shows other kinds of socket than ours unless told
ours = [row for row in jsonl("rows") if not row["table"].startswith("raw")]
theirs = [line for line in read("theirs").decode().splitlines()[1:] if re.match("(tcp|udp) |[A-Z0-9-]+ +\\d", line)]
assert ours and len(ours) == len(theirs), (sys.argv[1], len(ours), len(theirs))
END
	done
}

t_complete_looks_that_find_everybody_leave_no_gaps() {
	python <<'END'
for row in jsonl("../rows"):
    assert row["owner_gaps"] == [] and row["owner"] in ("held", "queued", "detached"), row
END
}

t_a_socket_whose_holder_is_outside_the_pid_namespace_is_unheld_after_two_looks() {
	# inside a pid namespace one level down nobody of the crowd is seen, but its sockets are
	unshare --pid --fork --kill-child --mount-proc sockrec -i 50ms -n 2 -o y.skt 2>err
	sockquery --format=jsonl y.skt@first >first 2>/dev/null
	sockquery --format=jsonl y.skt@last >last 2>/dev/null
	python <<'END'
first = {row["owner"] for row in jsonl("first") if row["inode"]}
last = {(row["owner"], tuple(row["owner_gaps"])) for row in jsonl("last") if row["inode"]}
# one look proves nothing, for a process may come between the tables and the descriptors
assert first == {"unknown"}, first
assert last == {("unheld", ())}, last
END
}

t_udp_with_data_waiting_shows_it() {
	python <<'END'
assert any(row["rx_queue"] for row in jsonl("../rows") if row["table"] == "udp")
END
}

run_tests

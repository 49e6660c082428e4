#!/bin/bash
# SPDX-License-Identifier: MIT
# sockrec --watch at 50 ms, while a server listens, is connected to, forks and ends: what each step of it leaves on standard
# output. In network and pid namespaces of its own, where nobody is denied.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# What happens, half a second apart, with the time before and after: `truth`.
python <<'END'
import signal, socket
watch = subprocess.Popen(["sockrec", "--netns=own", "-w", "-i", "50ms", "--format=jsonl", "-o", "x.skt"],
                         stdout=open("seen", "w"), stderr=open("said", "w"))
end = time.monotonic() + 30
while "watching" not in open("said").read():
    assert time.monotonic() < end
    time.sleep(0.05)
truth = []
def happens(name, what):
    before = time.time_ns()
    got = what()
    truth.append({"name": name, "from": before, "to": time.time_ns()})
    time.sleep(0.5)
    return got
listener = happens("listen", lambda: socket.create_server(("127.0.0.1", 8080)))
client = happens("connect", lambda: socket.create_connection(("127.0.0.1", 8080)))
peer = happens("accept", lambda: listener.accept()[0])
happens("send", lambda: client.send(b"x" * 1000))
hold, let_go = os.pipe()
def fork():
    pid = os.fork()
    if not pid:
        client.close()
        peer.close()
        os.close(let_go)
        os.read(hold, 1)
        os._exit(0)
    return pid
child = happens("fork", fork)
def end_child():
    os.close(let_go)
    os.waitpid(child, 0)
happens("exit", end_child)
happens("client closes", client.close)
happens("peer closes", peer.close)
happens("listener closes", listener.close)
watch.send_signal(signal.SIGINT)
assert watch.wait() == 0
json.dump({"steps": {step["name"]: step for step in truth}, "server": os.getpid(), "child": child}, open("truth", "w"))
END

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
told = json.load(open("../truth"))
seen = jsonl("../seen")
def side(row):
    return row["after"] or row["before"]
def during(name, keep=lambda row: True):
    """What was seen of a step: the interval of the change and that of the step have an instant in common."""
    step = told["steps"][name]
    return [row for row in seen
            if ns(row["time_after"]) <= step["to"] and step["from"] <= ns(row["time_until"]) and keep(row)]
def is_listener(row):
    return side(row)["state"] == "LISTEN"
def pids(row):
    return sorted({owner["pid"] for owner in row["owners"]})
'

t_a_new_listener_is_one_line_within_the_interval_and_has_its_owner() {
	python <<'END'
row, = during("listen", lambda row: row["change"] == "opened")
assert (row["before"], row["after"]["local_port"], row["after"]["state"]) == (None, 8080, "LISTEN"), row
assert pids(row["after"]) == [told["server"]], row
END
}

t_a_new_connection_is_a_line_for_each_end_and_waits_to_be_accepted() {
	python <<'END'
rows = during("connect", lambda row: row["change"] == "opened" and not is_listener(row))
assert sorted(side(row)["owner"] for row in rows) == ["held", "queued"], rows
END
}

t_to_accept_a_connection_is_one_line() {
	python <<'END'
row, = [row for row in seen if row["hands"] == "accepted"]
assert row in during("accept"), row
assert row["before"]["owners"] == [] and pids(row["after"]) == [told["server"]], row
END
}

t_data_that_only_move_counters_are_no_line() {
	python <<'END'
quiet = [row for row in seen if row["change"] == "changed" and not row["hands"] and "state" not in row["fields"]]
assert not quiet, quiet
END
}

t_a_listener_that_is_inherited_is_shared_and_then_released() {
	python <<'END'
both = sorted([told["server"], told["child"]])
row, = [row for row in seen if is_listener(row) and row["hands"] == "shared"]
assert row in during("fork") and (pids(row["before"]), pids(row["after"])) == ([told["server"]], both), row
row, = [row for row in seen if is_listener(row) and row["hands"] == "released"]
assert row in during("exit") and (pids(row["before"]), pids(row["after"])) == (both, [told["server"]]), row
END
}

t_a_connection_that_is_closed_is_the_kernels_until_its_peer_closes_too() {
	python <<'END'
row, = [row for row in seen if row["hands"] == "orphaned"]
assert row in during("client closes") and pids(row["after"]) == [told["server"]], row
assert row["after"]["owner"] == "carried" and row["after"]["state"].startswith("FIN_WAIT"), row
END
}

t_the_closing_of_a_listener_is_one_line() {
	python <<'END'
row, = [row for row in seen if is_listener(row) and row["change"] == "closed"]
assert row in during("listener closes"), row
assert (row["after"], row["before"]["local_port"]) == (None, 8080), row
# closed between the reading of its table and that of the descriptors: that look did not find who held it
held = [told["server"]] if row["before"]["owner"] == "held" else []
assert row["before"]["owner"] in ("held", "unknown") and pids(row["before"]) == held, row
END
}

t_nothing_is_seen_that_did_not_happen() {
	python <<'END'
other = [row for row in seen if 8080 not in (side(row)["local_port"], side(row)["remote_port"])]
assert not other, other
END
}

t_it_records_as_well() {
	exits 0 sockquery --verify ../x.skt
	has out 'WHOLE'
}

t_a_reader_that_goes_away_ends_it_in_good_order_though_nothing_changes() {
	timeout 20 sockrec --netns=own -w --all --format=csv -i 50ms -o y.skt 2>err | head -n 1 >out
	[ "${PIPESTATUS[0]}" = 0 ]
	grep -q '^row,time,host,' out
	exits 0 sockquery --verify y.skt
	has out 'WHOLE'
}

t_a_reader_that_takes_nothing_does_not_keep_it_from_ending() {
	local watcher

	mkfifo pipe
	sockrec --netns=own -w --all --format=jsonl -i 5ms >pipe 2>err &
	watcher=$!
	exec 4<pipe
	# more than the 64 KiB that a pipe holds
	python <<'END'
import socket
for n in range(100):
    with socket.create_server(("127.0.0.1", 0)):
        time.sleep(0.02)
END
	kill -INT $watcher
	ends $watcher 0
	exec 4<&-
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# Connections that are closed at any moment, some of them between the reading of a table and that of the descriptors: what
# is left of each is carried by who held it. In namespaces of its own.
# tap: alone, for a recorder that waits for a processor while it reads a table may miss the one of 300 that moves just then
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# 300 connections are held for some snapshots, and then closed one by one, a few milliseconds apart, so that every phase of
# a snapshot meets some. `ends` says which, and by whom and as which descriptor they were held.
python <<'END'
import signal, socket
listener = socket.create_server(("127.0.0.1", 0), backlog=400)
pairs = []
for _ in range(300):
    client = socket.create_connection(listener.getsockname())
    pairs.append((client, listener.accept()[0]))
ends = {"%s:%d" % client.getsockname(): client.fileno() for client, _ in pairs}
recorder = subprocess.Popen(["sockrec", "-i", "50ms", "-o", "x.skt"], stderr=open("said", "w"))
def wait_for(n):
    end = time.monotonic() + 30
    while subprocess.run(["sockquery", "-H", "x.skt@#%d" % n], capture_output=True).returncode == 2:
        assert time.monotonic() < end, "the recorder does not come to snapshot %d" % n
        time.sleep(0.05)
    return n
wait_for(5)
for client, peer in pairs:
    client.close()
    peer.close()
    time.sleep(0.004)
done = subprocess.run(["sockquery", "-H", "x.skt"], capture_output=True, text=True)
wait_for(int(re.search(r"snapshot (\d+) of", done.stderr)[1]) + 25)
recorder.send_signal(signal.SIGINT)
assert recorder.wait() == 0
json.dump({"pid": os.getpid(), "ends": ends}, open("ends", "w"))
END
sockquery --format=jsonl x.skt >rows 2>/dev/null

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
told = json.load(open("../ends"))
left = [row for row in jsonl("../rows") if row["state"] == "TIME_WAIT" and row_key(row)[1] in told["ends"]]
'

t_all_that_is_left_is_300_TIME_WAIT() {
	python <<'END'
assert len(left) == 300, len(left)
END
}

t_each_TIME_WAIT_is_carried_whenever_it_was_closed() {
	python <<'END'
lost = [row for row in left if row["owner"] != "carried"]
assert not lost, "%d of %d: %s" % (len(lost), len(left), json.dumps(lost[0]))
END
}

t_each_is_carried_by_the_process_and_descriptor_that_held_it() {
	python <<'END'
for row in left:
    got = [(owner["pid"], owner["fd"]) for owner in row["owners"]]
    assert got in ([], [(told["pid"], told["ends"][row_key(row)[1]])]), (row, got)
END
}

t_a_process_that_is_gone_is_named_and_said_to_be() {
	python <<'END'
import signal
recorder = subprocess.Popen(["sockrec", "-i", "50ms", "-o", "y.skt"], stderr=subprocess.DEVNULL)
program = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
print("%s:%d" % client.getsockname(), "%s:%d" % client.getpeername(), flush=True)
sys.stdin.read()
client.close()
peer.close()
"""
child = subprocess.Popen([sys.executable, "-c", program, "arg"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
# both ends: a port of the 300 that wait may be given anew towards another
ends = child.stdout.readline().split()
def rows():
    done = subprocess.run(["sockquery", "--format=jsonl", "y.skt"], capture_output=True, text=True)
    return [row for row in map(json.loads, done.stdout.splitlines()) if list(row_key(row)[1:]) == ends]
def until(what):
    end = time.monotonic() + 30
    while not any(map(what, rows())):
        assert time.monotonic() < end, rows()
        time.sleep(0.05)
until(lambda row: row["owner"] == "held")
child.stdin.close()
child.wait()
until(lambda row: row["state"] == "TIME_WAIT" and (not row["owners"] or row["owners"][0]["exited"]))
recorder.send_signal(signal.SIGINT)
recorder.wait()
row, = rows()
assert row["owner"] == "carried", row
owner, = row["owners"]
assert owner["pid"] == child.pid and owner["exited"] is True, owner
# a process that is ending shows no command line any more: that is no reason to forget the one it had
assert owner["cmdline"] and owner["cmdline"][-1] == "arg" and owner["exe"], owner
END
}

run_tests

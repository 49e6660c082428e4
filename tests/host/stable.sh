#!/bin/bash
# SPDX-License-Identifier: MIT
# A table is read a page at a time while it changes, so a plain reading of it has rows twice and lacks others (DESIGN section 4):
# of a table of UDP nearly every reading lacks some (lib/proc/missed.h). 6,000 sockets of TCP and 600 of UDP that never move stand
# among others that come and go all the time: a hundred snapshots have each of them once, with its holder. What they are is said
# by the program that made them.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

cat >crowd.py <<'END'
import collections, os, resource, socket, sys, threading, time

resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))

def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    return s

keep = []
for n in range(4):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    for i in range(750):
        client = socket.socket()
        client.connect(listener.getsockname())
        keep += [client, listener.accept()[0]]
    listener.close()
keep += [udp() for n in range(600)]
with open("stable", "w") as out:
    for s in keep:
        peer = s.getpeername() if s.type == socket.SOCK_STREAM else ("0.0.0.0", 0)
        print(os.getpid(), s.fileno(), os.fstat(s.fileno()).st_ino, *s.getsockname(), *peer, file=out)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(512)

def churn():
    # closed with a reset, or TIME_WAIT would fill the table
    while True:
        client = socket.socket()
        client.connect(listener.getsockname())
        server = listener.accept()[0]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        server.close()
        time.sleep(0.0002)

def churn_udp():
    # twenty at a time, a thousand a second
    few = collections.deque()
    while True:
        few.append(udp())
        if len(few) > 20:
            few.popleft().close()
        time.sleep(0.001)

for what in churn, churn_udp:
    threading.Thread(target=what, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
END
mkfifo in
python3 crowd.py <in >crowd.out 2>&1 &
exec 3>in
eventually grep -q ready crowd.out || { cat crowd.out; exit 1; }
sockrec -i 100ms -n 100 --sync=none -o x.skt 2>sockrec.err || { cat sockrec.err; exit 1; }
for _ in {1..20}; do
	sockrec -n 1 -o - 2>sockrec.err >first.skt || { cat sockrec.err; exit 1; }
	sockquery --format=jsonl first.skt 'table = udp' 2>/dev/null >>firsts
	echo '"end"' >>firsts
done
exec 3>&-
sockquery --format=jsonl --view=flows x.skt >flows 2>/dev/null

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
wanted = {"tcp": {}, "udp": {}}
for line in read("../stable").decode().splitlines():
    pid, fd, inode, address, port, peer, peer_port = line.split()
    kind = "tcp" if peer_port != "0" else "udp"
    wanted[kind][int(inode), address, int(port), peer, int(peer_port)] = int(pid), int(fd)
def key(flow):
    return tuple(flow[field] for field in ("inode", "local_address", "local_port", "remote_address", "remote_port"))
'

# once KIND N: each of N of that kind was in each of the hundred once, and they did stand among others.
once() {
	python "$@" <<'END'
kind, n = sys.argv[1], int(sys.argv[2])
flows = [flow for flow in jsonl("../flows") if flow["table"] == kind]
of = [flow for flow in flows if key(flow) in wanted[kind]]
wrong = [(key(flow), flow["seen"], flow["first_seen"], flow["last_until"]) for flow in of if flow["seen"] != 100 or not flow["still_there"]]
assert len(wanted[kind]) == n and not wrong, (len(wrong), wrong[:5])
assert len(of) == len(set(map(key, of))) == n, len(of)
assert len(flows) > n + 100, len(flows)
END
}

t_each_of_6000_stable_sockets_is_in_each_of_100_snapshots_once() { once tcp 6000; }
t_each_of_600_stable_sockets_of_udp_is_in_each_of_100_snapshots_once() { once udp 600; }

t_so_is_each_of_udp_in_each_of_twenty_first_snapshots() {
	python <<'END'
found, n, others = [], 0, 0
for row in jsonl("../firsts"):
    if row != "end":
        found.append(key(row))
        continue
    assert len(found) == len(set(found)) and set(wanted["udp"]) <= set(found), set(wanted["udp"]) - set(found)
    n, others, found = n + 1, others + len(found) - 600, []
assert n == 20 and others > 20, (n, others)
END
}

t_each_has_its_holder_and_no_other_in_every_snapshot() {
	python <<'END'
n = 0
for flow in jsonl("../flows"):
    held = wanted.get(flow["table"], {}).get(key(flow))
    if held:
        n += 1
        assert flow["owner"] == "held" and [(owner["pid"], owner["fd"]) for owner in flow["owners"]] == [held], (flow, held)
        assert flow["owners"][0]["held_first"] <= flow["first_seen"] and flow["owners"][0]["held_last"] == flow["last_seen"], flow
assert n == 6600, n
END
}

run_tests

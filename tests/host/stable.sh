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
skt-dump x.skt >dump
exec 3>&-

# All that the tests judge, in one reading: of each snapshot how often each of them is in it, and who holds it.
python >judged <<'END'
import collections

def end(address, port):
    return ".".join(str(int(address[i:i + 2], 16)) for i in range(0, 8, 2)), port

wanted, holders = {"tcp": set(), "udp": set()}, {}
for line in read("stable").decode().splitlines():
    pid, fd, inode, *ends = line.split()
    kind = "tcp" if ends[3] != "0" else "udp"
    wanted[kind].add((int(inode), (ends[0], int(ends[1])), (ends[2], int(ends[3]))))
    holders[int(inode)] = [(int(pid), int(fd))]
judged = {kind: {"wanted": len(wanted[kind]), "snapshots": 0, "others": 0, "twice": 0, "wrong_count": []} for kind in wanted}
wrong_holder = []
with open("dump") as dump:
    for snapshot in map(json.loads, dump):
        if snapshot["type"] != "snapshot":
            continue
        for table in snapshot["tables"]:
            kind = {0: "tcp", 2: "udp"}.get(table["kind"])
            if not kind:
                continue
            of, found = judged[kind], collections.Counter()
            of["snapshots"] += 1
            of["twice"] += table["duplicates"]
            for row in table["rows"]:
                key = (row["inode"], end(row["local_address"], row["local_port"]), end(row["remote_address"], row["remote_port"]))
                if key in wanted[kind]:
                    found[key] += 1
                else:
                    of["others"] += 1
                held = holders.get(row["inode"])
                if held and [(pid, fd) for pid, _, fd in row["owners"]] != held:
                    wrong_holder.append((snapshot["number"], row, held))
            if len(found) != of["wanted"] or set(found.values()) != {1}:
                of["wrong_count"].append((snapshot["number"], len(found), found.most_common(1)))
print(json.dumps({**judged, "wrong_holder": wrong_holder[:5]}))
END

# once KIND N: each of N of that kind is in each of the hundred once, and they did stand among others.
once() {
	python "$@" <<'END'
judged, = jsonl("../judged")
of = judged[sys.argv[1]]
assert of["wanted"] == int(sys.argv[2]) and of["snapshots"] == 100, of
assert not of["wrong_count"], (len(of["wrong_count"]), of["wrong_count"][:5], of)
assert of["others"] > 100, of
END
}

t_each_of_6000_stable_sockets_is_in_each_of_100_snapshots_once() { once tcp 6000; }
t_each_of_600_stable_sockets_of_udp_is_in_each_of_100_snapshots_once() { once udp 600; }

t_so_is_each_of_udp_in_each_of_twenty_first_snapshots() {
	python <<'END'
wanted = {int(line.split()[2]) for line in open("../stable") if line.split()[6] == "0"}
found, n, others = set(), 0, 0
for row in jsonl("../firsts"):
    if row == "end":
        assert len(wanted) == 600 and wanted <= found, wanted - found
        n, others, found = n + 1, others + len(found - wanted), set()
    else:
        assert row["inode"] not in found, row
        found.add(row["inode"])
assert n == 20 and others > 20, (n, others)
END
}

t_each_has_its_holder_and_no_other_in_every_snapshot() {
	python <<'END'
judged, = jsonl("../judged")
assert judged["tcp"]["snapshots"] == 100 and not judged["wrong_holder"], judged
END
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# A table is read a page at a time while it changes, so a plain reading of it has rows twice and lacks others (DESIGN section 4).
# 6,000 sockets that never move stand among others that come and go all the time: a hundred snapshots have each of the 6,000
# once, with its holder. What they are is said by the program that made them.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

cat >crowd.py <<'END'
import os, resource, socket, sys, threading

resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
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
with open("stable", "w") as out:
    for s in keep:
        print(os.getpid(), s.fileno(), os.fstat(s.fileno()).st_ino, *s.getsockname(), *s.getpeername(), file=out)
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

threading.Thread(target=churn, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
END
mkfifo in
python3 crowd.py <in >crowd.out 2>&1 &
exec 3>in
eventually grep -q ready crowd.out || { cat crowd.out; exit 1; }
sockrec -i 100ms -n 100 --sync=none -o x.skt 2>sockrec.err || { cat sockrec.err; exit 1; }
skt-dump x.skt >dump
exec 3>&-

# All that the tests judge, in one reading: of each snapshot how often each of the 6,000 is in it, and who holds it.
python >judged <<'END'
import collections

def end(address, port):
    return ".".join(str(int(address[i:i + 2], 16)) for i in range(0, 8, 2)), port

wanted, holders = set(), {}
for line in read("stable").decode().splitlines():
    pid, fd, inode, *ends = line.split()
    wanted.add((int(inode), (ends[0], int(ends[1])), (ends[2], int(ends[3]))))
    holders[int(inode)] = [(int(pid), int(fd))]
n = others = 0
wrong_count, wrong_holder = [], []
with open("dump") as dump:
    for snapshot in map(json.loads, dump):
        if snapshot["type"] != "snapshot":
            continue
        n += 1
        found = collections.Counter()
        for table in snapshot["tables"]:
            for row in table["rows"]:
                key = (row["inode"], end(row["local_address"], row["local_port"]), end(row["remote_address"], row["remote_port"]))
                if key in wanted:
                    found[key] += 1
                else:
                    others += 1
                held = holders.get(row["inode"])
                if held and [(pid, fd) for pid, _, fd in row["owners"]] != held:
                    wrong_holder.append((snapshot["number"], row, held))
        if len(found) != 6000 or set(found.values()) != {1}:
            wrong_count.append((snapshot["number"], len(found), found.most_common(1)))
print(json.dumps({"wanted": len(wanted), "snapshots": n, "others": others, "wrong_count": wrong_count[:5], "wrong_holder": wrong_holder[:5]}))
END

t_each_of_6000_stable_sockets_is_in_each_of_100_snapshots_once() {
	python <<'END'
judged, = jsonl("../judged")
assert judged["wanted"] == 6000 and judged["snapshots"] == 100, judged
assert not judged["wrong_count"], judged
# they did stand among others
assert judged["others"] > 100, judged
END
}

t_each_has_its_holder_and_no_other_in_every_snapshot() {
	python <<'END'
judged, = jsonl("../judged")
assert judged["snapshots"] == 100 and not judged["wrong_holder"], judged
END
}

run_tests

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

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import collections

def end(address, port):
    return ".".join(str(int(address[i:i + 2], 16)) for i in range(0, 8, 2)), port

def stable():
    for line in read("../stable").decode().splitlines():
        pid, fd, inode, *ends = line.split()
        yield int(inode), (int(pid), int(fd)), (ends[0], int(ends[1])), (ends[2], int(ends[3]))

def snapshots():
    with open("../dump") as dump:
        for line in dump:
            what = json.loads(line)
            if what["type"] == "snapshot":
                yield what
'

t_each_of_6000_stable_sockets_is_in_each_of_100_snapshots_once() {
	python <<'END'
wanted = {(inode, local, remote): holder for inode, holder, local, remote in stable()}
assert len(wanted) == 6000, len(wanted)
n = others = 0
for snapshot in snapshots():
    n += 1
    found = collections.Counter()
    for table in snapshot["tables"]:
        for row in table["rows"]:
            key = (row["inode"], end(row["local_address"], row["local_port"]), end(row["remote_address"], row["remote_port"]))
            if key in wanted:
                found[key] += 1
            else:
                others += 1
    assert len(found) == 6000 and set(found.values()) == {1}, (snapshot["number"], len(found), found.most_common(1))
assert n == 100, n
# they did stand among others
assert others > 100, others
END
}

t_each_has_its_holder_and_no_other_in_every_snapshot() {
	python <<'END'
wanted = {inode: [holder] for inode, holder, local, remote in stable()}
for snapshot in snapshots():
    for table in snapshot["tables"]:
        for row in table["rows"]:
            if row["inode"] in wanted:
                owners = [(pid, fd) for pid, _, fd in row["owners"]]
                assert owners == wanted[row["inode"]], (snapshot["number"], row, wanted[row["inode"]])
END
}

run_tests

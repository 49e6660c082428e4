#!/bin/bash
# SPDX-License-Identifier: MIT
# What a snapshot states as findings: mounts over processes, sockets that nobody holds, sockets that no table shows. In
# network, process and mount namespaces of its own, where everything can be made that a rootkit would.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import ctypes, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
MOUNT, UNLISTED, UNHELD = 1, 2, 3
TABLES = ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6"]

def bind_mount(source, target):
    assert not libc.mount(source.encode(), target.encode(), None, 4096, None), os.strerror(ctypes.get_errno())

def child(run):
    """A process that does this and waits; its pid, and what it returned."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        libc.prctl(1, signal.SIGKILL)
        os.close(read)
        os.write(write, json.dumps(run()).encode() + b"\n")
        while True:
            signal.pause()
    os.close(write)
    return pid, json.loads(os.fdopen(read).readline())

kept = []
def listen(port):
    s = socket.create_server(("127.0.0.1", port))
    kept.append(s)
    return inode(s)

def inode(s):
    return os.fstat(s.fileno()).st_ino

def record(*arguments, **more):
    done = subprocess.run(["sockrec", "-o", "x.skt", *arguments], capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stderr
    return done.stderr

def snapshots():
    done = subprocess.run(["skt-dump", "x.skt"], capture_output=True, text=True)
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "snapshot"]

def until(what):
    """The recording that goes on is such."""
    end = time.monotonic() + 60
    while not what(snapshots()):
        assert time.monotonic() < end, snapshots()[-1:]
        time.sleep(0.05)

def found(snapshot):
    """kind, pid, fd, inode, table of each finding."""
    return [(f["kind"], f["pid"], f["fd"], f["inode"], TABLES[f["table"]]) for f in snapshot["quality"]["findings"]]

def row(snapshot, port):
    rows = [row for table in snapshot["tables"] for row in table["rows"] if row["local_port"] == port]
    assert len(rows) == 1, rows
    return rows[0]

'

t_an_ordinary_host_has_none() {
	python <<'END'
kept.append(socket.create_server(("127.0.0.1", 1001)))
record("-i", "50ms", "-n", "10")
assert [found(s) for s in snapshots()] == [[]] * 10
END
}

# Sockets that are in no table by nature: new, bound only, closed by the other end, not bound, and of other families.
t_a_socket_that_has_no_place_in_a_table_is_none() {
	python <<'END'
new, bound, datagrams = socket.socket(), socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
new6 = socket.socket(socket.AF_INET6)
bound.bind(("127.0.0.1", 1002))
server = socket.create_server(("127.0.0.1", 1003))
reset = socket.create_connection(("127.0.0.1", 1003))
peer = server.accept()[0]
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
peer.close()
others = [socket.socketpair(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), socket.socket(socket.AF_PACKET, socket.SOCK_RAW)]
record("-i", "50ms", "-n", "10")
assert [found(s) for s in snapshots()] == [[]] * 10
END
}

# A socket of a namespace that nobody lives in: its tables cannot be read.
t_a_socket_of_a_namespace_that_is_not_read_is_none() {
	python <<'END'
here = os.open("/proc/self/ns/net", os.O_RDONLY)
assert not libc.unshare(0x40000000)
elsewhere = socket.socket()
elsewhere.bind(("0.0.0.0", 1004))
elsewhere.listen()
assert not libc.setns(here, 0)
record("-i", "50ms", "-n", "10")
assert [found(s) for s in snapshots()] == [[]] * 10
END
}

# What the recorder has as /proc/net are files in which a row is missing; it takes the number of him who mounts them for that.
read -r -d '' FORGE <<'END' || :
forge() {
	mkdir net
	for table in tcp tcp6 udp udp6; do
		grep -v " $1 " "/proc/net/$table" >"net/$table"
	done
	mount --bind net "/proc/$BASHPID/net"
}
END

t_a_connected_socket_that_its_table_hides_is_one() {
	export FORGE
	python <<'END'
server = socket.create_server(("127.0.0.1", 1005))
hidden = socket.create_connection(("127.0.0.1", 1005))
script = 'eval "$FORGE"; forge %d; exec sockrec -i 50ms -n 8 -o x.skt' % inode(hidden)
done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
all_of_it = [[f for f in found(s) if f[0] == UNLISTED] for s in snapshots()]
it = (UNLISTED, os.getpid(), hidden.fileno(), inode(hidden), "tcp")
# the first look finds it, the second asks, and two more read its table
assert all_of_it == [[]] * 3 + [[it]] * 5, all_of_it
assert done.stderr.count("inode %d, that is in no table" % inode(hidden)) == 1, done.stderr
assert done.stderr.count("something is mounted over") == 1, done.stderr
info = subprocess.run(["sockquery", "--info", "x.skt"], capture_output=True, text=True).stdout
assert re.search(r"with findings +8\n", info), info
assert info.count("process %d holds by fd %d a tcp socket" % it[1:3]) == 1, info
END
}

t_a_socket_that_comes_into_use_later_and_is_hidden_is_one() {
	export FORGE
	python <<'END'
late = socket.socket()
late.bind(("127.0.0.1", 1006))
script = 'eval "$FORGE"; forge none; exec sockrec -i 50ms -o x.skt'
recorder = subprocess.Popen(["bash", "-c", script], stderr=subprocess.DEVNULL)
until(lambda all_of_it: len(all_of_it) > 5)
late.listen()
until(lambda all_of_it: any(f[0] == UNLISTED for f in found(all_of_it[-1])))
recorder.send_signal(signal.SIGINT)
assert recorder.wait() == 0
all_of_it = [[f for f in found(s) if f[0] == UNLISTED] for s in snapshots()]
assert all_of_it[5] == [], all_of_it[5]
assert all_of_it[-1] == [(UNLISTED, os.getpid(), late.fileno(), inode(late), "tcp")], all_of_it[-1]
END
}

t_the_kernels_own_socket_is_one_after_several_looks() {
	ip link add vx0 type vxlan id 7 dstport 4790 2>said || skip "no vxlan: $(cat said)"
	ip link set vx0 up
	python <<'END'
said = record("-i", "50ms", "-n", "8")
all_of_it = [found(s) for s in snapshots()]
inodes = {row["inode"] for s in snapshots() for t in s["tables"] for row in t["rows"] if row["local_port"] == 4790}
assert inodes and all(inodes), inodes
# two looks say that it is unheld, a third that it still is
assert all_of_it[:2] == [[], []], all_of_it[:2]
assert {f[3] for f in all_of_it[-1]} == inodes, all_of_it[-1]
assert {f[0] for f in all_of_it[-1]} == {UNHELD}
assert said.count("nobody holds the udp") == len(inodes), said
END
	ip link delete vx0
}

t_a_process_beneath_a_mount_is_not_read_as_another() {
	python <<'END'
pid, hidden = child(lambda: listen(1007))
other, _ = child(lambda: listen(1008))
bind_mount("/proc/%d" % other, "/proc/%d" % pid)
said = record("-i", "50ms", "-n", "8")
for s in snapshots():
    assert found(s) == [(MOUNT, pid, -1, 0, "tcp")], found(s)
    assert s["quality"]["denied"] == 1
    assert [pid for pid, _, _ in row(s, 1008)["owners"]] == [other]
    # nobody was found, and it is known why
    assert row(s, 1007)["owners"] == []
    assert row(s, 1007)["owner_gaps"] & 1, row(s, 1007)
assert said.count("mounted over what /proc has of process %d" % pid) == 1, said
subprocess.check_call(["umount", "/proc/%d" % pid])
END
}

t_a_process_that_was_known_before_is_read_beneath_the_mount() {
	python <<'END'
pid, _ = child(lambda: listen(1009))
recorder = subprocess.Popen(["sockrec", "-i", "50ms", "-o", "x.skt"], stderr=subprocess.DEVNULL)
until(lambda all_of_it: len(all_of_it) > 5)
bind_mount("/proc/1", "/proc/%d" % pid)
until(lambda all_of_it: found(all_of_it[-1]))
subprocess.check_call(["umount", "/proc/%d" % pid])
until(lambda all_of_it: not found(all_of_it[-1]))
recorder.send_signal(signal.SIGINT)
assert recorder.wait() == 0
all_of_it = snapshots()
told = [bool(found(s)) for s in all_of_it]
assert not told[0] and any(told) and not told[-1], told
assert all([owner[0] for owner in row(s, 1009)["owners"]] == [pid] for s in all_of_it)
END
}

t_a_mount_over_its_descriptors_is_one_and_they_are_denied() {
	python <<'END'
pid, _ = child(lambda: listen(1010))
os.mkdir("empty")
bind_mount("empty", "/proc/%d/fd" % pid)
record("-i", "50ms", "-n", "3")
for s in snapshots():
    assert found(s) == [(MOUNT, pid, -1, 0, "tcp")], found(s)
    assert row(s, 1010)["owners"] == [] and row(s, 1010)["owner_gaps"] & 1, row(s, 1010)
subprocess.check_call(["umount", "/proc/%d/fd" % pid])
END
}

# A process of another namespace, and what its tables are in a snapshot: as many rows, or None where they are not there.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
BLIND = "'"$(command -v preload_blind.so)"'"

def elsewhere(port):
    def there():
        assert not libc.unshare(0x40000000)
        subprocess.check_call(["ip", "link", "set", "lo", "up"])
        listen(port)
        return os.stat("/proc/self/ns/net").st_ino
    return child(there)

FRESH = 1
def tables_of(snapshot, netns):
    return [(t["kind"], len(t["rows"])) for t in snapshot["tables"] if t["net_namespace"] == netns and t["status"] == FRESH]

'

t_a_hidden_socket_of_another_namespace_is_one() {
	python <<'END'
def there():
    assert not libc.unshare(0x40000000)
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    return [listen(1014), listen(1015), os.stat("/proc/self/ns/net").st_ino]
pid, (hidden, shown, netns) = child(there)
blind = dict(os.environ, LD_PRELOAD=BLIND, BLIND=str(hidden))
done = subprocess.run(["sockrec", "-i", "50ms", "--netns-interval", "50ms", "-n", "20", "-o", "x.skt"], env=blind, capture_output=True, text=True)
assert done.returncode == 0, done.stderr
last = snapshots()[-1]
assert {r["inode"] for t in last["tables"] if t["net_namespace"] == netns for r in t["rows"]} == {shown}
all_of_it = [(f["kind"], f["pid"], f["inode"], f["net_namespace"]) for f in last["quality"]["findings"]]
if not all_of_it and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 18):
    sys.exit(0)
assert all_of_it == [(UNLISTED, pid, hidden, netns)], all_of_it
END
}

t_where_a_process_lives_is_not_told_from_beneath_a_mount() {
	python <<'END'
pid, netns = elsewhere(1011)
record("-n", "1")
assert tables_of(snapshots()[0], netns), snapshots()[0]["tables"]
assert snapshots()[0]["quality"]["netns_denied"] == 0
os.remove("x.skt")
# as if it lived where we do
bind_mount("/proc/1/ns", "/proc/%d/ns" % pid)
bind_mount("/proc/1/net", "/proc/%d/net" % pid)
record("-n", "1")
assert [f[:2] for f in found(snapshots()[0])] == [(MOUNT, pid)], found(snapshots()[0])
assert snapshots()[0]["quality"]["netns_denied"] == 1
subprocess.check_call(["umount", "/proc/%d/ns" % pid, "/proc/%d/net" % pid])
END
}

t_tables_beneath_a_mount_are_not_taken_for_those_of_a_namespace() {
	python <<'END'
pid, netns = elsewhere(1012)
kept.append(listen(1013))
recorder = subprocess.Popen(["sockrec", "-i", "50ms", "--netns-interval", "50ms", "-o", "x.skt"], stderr=subprocess.DEVNULL)
until(lambda all_of_it: any(tables_of(s, netns) for s in all_of_it))
bind_mount("/proc/1/net", "/proc/%d/net" % pid)
until(lambda all_of_it: found(all_of_it[-1]))
recorder.send_signal(signal.SIGINT)
assert recorder.wait() == 0
subprocess.check_call(["umount", "/proc/%d/net" % pid])
all_of_it = snapshots()
assert found(all_of_it[-1]), all_of_it[-1]
for s in all_of_it:
    ports = {r["local_port"] for t in s["tables"] if t["net_namespace"] == netns for r in t["rows"]}
    assert ports <= {1012}, ports
END
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# What comes and goes between two snapshots: the kernel tells of it, whoever records, however it ends; and what it could not
# tell is told.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import socket, struct, threading, time

def listener(host="127.0.0.1"):
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.bind((host, 0))
    listening.listen(500)
    return listening

def connection(listening):
    client = socket.create_connection(listening.getsockname()[:2])
    server = listening.accept()[0]
    return client, server

def reset(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()

def told(name):
    """Of each snapshot of a recording what skt-dump says."""
    return [line for line in jsonl(name) if line["type"] == "snapshot"]

def address(host):
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host).ljust(16, b"\0").hex()

BYTES_SENT, BYTES_RECEIVED, RTT, RETRANSMITS, DURATION, INODE, REMOTE_PORT, UID, LATE = (1 << bit for bit in range(9))
'

# begin ARGUMENT...: a recorder in the background, its pid in `recorder`, when it has taken its first snapshot.
begin() {
	rm -f x.skt
	"$@" >x.skt 2>said &
	recorder=$!
	eventually so_many 1
}

# read_it: into `dump`; both readers find the same, and every bit of it is good.
read_it() {
	skt-dump x.skt >dump
	python3 "$TOP/contrib/skt.py" x.skt | cmp - dump
	sockquery --verify x.skt >verified
}

# so_many N: at least so many snapshots are in the recording.
so_many() { [ "$(skt-dump x.skt | grep -c '"type":"snapshot"')" -ge "$1" ]; }

# finish [N]: after at least N (2) more snapshots, so that one of them was not begun yet; 0 where none will come.
finish() {
	local seen

	seen=$(skt-dump x.skt | grep -c '"type":"snapshot"')
	eventually so_many $((seen + ${1:-2}))
	kill -TERM "$recorder"
	ends "$recorder" 0
	read_it
}

# Two hundred connections of 10 and 80 ms, by fours: closed by the client, by the server, reset by either. Which is told with
# the client's end and the server's, and what each sent.
connections() {
	python <<'END'
from concurrent.futures import ThreadPoolExecutor

listening = listener()
made = []
one_at_a_time = threading.Lock()

def one(n):
    with one_at_a_time:
        client, server = connection(listening)
    made.append((n, client.getsockname()[1], n + 1, n % 7))
    client.sendall(b"c" * (n + 1))
    assert len(server.recv(4096)) == n + 1
    if n % 7:
        server.sendall(b"s" * (n % 7))
        assert len(client.recv(4096)) == n % 7
    time.sleep(0.01 if n % 2 else 0.08)
    first, other = (client, server) if n // 2 % 2 else (server, client)
    reset(first) if n // 4 % 2 else first.close()
    other.close()

with ThreadPoolExecutor(8) as many:
    list(many.map(one, range(200)))
with open("made", "w") as file:
    json.dump({"port": listening.getsockname()[1], "made": made}, file)
END
}

# Each of them is there, as the kernel saw it.
judge_connections() {
	python <<'END'
made = json.load(open("made"))
port = made["port"]
snapshots = told("dump")
events = [event for snapshot in snapshots for event in snapshot["events"] if event["kind"] == 0]
assert all(event["source"] == 2 and event["change"] == 3 for event in events)
for snapshot in snapshots[1:]:
    quality = snapshot["quality"]
    assert quality["events_tables"] == 15 and not quality["events_deaf"] and not quality["events_lost_until"], quality
    # that it lived between two looks is what this is about
    assert not any(row["remote_port"] == port and row["state"] == 1 for table in snapshot["tables"] for row in table["rows"])
local = address("127.0.0.1")
for n, client, sent, received in made["made"]:
    reset_by = None if n // 4 % 2 == 0 else "client" if n // 2 % 2 else "server"
    # a reset loses the ends of whoever sends it, but for its own port
    mine = [event for event in events if event["local_port"] == client]
    assert len(mine) == 1, (n, mine)
    theirs = [event for event in events if event["local_port"] == port and event["remote_port"] == client]
    assert len(theirs) == (reset_by != "server"), (n, theirs)
    for event, by, out, back in [(mine[0], "client", sent, received)] + [(event, "server", received, sent) for event in theirs]:
        if reset_by == by:
            assert not event["has"] & (REMOTE_PORT | BYTES_SENT | BYTES_RECEIVED), event
            assert event["remote_address"] == local
            continue
        assert event["has"] & REMOTE_PORT and event["remote_port"] == (port if by == "client" else client), event
        assert event["local_address"] == event["remote_address"] == local
        assert event["has"] & BYTES_SENT and event["sent"] == out, (n, event)
        # the end of what the other one sent counts as a byte
        assert event["has"] & BYTES_RECEIVED and back <= event["received"] <= back + 1, (n, event)
        assert event["has"] & RTT and 0 < event["rtt"] < 1000000
        if event["has"] & DURATION:
            assert (5000 if n % 2 else 75000) <= event["duration"] < 2000000, (n, event)
        assert snapshots[0]["time"] < event["time"] <= snapshots[-1]["end"]
resets = [event for event in events if event["local_port"] == port and not event["has"] & REMOTE_PORT
          and event["remote_address"] == local]
assert len(resets) == sum(n // 4 % 2 and not n // 2 % 2 for n in range(200)), len(resets)
assert any(event["has"] & DURATION for event in events)
END
	# each is a flow with both ends and its bytes: of a reset that of the end that was reset
	sockquery --view=flows --format=jsonl x.skt 2>/dev/null >flows
	python <<'END'
made = json.load(open("made"))
port = made["port"]
flows = {}
for flow in jsonl("flows"):
    if flow["source"] == "destroy":
        flows.setdefault((flow["local_port"], flow["remote_port"]), []).append(flow)
for n, client, sent, received in made["made"]:
    reset_by = None if n // 4 % 2 == 0 else "client" if n // 2 % 2 else "server"
    for by, ends, out, back in ("client", (client, port), sent, received), ("server", (port, client), received, sent):
        if reset_by == by:
            continue
        flow, = flows[ends]
        assert flow["local_address"] == flow["remote_address"] == "127.0.0.1", flow
        assert flow["bytes_sent"] == out and back <= flow["bytes_received"] <= back + 1, (n, flow)
        # the end that closed first stands in TIME_WAIT, which a look may have seen; nobody has seen a holder
    assert flow["owner"] in ("unseen", "detached") and not flow["owners"], flow
END
}

t_two_hundred_connections_between_two_snapshots_are_told_to_root() {
	begin sockrec -i 5s --ticks=exact -n 2 -o -
	connections
	ends "$recorder" 0
	read_it
	has verified WHOLE
	judge_connections
}

t_and_to_whoever_is_not() {
	"${as_nobody[@]}" true || skip "cannot become nobody"
	begin "${as_nobody[@]}" sockrec -i 5s --ticks=exact -n 2 -o -
	connections
	ends "$recorder" 0
	read_it
	judge_connections
}

t_the_row_that_was_seen_is_the_one_that_is_told_of() {
	local peers

	python <<'END' &
listening = listener("::1")
pairs = [connection(listening) for _ in range(4)]
print(listening.getsockname()[1], *(pair[0].getsockname()[1] for pair in pairs), file=open("ports", "w"), flush=True)
sys.stdout.flush()
while not os.path.exists("close"):
    time.sleep(0.01)
pairs[0][0].close(), pairs[0][1].close()
pairs[1][1].close(), pairs[1][0].close()
reset(pairs[2][0]), pairs[2][1].close()
reset(pairs[3][1]), pairs[3][0].close()
listening.close()
END
	peers=$!
	eventually test -s ports
	begin sockrec -i 200ms --ticks=exact -o -
	sleep 0.5
	touch close
	wait $peers
	finish
	python <<'END'
port, *clients = map(int, open("ports").read().split())
events = [event for snapshot in told("dump") for event in snapshot["events"] if event["kind"] == 1]
# eight ends and the listener, all of them seen
assert len(events) == 9, events
ends = {(event["local_port"], event["remote_port"]) for event in events}
assert ends == {(port, 0)} | {(port, client) for client in clients} | {(client, port) for client in clients}, ends
for event in events:
    # some row is meant, unless it closed with the look before
    assert event["row"] or event["has"] & LATE, event
    assert event["has"] & REMOTE_PORT and event["has"] & UID and event["has"] & INODE and event["inode"], event
    assert event["local_address"] == address("::1"), event
END
}

t_all_of_it_comes_back_through_trees() {
	begin sockrec -i 150ms -o -
	connections
	finish
	sockreplay --self-test x.skt
	sockreplay x.skt --to-trees=trees
	sockrec --trees=trees -o back.skt
	skt-dump back.skt >again
	for name in x back; do
		sockquery --info $name.skt | sed -n 's/^groups  *//p'
	done >groups
	python <<'END'
def less(event):
    """But for its row, which it has no more where that has closed and a group begins: which may be elsewhere in the other."""
    return {**event, "row": None, "has": event["has"] & ~LATE}

differ = 0
for was, is_now in zip(told("dump"), told("again"), strict=True):
    assert was["quality"] == is_now["quality"]
    assert [less(event) for event in was["events"]] == [less(event) for event in is_now["events"]]
    differ += was["events"] != is_now["events"]
assert differ <= sum(int(groups) - 1 for groups in open("groups")), differ
events = [event for snapshot in told("again") for event in snapshot["events"]]
assert any(event["row"] for event in events) and not all(event["row"] for event in events)
END
}

t_what_is_told_does_not_belong_to_a_row_that_is_still_there() {
	python <<'END' &
listening = listener()
kept = connection(listening)
client, server = connection(listening)
print(kept[0].getsockname()[1], client.getsockname()[1], file=open("ports", "w"), flush=True)
while not os.path.exists("close"):
    time.sleep(0.01)
client.close(), server.close()
while not os.path.exists("end"):
    time.sleep(0.01)
END
	eventually test -s ports
	begin sockrec -i 100ms -o -
	touch close
	finish
	touch end
	wait
	python <<'END'
kept, closed = map(int, open("ports").read().split())
events = [event for snapshot in told("dump") for event in snapshot["events"] if event["kind"] == 0]
assert sorted((event["local_port"] == closed, event["remote_port"] == closed) for event in events) == [(False, True), (True, False)]
END
}

t_datagrams_are_told_of_too() {
	begin sockrec -i 200ms -o -
	python <<'END'
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 5353))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", 5353))
print(client.getsockname()[1], file=open("port", "w"))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
END
	finish
	python <<'END'
client = int(open("port").read())
events = [event for snapshot in told("dump") for event in snapshot["events"]]
# one that was never bound was in no table
assert sorted((event["kind"], event["local_port"], event["remote_port"]) for event in events) == \
    sorted([(2, 5353, 0), (2, client, 5353)]), events
assert all(event["has"] & REMOTE_PORT for event in events)
END
}

t_more_than_fits_is_told_as_lost() {
	begin sockrec -i 300ms --events-buffer=4K -o -
	python <<'END'
# many at once, while nobody can take them: closed by one exit
ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(800)]
for end in ends:
    end.bind(("127.0.0.1", 0))
END
	finish
	has said "more sockets went than could be told of"
	python <<'END'
lost = [snapshot["quality"] for snapshot in told("dump") if snapshot["quality"]["events_lost_until"]]
assert lost
snapshots = told("dump")
for quality in lost:
    assert snapshots[0]["time"] - 10**9 < quality["events_lost_since"] < quality["events_lost_until"] < snapshots[-1]["end"]
assert sum(len(snapshot["events"]) for snapshot in snapshots) < 800
END
	sockquery --info x.skt >info
	grep -Eq '^  some were lost +[0-9]+, within ' info
	# what was lost may have been just that
	exits 2 sockquery x.skt 'dst 203.0.113.9'
	has err 'cannot say'
}

t_other_namespaces_are_listened_to_by_who_may() {
	unshare --net -- python3 - <<END &
$PRELUDE
import subprocess
subprocess.check_call(["ip", "link", "set", "lo", "up"])
print(os.stat("/proc/self/ns/net").st_ino, file=open("inode", "w"), flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
listening = listener()
client, server = connection(listening)
client.close(), server.close()
open("ended", "w").close()
while not os.path.exists("end"):
    time.sleep(0.01)
END
	eventually test -s inode
	begin sockrec -i 200ms --netns-interval=400ms -o -
	sleep 0.5
	touch go
	eventually test -e ended
	finish 8
	# who has not the right says so, and in how many
	mv x.skt heard.skt && mv dump heard
	begin setpriv --bounding-set=-sys_admin sockrec -i 200ms -o -
	finish
	has said "1 other network namespace cannot be listened to"
	touch end
	wait
	python <<'END'
inode = int(open("inode").read())
for snapshot in told("dump"):
    assert snapshot["quality"]["events_deaf"] == 1 and snapshot["quality"]["events_tables"], snapshot["quality"]
snapshots = told("heard")
events = [event for snapshot in snapshots for event in snapshot["events"] if event["net_namespace"] == inode]
assert len(events) == 2, events
assert not snapshots[-1]["quality"]["events_deaf"]
END
}

t_the_child_that_enters_namespaces_does_not_outlive_the_recorder() {
	begin sockrec -i 200ms -o -
	pgrep -x sockrec-netns >child
	grep -E '^CapEff' "/proc/$(cat child)/status" | grep -q 0000000000201000
	kill -KILL "$recorder"
	eventually fails pgrep -x sockrec-netns
	begin sockrec -i 200ms --events=none -o -
	fails pgrep -x sockrec-netns
	finish
	python <<'END'
assert not any(snapshot["events"] or snapshot["quality"]["events_tables"] for snapshot in told("dump"))
END
}

# Who listens as well knows when it was told: all are told at once.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
def ear():
    ear = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)  # NETLINK_SOCK_DIAG
    ear.bind((0, 1 << 0 | 1 << 1))  # SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY
    return ear

def until_told(ear, port):
    # of struct inet_diag_msg, which stands behind a head of 16 bytes
    while struct.unpack_from("!H", ear.recv(4096), 20)[0] != port:
        pass
'

t_what_is_told_after_the_last_snapshot_is_recorded_when_it_ends() {
	begin sockrec -i 1h -o -
	python <<'END'
listening = listener()
client, server = connection(listening)
client.sendall(b"hello")
assert server.recv(10) == b"hello"
print(client.getsockname()[1], file=open("port", "w"))
hearing, port = ear(), client.getsockname()[1]
client.close(), server.close()
until_told(hearing, port)
END
	finish 0
	has verified WHOLE
	has said ' 2 snapshots, 0 missed ticks'
	python <<'END'
client = int(open("port").read())
first, last = told("dump")
event, = [event for event in last["events"] if event["local_port"] == client]
assert first["time"] < event["time"] <= last["end"] and event["sent"] == 5, event
END
	# where nothing was told the last snapshot is that of the last tick
	begin sockrec -i 1h -o -
	finish 0
	has said ' 1 snapshot, 0 missed ticks'
}

t_where_there_is_no_room_no_snapshot_is_taken_for_it() {
	# on a host so busy that it ends before anything is told, this says less
	begin sockrec -i 3s --ticks=exact --max-size=1 -o -
	python <<'END'
listening = listener()
client, server = connection(listening)
hearing, port = ear(), client.getsockname()[1]
client.close(), server.close()
until_told(hearing, port)
END
	ends "$recorder" 0
	read_it
	has verified WHOLE
	has said 'it has reached --max-size' ' 1 snapshot, '
}

t_nor_is_it_lost_to_who_only_watches() {
	local recorder

	sockrec -w -i 1h 'dport = :7' >seen 2>said &
	recorder=$!
	eventually grep -q watching said
	python <<'END'
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 7))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", 7))
hearing, port = ear(), client.getsockname()[1]
client.close()
until_told(hearing, port)
END
	kill -INT "$recorder"
	ends "$recorder" 0
	grep -q 'closed .*127.0.0.1:7 .*(unseen)' seen
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# Sockets of this kernel, recorded, and what ss, netstat and psutil said of them then: sockreplay gives them the same again,
# after all of them are closed. In network and pid namespaces of its own, where nobody is denied.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# Some of every kind, held by two processes, by several descriptors and by nobody; what is said of them, in the files ss,
# netstat and psutil; then they are gone.
cat >connections.py <<'END'
import os, psutil
psutil.PROCFS_PATH = os.environ.get("SKT_PROC", "/proc")
for c in sorted(psutil.net_connections(kind="inet"), key=repr):
    print(c.fd, c.family.name, c.type.name, tuple(c.laddr), tuple(c.raddr), c.status, c.pid)
END
psutil_python=
for one in python3 /usr/bin/python3; do
	[ -n "$psutil_python" ] || ! $one -c 'import psutil' 2>/dev/null || psutil_python=$one
done
python "$psutil_python" <<'END'
import socket
ssl = sys.argv[1]
keep = []
def keeping(one):
    keep.append(one)
    return one
many = socket.AF_INET6
server = keeping(socket.create_server(("127.0.0.1", 8080)))
server6 = keeping(socket.create_server(("::1", 8443), family=socket.AF_INET6))
keeping(socket.create_server(("::", 9000), family=socket.AF_INET6, dualstack_ipv6=True))
for n in range(20):
    client = keeping(socket.create_connection(("127.0.0.1", 8080)))
    if n % 2:
        keeping(server.accept()[0])
client6 = keeping(socket.create_connection(("::1", 8443)))
peer6 = keeping(server6.accept()[0])
peer6.send(b"x" * 1234)
mapped = keeping(socket.create_connection(("127.0.0.1", 9000)))
closing = keeping(socket.create_connection(("::1", 8443)))
closing_peer = keeping(server6.accept()[0])
closing_peer.close()
gone = socket.create_connection(("::1", 8443))
gone_peer, _ = server6.accept()
gone.close()
gone_peer.close()
for family, end in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    udp = keeping(socket.socket(family, socket.SOCK_DGRAM))
    udp.bind((end, 5353))
    other = keeping(socket.socket(family, socket.SOCK_DGRAM))
    other.connect((end, 5353))
    raw = keeping(socket.socket(family, socket.SOCK_RAW, 200))
keeping(server.dup())
os.set_inheritable(server.fileno(), True)
child = subprocess.Popen(["sleep", "60"], pass_fds=[server.fileno(), client6.fileno()])
time.sleep(0.2)
subprocess.run(["sockrec", "--netns=own", "-n", "1", "-o", "x.skt"], check=True, stderr=subprocess.DEVNULL)
for name, command in ("ss", "ss -tuanpH"), ("netstat", "netstat -tuapn"), ("psutil", "%s connections.py" % ssl):
    if command[0] != " ":
        with open(name, "w") as out:
            subprocess.run(command.split(), check=True, stdout=out, stderr=subprocess.DEVNULL)
child.kill()
child.wait()
END

# same WANTED: what is in out is that, in any order of lines.
same() {
	diff <(sed 's/ *$//; s/  */ /g' "../$1" | sort) <(sed 's/ *$//; s/  */ /g' out | sort)
}

# What text tables do not carry: the length that a listener's backlog may have, and whether a socket of IPv6 is of IPv6
# alone. Holders of one socket are named in the order in which they were found.
plain_ss() {
	python "$1" <<'END'
for line in open(sys.argv[1]):
    words = line.split()
    assert words[0] in ("tcp", "udp"), line
    if words[1] == "LISTEN":
        words[3] = "0"
    words[5] = words[5].replace("[::]:", "*:")
    if len(words) > 6:
        words[6:] = sorted(re.findall(r'\("[^()]*\)', " ".join(words[6:])))
    print(*words)
END
}

t_ss_says_what_it_said_then() {
	exits 0 sockreplay ../x.skt@last -- ss -tuanpH
	[ "$(wc -l <out)" -ge 45 ]
	diff <(plain_ss ../ss | sort) <(plain_ss out | sort)
}

t_netstat_under_mount_says_what_it_said_then() {
	exits 0 sockreplay ../x.skt@last --mount -- netstat -tuapn
	grep -q 'ESTABLISHED .*/python3' out
	same netstat
}

# Without which of them, and by which descriptor.
any_holder() {
	cut -d' ' -f2- "$1" | sed 's/ [0-9]*$/ held/' | sort
}

t_psutil_says_what_it_said_then() {
	[ -n "$psutil_python" ] || skip 'no psutil: scripts/deps'
	exits 0 sockreplay ../x.skt@last --mount -- "$psutil_python" ../connections.py
	[ "$(wc -l <out)" -ge 30 ]
	same psutil
	# of several holders it names one that the order of a listing decides, which no disk promises
	exits 0 sockreplay ../x.skt@last -- "$psutil_python" ../connections.py
	diff <(any_holder ../psutil) <(any_holder out)
}

t_psutil_of_every_kind_of_connection_works() {
	[ -n "$psutil_python" ] || skip 'no psutil: scripts/deps'
	exits 0 sockreplay ../x.skt -- "$psutil_python" -c '
import os, psutil
psutil.PROCFS_PATH = os.environ["SKT_PROC"]
assert len(psutil.net_connections(kind="all")) >= 40
assert "sleep" in [p.name() for p in psutil.process_iter()]
'
}

t_every_snapshot_of_a_live_recording_is_read_back_as_it_was() {
	python <<'END'
import socket
recorder = subprocess.Popen(["sockrec", "-i", "20ms", "-n", "40", "-o", "y.skt"], stderr=subprocess.DEVNULL)
server = socket.create_server(("127.0.0.1", 0))
while recorder.poll() is None:
    with socket.create_connection(server.getsockname()) as client:
        server.accept()[0].close()
    time.sleep(0.003)
assert recorder.returncode == 0
END
	exits 0 sockreplay --self-test y.skt
	has out '40 snapshots written as trees, and read back as they were'
}

run_tests

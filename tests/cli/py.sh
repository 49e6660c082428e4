#!/bin/bash
# SPDX-License-Identifier: MIT
# contrib/skt.py, written from the page skt(5) alone, and the C reader find the same in every recording: so the page says
# all that a reader has to know, and says it right.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

# same FILE...: what the two readers print of each is the same bytes, and so is their status; the C reader with the index
# and without, for the other one reads without.
same() {
	local file option c py

	for file; do
		py=0
		python3 -S "$TOP/contrib/skt.py" "$file" >py.out 2>py.err || py=$?
		for option in '' -n; do
			c=0
			skt-dump $option "$file" >c.out 2>c.err || c=$?
			[ $c = $py ] || {
				echo "$file${option:+ ($option)}: exit status $c in C, $py in Python"
				tail -n 5 c.err py.err
				return 1
			}
			cmp c.out py.out || {
				echo "$file${option:+ ($option)}: - C, + Python"
				diff -u <(tr , '\n' <c.out) <(tr , '\n' <py.out) | head -n 20
				return 1
			}
			[ $c = 0 ] || [ "$(wc -l <py.err)" = 1 ] || {
				cat py.err
				return 1
			}
		done
	done
}

# snapshots FILE NUMBER: so many are in it.
snapshots() {
	[ "$(skt-dump "$1" | grep -c '"type":"snapshot"')" = "$2" ]
}

t_recordings_that_are_kept() {
	local rc=0 file

	for file in "$TOP"/fixtures/rec/*.skt; do
		same "$file" || rc=1
	done
	return $rc
}

t_a_tree_that_changes() {
	python <<'END_OF_PYTHON'
import random, shutil
random.seed(1)
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode".ljust(149) + "\n"
os.makedirs("tree/net")
ports = list(range(1000, 1040))

def row(n, port):
    """A listener; every fifth port is a connection with a timer, whose fields wander."""
    if port % 5:
        line = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 %d 1 %016x 100 0 0 10 0"
        line %= n, port, port, port
    else:
        line = "%4d: 0100007F:%04X 0100007F:0050 01 %08X:%08X 02:%08X 00000000     0        0 %d 2 %016x %d 4 30 %d -1"
        line %= n, port, random.randrange(3) * 99, random.randrange(9), random.randrange(6000), port, port, \
            random.randrange(20, 300), random.randrange(2, 99)
    return line.ljust(149) + "\n"

def process(pid, port):
    os.makedirs("tree/%d/fd" % pid, exist_ok=True)
    with open("tree/%d/stat" % pid, "w") as file:
        file.write("%d (server) S 1 1 1 0 -1 4194560%s 1 0 %d 0 0 18446744073709551615%s\n" % (pid, " 0" * 10, pid, " 0" * 27))
    with open("tree/%d/status" % pid, "w") as file:
        file.write("Name:\tserver\nUid:\t1000\t1000\t1000\t1000\n")
    with open("tree/%d/cmdline" % pid, "w") as file:
        file.write("/bin/server\0\x1b[31m\xff\\\"%d\0" % random.randrange(3))
    link = "tree/%d/fd/3" % pid
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink("socket:[%d]" % port, link)

def change():
    ports.remove(random.choice(ports))
    ports.insert(random.randrange(len(ports)), max(ports) + 1)
    if random.random() < 0.2:
        random.shuffle(ports)
    lines = [row(n, port) for n, port in enumerate(ports)]
    if random.random() < 0.3:
        lines.insert(random.randrange(len(lines)), "this is no row %d\n" % random.randrange(3))
    with open("tree/new", "w") as file:
        file.write(head + "".join(lines))
    os.rename("tree/new", "tree/net/tcp")
    pid = random.randrange(700, 710)
    if random.random() < 0.3:
        shutil.rmtree("tree/%d" % pid, ignore_errors=True)
    else:
        process(pid, random.choice(ports))

change()
recorder = subprocess.Popen(["sockrec", "--proc=tree", "-i", "20ms", "-n", "150", "-o", "tree.skt"], stderr=subprocess.DEVNULL)
while recorder.poll() is None:
    change()
    time.sleep(0.01)
END_OF_PYTHON
	snapshots tree.skt 150
	same tree.skt
	# a part of it: what a recorder leaves that was killed
	head -c $(($(wc -c <tree.skt) * 2 / 3)) tree.skt >part.skt
	same part.skt
}

t_this_host() {
	sockrec -i 50ms -n 10 -o here.skt &
	python <<'END_OF_PYTHON'
import socket
server, held = socket.create_server(("127.0.0.1", 0)), []
for _ in range(40):
    held.append(socket.create_connection(server.getsockname()))
    held.append(server.accept()[0])
    held[-1].send(b"x" * 1000)
    if len(held) > 20:
        held.pop(0).close()
    time.sleep(0.015)
END_OF_PYTHON
	wait $! || [ $? = 2 ]
	snapshots here.skt 10
	same here.skt
}

t_it_is_a_module() {
	cp "$TOP"/fixtures/rec/gap.skt .
	PYTHONPATH=$TOP/contrib PYTHONDONTWRITEBYTECODE=1 python3 - >out <<'END_OF_PYTHON'
import skt
with skt.open("gap.skt") as recording:
    print(*(snapshot.number for snapshot in recording))
    print(*recording.stops)
END_OF_PYTHON
	# the offset is another each time the recordings are made anew
	sed -i 's/offset=[1-9][0-9]*/offset=N/' out
	has out '9 10 11 12 20' "Stop(after=12, next=20, offset=N, what='gap')"
}

t_the_index_leads_to_every_key_block() {
	sockrec --proc="$TOP"/fixtures/proc/kinds -i 1ms -n 10 -o kinds.skt
	PYTHONPATH=$TOP/contrib PYTHONDONTWRITEBYTECODE=1 python3 - kinds.skt "$TOP"/fixtures/rec/v1-*.skt >out <<'END_OF_PYTHON'
import skt, sys
for name in sys.argv[1:]:
    with skt.open(name) as recording:
        at, keys = recording.length, []
        while recording.head(at):
            if recording.head(at).type == skt.KEY:
                keys.append(at)
            at += recording.head(at).length + skt.FRAME
        if recording.groups != keys:
            print("%s: %s in the index, %s in the file" % (name, recording.groups, keys))
END_OF_PYTHON
	is_empty out
}

t_a_directory_is_each_of_its_files_by_number() {
	for name in c a b; do
		python3 "$TOP/contrib/skt.py" "$TOP/fixtures/rec/dir-strangers/$name.skt"
	done >want
	exits 2 python3 "$TOP/contrib/skt.py" "$TOP/fixtures/rec/dir-strangers"
	cmp want out
	has err 'dir-strangers/notes.skt: not a recording' 'dir-strangers/empty.skt: not a recording'
	exits 0 python3 "$TOP/contrib/skt.py" "$TOP/fixtures/rec/dir-whole"
	cmp want out
}

t_what_is_no_recording() {
	exits 2 python3 "$TOP/contrib/skt.py" nowhere.skt
	has err 'skt.py: nowhere.skt: No such file or directory'
	is_empty out
	exits 2 python3 "$TOP/contrib/skt.py"
	has err 'usage: skt.py'
}

run_tests

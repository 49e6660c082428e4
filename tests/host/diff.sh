#!/bin/bash
# SPDX-License-Identifier: MIT
# What sockdiff says of real sockets: a server that is started again, a listener that a child inherits, one that is passed to
# another program over a unix socket, and a new client are one line each, by their right names.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

cat >server.py <<'END'
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    if len(sys.argv) > 2:
        conn, _ = listener.accept()
    time.sleep(1000)
END
cat >taker.py <<'END'
import socket, sys, time
with socket.socket(socket.AF_UNIX) as unix:
    unix.connect(sys.argv[1])
    held = socket.recv_fds(unix, 1, 1)[1]
print("got it", flush=True)
time.sleep(1000)
END
# the scene: what it was, a recording of that, what happened then, and both kinds of comparison
python <<'END' || { echo "Bail out! no scene"; exit 1; }
import signal, socket
def start(*argv):
    return subprocess.Popen([sys.executable, *map(str, argv)], stdout=subprocess.PIPE)
def listens(port):
    end = time.monotonic() + 30
    while not re.search(r":%04X 00000000:0000 0A" % port, open("/proc/net/tcp").read()):
        assert time.monotonic() < end, port
        time.sleep(0.05)
def sh(*argv, status=0):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == status, done
    return done.stdout.decode()

server = start("server.py", 8080, "accepts")
steady = start("server.py", 8083)
listens(8080)
listens(8083)
inherited = socket.create_server(("127.0.0.1", 8081))
passed = socket.create_server(("127.0.0.1", 8082))
unix = socket.socket(socket.AF_UNIX)
unix.bind("unix")
unix.listen()
sh("sockrec", "-n", "1", "-o", "before.skt")
same = sh("sockdiff", "before.skt", "/proc")

old = server.pid
server.kill()
server.wait()
server = start("server.py", 8080, "accepts")
listens(8080)
child = os.fork()
if not child:
    passed.close()
    time.sleep(1000)
    os._exit(0)
taker = start("taker.py", "unix")
conn, _ = unix.accept()
socket.send_fds(conn, [b"x"], [passed.fileno()])
assert taker.stdout.readline() == b"got it\n"
passed.close()
conn.close()
client = subprocess.Popen(["bash", "-c", "exec 5<>/dev/tcp/127.0.0.1/8080; echo there; exec sleep 1000"],
                          stdout=subprocess.PIPE)
assert client.stdout.readline() == b"there\n"
time.sleep(0.2)
sh("sockrec", "-n", "1", "-o", "after.skt")
with open("live", "w") as file:
    file.write(sh("sockdiff", "--format=jsonl", "before.skt", "/proc", status=1))
with open("recorded", "w") as file:
    file.write(sh("sockdiff", "--format=jsonl", "before.skt", "after.skt", status=1))
with open("table", "w") as file:
    file.write(sh("sockdiff", "before.skt", "/proc", status=1))
with open("same", "w") as file:
    file.write(same)
json.dump({"old": old, "server": server.pid, "self": os.getpid(), "child": child, "taker": taker.pid,
           "client": client.pid}, open("truth", "w"))
for process in server, steady, taker, client:
    process.kill()
os.kill(child, signal.SIGKILL)
END

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
who = json.load(open("../truth"))
live, recorded = jsonl("../live"), jsonl("../recorded")
def of(rows, port):
    """The rows about a listener."""
    return [row for row in rows if (row["after"] or row["before"])["local_port"] == port
            and (row["after"] or row["before"])["state"] == "LISTEN"]
def pids(row):
    return sorted({owner["pid"] for owner in row["owners"]})
'

t_nothing_differs_from_a_host_where_nothing_happened() {
	has ../same 'no difference'
}

t_a_server_that_was_started_again_is_one_quiet_line() {
	python <<'END'
for rows in live, recorded:
    row, = of(rows, 8080)
    assert (row["change"], row["same_programs"]) == ("replaced", True), row
    assert (pids(row["before"]), pids(row["after"])) == ([who["old"]], [who["server"]]), row
END
	[ "$(grep -c '> restarted tcp   127.0.0.1:8080 ' ../table)" = 1 ]
}

t_a_listener_that_a_child_inherited_is_one_line() {
	python <<'END'
for rows in live, recorded:
    row, = of(rows, 8081)
    assert (row["change"], row["hands"]) == ("passed", "shared"), row
    assert (pids(row["before"]), pids(row["after"])) == ([who["self"]], sorted([who["self"], who["child"]])), row
END
	[ "$(grep -c '> shared    tcp   127.0.0.1:8081 ' ../table)" = 1 ]
}

t_a_listener_that_was_passed_on_is_one_line_and_no_quiet_one() {
	python <<'END'
for rows in live, recorded:
    row, = of(rows, 8082)
    assert (row["change"], row["hands"], row["same_programs"]) == ("passed", "passed", False), row
    assert (pids(row["before"]), pids(row["after"])) == ([who["self"]], [who["taker"]]), row
END
	[ "$(grep -c '> passed    tcp   127.0.0.1:8082 ' ../table)" = 1 ]
}

t_a_new_client_is_one_line_and_so_is_the_connection_that_its_server_has() {
	python <<'END'
for rows in live, recorded:
    opened = [row for row in rows if row["change"] == "opened"]
    assert sorted(pids(row["after"]) for row in opened) == sorted([[who["client"]], [who["server"]]]), opened
    row, = [row for row in opened if pids(row["after"]) == [who["client"]]]
    assert (row["before"], row["after"]["remote_port"], row["after"]["state"]) == (None, 8080, "ESTABLISHED"), row
END
}

t_who_executes_another_program_is_one_line() {
	python <<'END'
script = "import socket, sys, os, time\n" \
    "if sys.argv[1] == 'a':\n" \
    "    with socket.create_server(('127.0.0.1', 8090)) as s:\n" \
    "        s.set_inheritable(True); print('up', flush=True); sys.stdin.readline()\n" \
    "        os.execv(sys.executable, ['python3', 'script', 'b'])\n" \
    "print('executed', flush=True); time.sleep(1000)\n"
open("script", "w").write(script)
process = subprocess.Popen([sys.executable, "script", "a"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert process.stdout.readline() == b"up\n"
subprocess.run(["sockrec", "-q", "-n", "1", "-o", "then.skt"], check=True)
process.stdin.write(b"\n")
process.stdin.flush()
assert process.stdout.readline() == b"executed\n"
done = subprocess.run(["sockdiff", "--format=jsonl", "then.skt", "/proc", "sport = 8090"], stdout=subprocess.PIPE)
process.kill()
row, = [json.loads(line) for line in done.stdout.splitlines()]
assert done.returncode == 1 and (row["change"], row["hands"]) == ("passed", "executed"), row
assert "cmdline" in row["process_fields"] and pids(row["after"]) == [process.pid], row
END
}

# Without CAP_SYS_PTRACE, which containers do not have, root may not look into a process that has it, nor into one that is not dumpable.
t_a_process_that_may_not_be_looked_into_is_no_reason_to_refuse() {
	command -v setpriv >said || skip 'no setpriv'
	cat >holder.py <<'END'
import socket, time
with socket.create_server(("127.0.0.1", 8092)) as listener:
    print("listens", flush=True)
    time.sleep(1000)
END
	cat >hardened.py <<'END'
import ctypes, socket, sys, time
if ctypes.CDLL(None).prctl(4, 0, 0, 0, 0):
    sys.exit("not possible")
print("hard", flush=True)
sys.stdin.readline()
with socket.create_server(("127.0.0.1", 8091)) as listener:
    print("listens", flush=True)
    time.sleep(1000)
END
	python <<'END'
bounded = ["setpriv", "--bounding-set=-sys_ptrace"]
def run(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
def start(script):
    process = subprocess.Popen([*bounded, sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, process.stdout.readline()
holder, said = start("holder.py")
assert said == b"listens\n"
for name, how in ("few", bounded), ("all", []):
    made = run(*how, "sockrec", "-q", "-n", "1", "-o", name + ".skt")
    assert made.returncode == 0 and not made.stderr, made
hardened, said = start("hardened.py")
assert said == b"hard\n"
# it is denied like others before; and where all could be read before, it hides nothing
assert run(*bounded, "sockdiff", "few.skt", "/proc").returncode == 0
same = run(*bounded, "sockdiff", "all.skt", "/proc")
quiet = run(*bounded, "sockdiff", "-q", "all.skt", "/proc")
hardened.stdin.write(b"\n")
hardened.stdin.flush()
assert hardened.stdout.readline() == b"listens\n"
told = run(*bounded, "sockdiff", "-q", "all.skt", "/proc", "state listening")
hardened.kill()
holder.kill()
assert same.returncode == 0 and "nothing that is told depends on them" in same.stdout, same
assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", ""), quiet
assert told.returncode == 1 and "+ opened    tcp   127.0.0.1:8091 " in told.stdout and not told.stderr, told
assert "8092" not in told.stdout, told
END
}

t_nothing_else_is_told() {
	python <<'END'
assert len(live) == len(recorded) == 5, (live, recorded)
END
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# What a recording is after its recorder, or its disk, came to harm: what was written can be read, what was lost is told
# (on standard error, by the exit status, in the recording), and nothing is in it that was not there.
#
# preload_trouble.so makes the trouble. It also makes time pass as fast as the recorder works, and changes the tree
# between two snapshots, so that snapshot N holds exactly the Nth version of the tree, however busy the machine is.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

PRELOAD=$(command -v preload_trouble.so) || {
	echo "1..0 # SKIP no preload_trouble.so in PATH: make tests"
	exit
}
export PRELOAD
# the sanitizers want to be loaded first, but can do without
export ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}"

# Trees with 64 versions, in each of which all sockets are others: the ports of each are in truth.json. Steps outgrow keys
# at once, so groups are five seconds long. In "big" a step takes some kilobytes.
python <<'END'
import random
rng = random.Random(7)
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode".ljust(149) + "\n"
def row(port, inode):
    line = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 %016x 100 0 0 10 0"
    return (line % (0, port, inode, inode)).ljust(149) + "\n"
truth = {}
for name, rows in ("tree", 10), ("big", 300):
    os.makedirs(name + "/net")
    os.makedirs(name + "/then")
    truth[name] = [sorted(rng.sample(range(1, 65536), rows)) for _ in range(64)]
    for n, ports in enumerate(truth[name]):
        with open("%s/then/%d" % (name, n), "w") as file:
            file.write(head + "".join(row(port, rng.randrange(1, 1 << 32)) for port in ports))
json.dump(truth, open("truth.json", "w"))
END

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import hashlib, signal, struct
TOP = os.environ["TMPDIR"]
truth = json.load(open(TOP + "/truth.json"))
KEY, STEPS, END, INDEX, GAP = range(1, 6)
SNAPSHOTS = 28
INTERVAL = 0.5  # so a block of a second has two snapshots

class Run:
    """A recorder that is met with trouble."""

    def __init__(self, rules, *options, tree="tree", path="x.skt", wait=True, **more):
        self.rules, self.tree, self.path, self.tail = rules, tree, path, 0
        if os.path.exists(path):
            os.unlink(path)
        open("log", "w").close()
        environ = dict(os.environ, LD_PRELOAD=os.environ["PRELOAD"], TROUBLE=rules, TROUBLE_LOG="log", TROUBLE_CLOCK="1",
                       TROUBLE_TREE="%s/%s" % (TOP, tree))
        # what comes later counts
        argv = ["sockrec", "--proc=%s/%s" % (TOP, tree), "-i", "500ms", "-n", str(SNAPSHOTS), "-o", path, *options]
        self.said = open("said", "w+")
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=self.said, env=environ, **more)
        if wait:
            self.wait()

    def wait(self):
        """Until it has ended. With a limit python would look now and then, and take as long as the recorder."""
        self.status = self.child.wait()
        self.said.seek(0)
        self.said = self.said.read()
        assert self.status != 99, self

    def stopped(self):
        """Wait until it has stopped itself."""
        pid, status = os.waitpid(self.child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), (self.rules, status)

    def calls(self, call):
        """What was asked and what came of it: [asked, returned], in order."""
        lines = [line.split() for line in open("log")]
        return [(int(line[2]), int(line[3])) for line in lines if line[0] == call]

    def lost(self):
        found = re.search(r"^sockrec: .*: (\d+) snapshots? could not be written$", self.said, re.M)
        return int(found[1]) if found else 0

    def __repr__(self):
        return "trouble %r, exit status %s, said %s" % (self.rules, getattr(self, "status", "?"), self.said)

def blocks(data):
    """(type, number, snapshots) of each block, the last chain value, and what is left behind the last whole one: as skt.5
    has it, and by nothing of ours."""
    at = struct.unpack_from("<I", data, 12)[0]
    chain, found = hashlib.sha256(data[:at]).digest(), []
    while len(data) - at >= 104:
        type, _, _, length, _, number, snapshots = struct.unpack_from("<BBHIQQI", data, at + 8)
        if at + 104 + length > len(data):
            break
        assert data[at:at + 8] == data[40:48], at
        chain = hashlib.sha256(chain + data[at:at + 64 + length]).digest()
        assert chain == data[at + 64 + length:at + 96 + length], at
        found.append((type, number, snapshots))
        at += 104 + length
    return found, chain.hex(), len(data) - at

def query(*argv):
    return subprocess.run(["sockquery", *argv], capture_output=True, text=True)

def verify(path):
    """The verdict, the gaps, the snapshots that they tell, the whole answer."""
    done = query("--verify", path)
    gaps = re.search(r"^gaps +(\d+), (\d+) snapshots", done.stdout, re.M)
    return done.stdout.split(" ")[0], int(gaps[1]) if gaps else 0, int(gaps[2]) if gaps else 0, done

def dump(path):
    """Header, snapshots by number, and the places at which reading stopped."""
    done = subprocess.run(["skt-dump", path], capture_output=True, text=True)
    assert done.returncode == 0, done
    header, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    numbers = [line["number"] for line in lines if line["type"] == "snapshot"]
    assert numbers == sorted(set(numbers)), numbers
    return header, {line["number"]: line for line in lines if line["type"] == "snapshot"}, \
        [line["what"] for line in lines if line["type"] == "stop"]

def ports(snapshot):
    return sorted(row["local_port"] for table in snapshot["tables"] for row in table["rows"])

def check(run, taken=SNAPSHOTS, interval=INTERVAL):
    """What holds of every recording, whatever happened to it. Its verdict, and the numbers of the snapshots in it."""
    data = read(run.path)
    found, chain, run.tail = blocks(data)
    header, snapshots, stops = dump(run.path)
    versions = truth[run.tree]
    # nothing is invented
    for number, snapshot in snapshots.items():
        assert 1 <= number <= taken, (run, number)
        assert ports(snapshot) == versions[(number - 1) % len(versions)], (run, number)
        assert abs(snapshot["time"] - header["start"] - (number - 1) * interval * 1e9) < interval * 1e9 / 2, (run, number)
    # what is missing stands in a gap, or behind the end of it all; and no gap says that of one that is there
    gaps = [n for type, first, many in found if type == GAP for n in range(first, first + many)]
    last = max([*snapshots, *gaps, 0])
    assert sorted([*snapshots, *gaps]) == list(range(1, last + 1)), (run, sorted(snapshots), gaps)
    # a gap leads to the next key, or to the end: skt.5
    for i, (type, number, many) in enumerate(found):
        if type == GAP:
            then = [block for block in found[i + 1:] if block[0] not in (INDEX,)][:1]
            assert all(block[0] in (KEY, END) and block[1] == number + many for block in then), (run, found)
    verdict, n_gaps, told, done = verify(run.path)
    assert verdict in ("WHOLE", "OPEN", "TORN", "LIVE"), (run, done)
    assert (n_gaps, told) == (sum(block[0] == GAP for block in found), len(gaps)), (run, done)
    assert (verdict == "WHOLE") == (bool(found) and found[-1][0] == END), (run, found)
    if verdict != "LIVE":
        assert (verdict == "TORN") == (run.tail > 0), (run, run.tail)
        assert set(stops) <= {"gap", "torn"}, (run, stops)
    assert ("chain " in done.stdout) and re.search(r"^chain +(\w+)", done.stdout, re.M)[1] == chain, (run, done)
    # as its user asks for it: the last one that is whole
    done = query("-H", "--format=jsonl", run.path)
    if snapshots:
        assert sorted(json.loads(line)["local_port"] for line in done.stdout.splitlines()) == ports(snapshots[max(snapshots)]), run
    assert done.returncode == (2 if gaps or verdict == "TORN" or not snapshots else 0), (run, done)
    assert ("could not write" in done.stderr) == (len(gaps) > 0), (run, done)
    return verdict, sorted(snapshots)

def check_end(run, taken=SNAPSHOTS):
    """The same of one whose recorder was not killed: what it says of it at its end is so."""
    verdict, numbers = check(run, taken)
    said = re.search(r", (\d+) snapshots?, 0 missed ticks, chain (\w+), sha256 (\w+)$", run.said, re.M)
    assert said and int(said[1]) == taken, run
    assert len(numbers) + run.lost() == taken, (run, numbers)
    data = read(run.path)
    assert blocks(data)[1] == said[2], run
    # what could not be cut off is not part of it
    assert hashlib.sha256(data[:len(data) - run.tail]).hexdigest() == said[3], run
    assert (run.status == 2) == (re.search("cannot|may not|memory", run.said) is not None), run
    return verdict, numbers
'

# What cannot be loaded makes no trouble: static tools take no LD_PRELOAD.
LD_PRELOAD=$PRELOAD TROUBLE_LOG=log TROUBLE_TREE=tree sockrec --proc=tree -n 1 -o probe.skt 2>said || cat said
if [ ! -s log ]; then
	if sockquery --info probe.skt 2>&1 | grep -q 'recorder.linkage *static'; then
		echo "1..0 # SKIP nothing can be loaded into static tools"
		exit
	fi
	echo "Bail out! preload_trouble.so does not see what sockrec writes"
	exit 1
fi

# ---- writes that fail ----

t_where_nothing_fails_everything_is_there() {
	python <<'END'
run = Run("")
assert check_end(run) == ("WHOLE", list(range(1, SNAPSHOTS + 1))) and run.status == 0, run
# several groups, steps among them, and one write a block
found = blocks(read("x.skt"))[0]
assert sum(block[0] == KEY for block in found) >= 3 and sum(block[0] == STEPS for block in found) >= 6, found
assert len(run.calls("write")) == 1 + len(found)
END
}

# single WHAT: each write in turn is met with it.
single() {
	python "$1" <<'END'
writes = len(Run("").calls("write"))
for n in range(1, writes + 1):
    run = Run("write:%d:%s" % (n, sys.argv[1]))
    assert run.status == 2 and "cannot write" in run.said, run
    if n == 1:
        # no half of a header
        assert read("x.skt") == b"", run
        continue
    verdict, numbers = check_end(run)
    # after the last two, index and end, nothing is written that could tell more
    assert verdict == ("WHOLE" if n < writes - 1 else "OPEN"), run
    lost = SNAPSHOTS - len(numbers)
    assert lost in ((1, 2) if n < writes - 1 else (0,)), (run, numbers)
END
}
t_a_write_that_fails_costs_its_block_and_that_is_told() { single EIO; }
t_a_write_that_fails_after_the_head_costs_its_block_and_that_is_told() { single 64:EIO; }
t_a_write_that_fails_at_its_last_byte_costs_its_block_and_that_is_told() { single 9999:ENOSPC; }

t_what_fails_for_a_while_is_one_gap_and_one_message() {
	python <<'END'
for first, last, what in (3, 5, "EIO"), (2, 9, "ENOSPC"), (4, 12, "30:EDQUOT"), (2, 3, "200:EIO"), (6, 20, "EFBIG"):
    run = Run("write:%d-%d:%s" % (first, last, what))
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and 0 < len(numbers) < SNAPSHOTS, run
    assert verify("x.skt")[1] == 1, run
    assert run.said.count("cannot write") == run.said.count("goes on") == 1, run
    # what came after it is there
    assert numbers[-1] == SNAPSHOTS, run
END
}

t_what_fails_again_and_again_is_told_each_time() {
	python <<'END'
for rules in "write:4:EIO write:6:EIO write:7:100:EIO write:11-14:1:EIO", "write:3-4:EIO write:6:EIO write:8:EIO write:10:EIO", \
        "write:3:EIO write:5:70:EIO write:8:170:EIO":
    run = Run(rules)
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and len(numbers) > 8, run
END
}

# The gap block alone may find room where what follows it does not.
t_a_gap_is_not_written_without_what_follows_it() {
	python <<'END'
run = Run("write:4:EIO write:5-9:104:ENOSPC")
verdict, numbers = check_end(run)
assert verdict == "WHOLE" and verify("x.skt")[1] == 1, run
run = Run("write:4:EIO write:5-:104:ENOSPC")
verdict, numbers = check_end(run)
assert verdict == "OPEN" and verify("x.skt")[1] == 0, run
END
}

t_a_disk_that_never_works_again_leaves_what_was_written_before() {
	python <<'END'
for n in 2, 3, 5, 9:
    for what in "ENOSPC", "100:EIO":
        run = Run("write:%d-:%s" % (n, what))
        verdict, numbers = check_end(run)
        assert verdict == "OPEN" and run.status == 2, run
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= n - 2, (run, numbers)
END
}

t_a_write_that_is_cut_short_or_interrupted_costs_nothing() {
	python <<'END'
for rules in "write:1-:1", "write:2-:63", "write:2-:100", "write:1-:9999", "write:3:EINTR write:5:EINTR write:7-9:EINTR", \
        "write:4:50 write:5:EINTR write:6:20", "write:4-6:EAGAIN":
    # a byte a call is many calls: fewer snapshots
    taken = 4 if rules.endswith(":1") else SNAPSHOTS
    run = Run(rules, "-n", str(taken))
    assert check_end(run, taken) == ("WHOLE", list(range(1, taken + 1))) and run.status == 0, run
END
}

t_a_disk_that_takes_nothing_and_does_not_say_why_is_told() {
	python <<'END'
run = Run("write:4-:0")
verdict, numbers = check_end(run)
assert verdict == "OPEN" and run.status == 2 and numbers, run
END
}

t_a_part_that_cannot_be_cut_off_at_once_is_cut_off_before_the_next_block() {
	python <<'END'
for rules in "write:5:100:EIO cut:1:EIO", "write:5:100:EIO cut:1-3:EIO", "write:5:1:EIO write:9:64:EIO cut:1-2:EIO cut:4:EIO":
    run = Run(rules)
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and numbers[-1] == SNAPSHOTS, run
    assert "nor cut off" in run.said, run
END
}

t_behind_a_part_that_cannot_be_cut_off_nothing_is_written() {
	python <<'END'
run = Run("write:5:100:EIO cut:1-:EIO")
verdict, numbers = check_end(run)
assert verdict == "TORN" and run.tail == 100 and run.status == 2, run
assert "cannot cut off" in run.said and numbers, run
END
}

# ---- what the disk does not keep ----

t_a_disk_that_did_not_keep_what_it_took_is_told_and_the_recording_goes_on() {
	python <<'END'
syncs = len(Run("").calls("sync"))
for rules in *("sync:%d:EIO" % n for n in (1, 2, 5, syncs)), "sync:3-:EIO", "sync:2-4:ENOSPC sync:7:EDQUOT":
    run = Run(rules)
    # in the file it is, as long as the machine runs
    assert check_end(run) == ("WHOLE", list(range(1, SNAPSHOTS + 1))), run
    assert run.status == 2 and run.said.count("may not have kept") == 1, run
END
}

t_a_disk_that_lost_a_block_does_not_lose_those_that_are_written_after_it() {
	python <<'END'
for n in range(1, 8):
    run = Run("sync:%d:EIO" % n)
    found, _, _ = blocks(read("x.skt"))
    # the header has no sync of its own, so block N is the one that may be lost: the next that was written begins a group
    assert found[n][0] in (KEY, END), (run, found)
END
}

t_what_cannot_be_synced_at_all_is_no_trouble() {
	python <<'END'
for rules in "sync:1-:EINVAL", "sync:1-:EROFS", "sync:2:EINTR":
    run = Run(rules)
    assert check_end(run)[0] == "WHOLE" and run.status == 0, run
END
}

t_the_disk_is_asked_as_often_as_sync_says() {
	python <<'END'
asked = {when: len(Run("", "--sync=" + when).calls("sync")) for when in ("block", "group", "none")}
found = [block[0] for block in blocks(read("x.skt"))[0]]
assert asked == {"block": len(found), "group": found.count(KEY) + 1, "none": 0}, (asked, found)
run = Run("sync:2:EIO", "--sync=group")
assert check_end(run)[0] == "WHOLE" and run.status == 2, run
END
}

# ---- killed ----

# At 50 ms a second has 20 snapshots. Those that the log knows to be done are 20 more than can be read, at most.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
def check_killed(run, step=0.05):
    assert run.status == -signal.SIGKILL, run
    done, data = len(run.calls("wait")), read("x.skt") if os.path.exists("x.skt") else b""
    if len(data) < 16 or len(data) < struct.unpack_from("<I", data, 12)[0]:
        # not even a header, for nothing was done yet
        assert done == 0 and query("x.skt").returncode == 2, (run, done)
        return "", 0
    verdict, numbers = check(run, taken=done + 1, interval=step)
    assert verdict in ("OPEN", "TORN"), (run, verdict)
    assert numbers == list(range(1, len(numbers) + 1)), (run, numbers)
    assert (done - len(numbers)) * step <= 1, (run, done, len(numbers))
    return verdict, len(numbers)
'

t_killed_at_any_byte_of_a_block_the_blocks_before_it_are_there() {
	python <<'END'
verdicts = []
for n in range(1, 6):
    for at in 0, 1, 63, 64, 9999:
        verdicts.append(check_killed(Run("write:%d:%d:KILL" % (n, at), "-i", "50ms", "-n", "200", "--sync=none"))[0])
assert verdicts.count("TORN") == 16 and verdicts.count("OPEN") == 4, verdicts
END
}

t_killed_between_two_snapshots_at_most_a_second_is_lost() {
	python <<'END'
for n in range(1, 66, 5):
    assert check_killed(Run("wait:%d:KILL" % n, "-i", "50ms", "-n", "200", "--sync=none"))[0] == "OPEN"
END
}

t_killed_at_any_moment_at_most_a_second_is_lost() {
	python <<'END'
import random
seed = random.randrange(1 << 32)
say("seed", seed)
rng = random.Random(seed)
seen = []
for _ in range(64):
    # it records as fast as it can: how far it has come is to be chance, not how fast this machine is
    run = Run("", "-i", "50ms", "-n", "100000", "--sync=none", wait=False)
    far, end = rng.randrange(1500), time.monotonic() + 30
    while os.path.getsize("log") < far and time.monotonic() < end:
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, 0.003))
    run.child.kill()
    run.wait()
    seen.append(check_killed(run))
say(seen)
assert max(n for _, n in seen) > 20, seen
END
}

# As its user has it: nothing loaded, and time takes its time.
t_killed_in_real_time_what_is_there_can_be_read() {
	python <<'END'
import random
seed = random.randrange(1 << 32)
say("seed", seed)
rng = random.Random(seed)
os.link("../tree/then/0", "../tree/net/tcp") if not os.path.exists("../tree/net/tcp") else None
for _ in range(6):
    if os.path.exists("x.skt"):
        os.unlink("x.skt")
    child = subprocess.Popen(["sockrec", "--proc=../tree", "-i", "5ms", "-o", "x.skt"], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not (os.path.exists("x.skt") and os.path.getsize("x.skt") > 600) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.5))
    child.kill()
    assert child.wait() == -signal.SIGKILL
    verdict, _, _, done = verify("x.skt")
    assert verdict in ("OPEN", "TORN"), done
    assert query("-H", "x.skt").stdout.count("\n") == 10
END
}

# ---- no memory ----

t_a_recorder_without_memory_writes_what_it_has_seen_and_the_end() {
	(ulimit -v 40000 && sockrec --version) || skip "sockrec as it is built needs more memory than that to begin"
	mkdir -p ../huge/net ../huge/then
	for n in 0 1 2 3 4 5; do ln ../tree/then/$n ../huge/then/$n; done
	python <<'END'
head, row, *_ = open("../tree/then/6").read().splitlines(keepends=True)
with open("../huge/then/6", "w") as file:
    file.write(head)
    # another address each, or they would be one row that was read again
    for n in range(200000):
        file.write(row.replace(": 00000000:", ": %08X:" % n, 1))
END
	python <<'END'
import resource
truth["huge"] = truth["tree"]
run = Run("", tree="huge", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (40000 << 10, 40000 << 10)))
assert run.status == 2 and re.search("Cannot allocate memory|out of memory", run.said), run
# the sixth was held back, for it had its second not yet full
assert check_end(run, 6) == ("WHOLE", [1, 2, 3, 4, 5, 6]), run
END
}

# ---- read while it is written ----

t_a_block_that_is_being_written_is_no_damage() {
	python <<'END'
writes = len(Run("").calls("write"))
for n in 2, 3, 9, writes - 1, writes:
    for at in 1, 64, 9999:
        run = Run("write:%d:%d:STOP" % (n, at), wait=False)
        run.stopped()
        verdict, numbers = check(run)
        assert verdict == "LIVE" and run.tail > 0, run
        assert verify("x.skt")[3].returncode == 0, run
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= n - 2, (run, numbers)
        run.child.send_signal(signal.SIGCONT)
        run.wait()
        assert run.status == 0 and check_end(run) == ("WHOLE", list(range(1, SNAPSHOTS + 1))), run
END
}

t_a_recording_whose_header_is_being_written_is_named() {
	python <<'END'
run = Run("write:1:100:STOP", wait=False)
run.stopped()
done = query("x.skt")
assert done.returncode == 2 and re.search(r"^sockquery: x\.skt:", done.stderr) and not done.stdout, done
run.child.send_signal(signal.SIGCONT)
run.wait()
assert run.status == 0 and check_end(run)[0] == "WHOLE", run
END
}

# ---- a disk that is full ----

# on_disk: the python on standard input, with a disk of 256 KiB in ./disk that nobody else sees.
on_disk() {
	local -a own=(unshare --mount)

	[ "$(id -u)" = 0 ] || own+=(--map-root-user)
	mkdir -p disk
	"${own[@]}" mount -t tmpfs -o size=256k tmpfs disk || skip "no filesystem can be mounted here"
	# shellcheck disable=SC2016 # the inner shell's
	"${own[@]}" "$BASH" -c 'mount -t tmpfs -o size=256k tmpfs disk && exec python3 -c "$1"' bash "$PRELUDE
$(cat)"
}

t_a_disk_that_has_room_again_goes_on_with_the_recording() {
	on_disk <<'END'
with open("disk/ballast", "wb") as file:
    file.write(bytes(128 << 10))
# when it has stopped, it has seen more snapshots than what is left has room for; the ballast is more than the rest needs
run = Run("wait:100:STOP", "-n", "120", tree="big", path="disk/x.skt", wait=False)
run.stopped()
assert any(wrote < 0 for _, wrote in run.calls("write")), run
check(run, 120)
os.unlink("disk/ballast")
run.child.send_signal(signal.SIGCONT)
run.wait()
verdict, numbers = check_end(run, 120)
assert verdict == "WHOLE" and run.status == 2 and "No space left on device" in run.said, run
assert 0 < run.lost() < 100 and len(numbers) > 20, run
# it goes on at once: what was in hand when it stopped may be lost, nothing that came after it
assert set(range(103, 121)) <= set(numbers), numbers
END
}

t_a_disk_that_stays_full_leaves_whole_blocks_and_says_what_is_missing() {
	on_disk <<'END'
run = Run("", "-n", "140", tree="big", path="disk/x.skt")
verdict, numbers = check_end(run, 140)
assert verdict in ("OPEN", "WHOLE") and run.tail == 0 and run.status == 2, run
assert "No space left on device" in run.said and run.lost() > 10, run
# the disk was used
assert os.path.getsize("disk/x.skt") > 200 << 10, os.path.getsize("disk/x.skt")
# not even room for a header
with open("disk/ballast", "wb", buffering=0) as file:
    try:
        while file.write(bytes(1024)):
            pass
    except OSError:
        pass
run = Run("", path="disk/y.skt")
assert run.status == 2 and "cannot" in run.said and "No space left on device" in run.said, run
END
}

t_a_full_device_takes_no_header_and_that_is_told() {
	python <<'END'
with open("/dev/full", "wb") as full:
    run = Run("", path="-", stdout=full)
assert run.status == 2 and "standard output:0: cannot write" in run.said and "No space left on device" in run.said, run
END
}

# ---- pipes ----

t_a_pipe_that_closes_at_any_byte_has_had_what_stands_before() {
	python <<'END'
size = len(subprocess.run(["cat"], stdin=Run("", path="-", stdout=subprocess.PIPE).child.stdout, capture_output=True).stdout)
for part in range(1, 12):
    keep = size * part // 12
    ours, theirs = os.pipe()
    # as much as is read is written, and a little: a pipe holds a page at least
    run = Run("write:1-:40", path="-", stdout=theirs, wait=False)
    os.close(theirs)
    data = b""
    while len(data) < keep:
        more = os.read(ours, min(100, keep - len(data)))
        assert more, (keep, len(data))
        data += more
    os.close(ours)
    run.wait()
    # what it had written before is in the pipe, and gone with it: that it is known to have ended early is all
    assert run.status == 0, run
    with open("part.skt", "wb") as file:
        file.write(data)
    run.path = "part.skt"
    if keep > 600:
        assert check(run)[0] in ("OPEN", "TORN"), run
END
}

t_a_pipe_that_nobody_wants_to_wait_for_is_waited_for() {
	python <<'END'
import fcntl, termios
ours, theirs = os.pipe()
os.set_blocking(theirs, False)
fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
run = Run("", "-n", "100", tree="big", path="-", stdout=theirs, wait=False)
os.close(theirs)
# until it is full: then the recorder waits, or has lost something
end = time.monotonic() + 30
while not any(wrote < asked for asked, wrote in run.calls("write")) and time.monotonic() < end:
    time.sleep(0.01)
with open("x.skt", "wb") as file, os.fdopen(ours, "rb") as pipe:
    file.write(pipe.read())
run.wait()
run.path = "x.skt"
assert any(wrote < 0 for _, wrote in run.calls("write")), "it never had to wait"
assert check_end(run, 100) == ("WHOLE", list(range(1, 101))) and run.status == 0, run
END
}

t_a_part_in_a_pipe_is_the_end_of_it() {
	python <<'END'
ours, theirs = os.pipe()
run = Run("write:5:100:EIO", path="-", stdout=theirs, wait=False)
os.close(theirs)
with open("x.skt", "wb") as file, os.fdopen(ours, "rb") as pipe:
    file.write(pipe.read())
run.wait()
run.path = "x.skt"
verdict, numbers = check_end(run)
assert verdict == "TORN" and run.tail == 100 and run.status == 2, run
END
}

run_tests

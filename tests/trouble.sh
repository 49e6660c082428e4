# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A recorder that is met with trouble, and what holds of its recording whatever that was: what was written can be read, what was lost
# is told (on standard error, by the exit status, in the recording), and nothing is in it that was not there. A test
# file sources this after lib.sh.
#
# preload_trouble.so makes the trouble. It also makes time pass as fast as the recorder works, and changes the tree
# between two snapshots, so that snapshot N holds exactly the Nth version of the tree, however busy the machine is.
# shellcheck disable=SC2119 # no python here is passed an argument

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
    os.link(name + "/then/0", name + "/net/tcp")
json.dump(truth, open("truth.json", "w"))
END

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import hashlib, signal, struct
TOP = os.environ["TMPDIR"]
truth = json.load(open(TOP + "/truth.json"))
KEY, STEPS, END, INDEX, GAP, MARK, KEYS = range(1, 8)
SNAPSHOTS = 28
INTERVAL = 0.5  # so a block of a second has two snapshots

class Run:
    """A recorder that is met with trouble."""

    def __init__(self, rules, *options, tree="tree", path="x.skt", wait=True, **more):
        self.rules, self.tree, self.path, self.tail = rules, tree, path, 0
        # a directory is gone on in
        if os.path.isfile(path):
            os.unlink(path)
        open("log", "w").close()
        environ = dict(os.environ, LD_PRELOAD=os.environ["PRELOAD"], TROUBLE=rules, TROUBLE_LOG="log", TROUBLE_CLOCK="1",
                       TROUBLE_TREE="%s/%s" % (TOP, tree))
        # what comes later counts
        argv = ["sockrec", "--proc=%s/%s" % (TOP, tree), "--ticks=exact", "--min-free=0", "-i", "500ms",
                "-n", str(SNAPSHOTS), "-o", path, *options]
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
            then = [block for block in found[i + 1:] if block[0] not in (INDEX, KEYS)][:1]
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
    # a gap that is told is no damage
    assert done.returncode == (2 if verdict == "TORN" or not snapshots else 0), (run, done)
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

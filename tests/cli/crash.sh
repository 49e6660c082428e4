#!/bin/bash
# SPDX-License-Identifier: MIT
# Recorders that are killed, or have no memory; recordings read while they are written; full disks, closed and full pipes:
# tests/trouble.sh says what must hold.
# tap: long
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/trouble.sh
. "$TOP/tests/trouble.sh" || exit

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

# Ticks at random moments are up to two intervals apart, and those that are skipped leave more between them. Whoever is
# killed at the end of a wait loses what was not written at its beginning.
t_killed_before_a_late_tick_at_most_a_second_is_lost() {
	python <<'END'
for n in range(1, 25):
    run = Run("wait:%d:KILL" % n, "-i", "990ms", "--ticks=random", "-n", "200", "--sync=none")
    waits = [asked / 1000 for asked, _ in run.calls("wait")]
    assert run.status == -signal.SIGKILL and len(waits) == n, run
    written = len(dump("x.skt")[1])
    # between the first one that is lost and the moment at which the next would be taken
    lost = sum(waits[written:])
    assert written == n or lost <= 1, (run, n, written, lost)
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
for _ in range(6):
    if os.path.exists("x.skt"):
        os.unlink("x.skt")
    child = subprocess.Popen(["sockrec", "--proc=../tree", "-i", "5ms", "-o", "x.skt"], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while query("-H", "x.skt").returncode and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.3))
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
# until it is full, and the recorder was told so: then it waits, or has lost something
end = time.monotonic() + 30
while not any(wrote < 0 for _, wrote in run.calls("write")) and time.monotonic() < end:
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

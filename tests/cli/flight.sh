#!/bin/bash
# SPDX-License-Identifier: MIT
# Flight recorders that run for long, and ones that are killed while they go on from file to file: time passes as fast as they work,
# and every snapshot holds a version of the tree that is known (tests/trouble.sh).
# tap: long
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/trouble.sh
. "$TOP/tests/trouble.sh" || exit

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
def use(path="d"):
    """Bytes on the disk of all files there."""
    return sum(os.stat(path + "/" + name).st_blocks * 512 for name in os.listdir(path))

def stop_and_look(run, look):
    """Call look each time the recorder has stopped itself, until it has ended."""
    while True:
        pid, status = os.waitpid(run.child.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        look()
        run.child.send_signal(signal.SIGCONT)
    run.child.returncode = os.waitstatus_to_exitcode(status)
    run.wait()

def headers(path="d"):
    """(number, snapshots before, chain before, bytes) of each file, by number: as skt.5 has the header."""
    found = []
    for name in os.listdir(path):
        data = read(path + "/" + name)
        if data:
            found.append((*struct.unpack_from("<QQ", data, 88), data[104:136], data))
    return sorted(found)

def check_run(run, taken):
    """A run without trouble: all there is is whole and hangs together, and what is not there was dropped and is told."""
    assert run.status == 0, run
    files, done = headers(), query("--verify", "d")
    assert done.returncode == 0 and "CHAINED d" in done.stdout, done
    assert len(re.findall("^WHOLE d/", done.stdout, re.M)) == len(files), done
    total = files[0][1]
    for n, (number, before, chain, data) in enumerate(files):
        found = blocks(data)
        assert found[2] == 0 and number == files[0][0] + n and before == total, (number, before, total)
        assert n == 0 or chain.hex() == last, number
        last, total = found[1], total + sum(many for type, _, many in found[0] if type in (KEY, STEPS))
    assert total == taken, (total, taken)
    info = query("--info", "d")
    assert info.returncode == 0, info
    assert re.search(r"^dropped before +%d files, %d snapshots$" % (files[0][0] - 1, files[0][1]), info.stdout, re.M), info
    # by number, before, at and behind borders; and not what was dropped
    for _, before, _, _ in files[0], files[-1]:
        for number in range(before, min(before + 2, taken) + 1):
            done = query("-H", "--format=jsonl", "d@#%d" % number)
            if number <= files[0][1]:
                assert done.returncode == 2 and "before the first were dropped" in done.stderr, done
                continue
            assert done.returncode == 0, done
            shown = sorted(json.loads(line)["local_port"] for line in done.stdout.splitlines())
            assert shown == truth[run.tree][(number - 1) % 64], (number, shown)
    return files
'

t_through_hundreds_of_rotations_the_disk_use_stays_below_keep() {
	python <<'END'
for options, keep, n in (["--rotate=1s", "--keep=200K"], 200 << 10, 800), (["--rotate=12K", "--keep=100K"], 100 << 10, 400):
    subprocess.run(["rm", "-rf", "d"])
    used = []
    run = Run("wait:1-:STOP", "-n", str(n), *options, tree="big", path="d", wait=False)
    stop_and_look(run, lambda: used.append(use()))
    files = check_run(run, n)
    say(options, "files", files[-1][0], "kept", len(files), "most", max(used))
    assert files[-1][0] >= n / 8, files[-1][0]
    assert keep / 2 < max(used) <= keep, (max(used), keep)
END
}

t_through_hundreds_of_rotations_what_is_kept_spans_the_time_that_keep_says() {
	python <<'END'
run = Run("", "-n", "800", "--rotate=1s", "--keep=20s", path="d")
files = check_run(run, 800)
span = (struct.unpack_from("<q", files[-1][3], 48)[0] - struct.unpack_from("<q", files[0][3], 48)[0]) / 1e9
# from the beginning of one to that of the other, give or take a tick
assert files[-1][0] >= 190 and 19 <= span <= 26, (files[-1][0], span)
END
}

# Each write in turn: headers, ends, and the blocks between them.
t_killed_at_any_write_of_a_rotation_it_goes_on_and_nothing_looks_changed() {
	python <<'END'
begun = 0
for n in range(1, 17):
    subprocess.run(["rm", "-rf", "d"])
    run = Run("write:%d:KILL" % n, "--rotate=2s", "--sync=none", path="d")
    assert run.status == -signal.SIGKILL, run
    done = query("--verify", "d")
    shown = query("-H", "d")
    # not even a header is there
    if not headers():
        assert done.returncode == 2 and n == 1, (n, done)
        continue
    # the last one has no end
    assert done.returncode == 1 and "CHAINED d" in done.stdout and "does not follow" not in done.stderr, (n, done)
    assert "does not follow" not in shown.stderr and shown.returncode == (2 if n == 2 else 0), (n, shown)
    begun += "was begun, and nothing was recorded in it" in done.stderr
    run = Run("", "-n", "8", "--rotate=2s", path="d")
    assert run.status == 0, run
    done = query("--verify", "d")
    assert done.returncode == 0 and re.search("^runs of the recorder +2$", done.stdout, re.M), (n, done)
    shown = query("--info", "d")
    assert shown.returncode == 0 and "the recorder was started again" in shown.stderr, (n, shown)
assert begun >= 2, begun
END
}

t_marks_of_all_files_are_listed_with_the_numbers_of_the_directory() {
	python <<'END'
waits = 0
def look():
    global waits
    waits += 1
    if waits in (5, 25):
        run.child.send_signal(signal.SIGUSR1)
run = Run("wait:1-:STOP", "-n", "40", "--rotate=4s", path="d", wait=False)
stop_and_look(run, look)
assert run.status == 0 and len(headers()) >= 4, run
info = query("--info", "d").stdout
marks = re.findall(r"^  \S+Z after #(\d+)$", info, re.M)
# the signal ends a wait, and another one follows: the 25th is behind the 24th snapshot
assert re.search(r"^marks +2$", info, re.M) and marks == ["5", "24"], info
END
}

t_what_a_signal_asked_for_and_failed_is_tried_again_ten_seconds_later() {
	python <<'END'
waits = 0
def look():
    global waits
    waits += 1
    if waits == 5:
        os.chmod("d", 0o500)
        run.child.send_signal(signal.SIGHUP)
    elif waits == 10:
        os.chmod("d", 0o700)
run = Run("wait:1-:STOP", "-n", "60", "--rotate=1h", path="d", wait=False)
stop_and_look(run, look)
assert run.status == 2 and run.said.count("will try again") == 1, run
# once, twenty snapshots after it failed; the new file begins with the one after that which finds it prepared
before = [before for _, before, _, _ in headers()]
assert len(before) == 2 and 24 <= before[1] <= 28, (before, run)
END
}

run_tests

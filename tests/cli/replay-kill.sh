#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay is killed, whichever of its processes, by whatever, whenever: nothing of it is left.
# shellcheck disable=SC2119,SC2016 # not every test passes an argument to python; what is quoted is another shell's
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/replay.sh"

t_whatever_is_killed_whenever_nothing_is_left() {
	python "$h" "$tmp" <<'END'
import glob, random, signal
random.seed(7)
h, tmp = sys.argv[1:]
mark = "sockreplay-killed-%d" % os.getpid()
environment = dict(os.environ, MARK=mark)
command = ["--", "sh", "-c", "sleep 30 & setsid sleep 30 & exec sleep 30"]
modes = [[h + "@#3", *command], [h, "--speed=3", *command], [h, "--speed=3", "--to-tree=moving"], [h, "--to-trees=many"],
         [h + "@#3", "--to-tree=one"], [h, "--self-test"]]
if not subprocess.run(["replay", h, "--mount", "--", "true"], stderr=subprocess.DEVNULL).returncode:
    modes.append([h + "@#3", "--mount", *command])
def processes():
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            if ("MARK=" + mark).encode() in read(path):
                yield path
        except OSError:
            pass
def left():
    return [name for name in os.listdir(tmp) + os.listdir(".") if name.startswith(".sockreplay") or name == "moving"] + list(processes())
begun = time.monotonic()
for n in range(70):
    if n > 2 * len(modes) and time.monotonic() - begun > 30:
        break
    mode = modes[n % len(modes)]
    how = random.choice(["face", "keeper", "group"])
    number = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGALRM])
    replay = subprocess.Popen(["replay", *mode], env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.random() * random.choice([0.02, 0.2]))
    try:
        if how == "group":
            os.killpg(replay.pid, number)
        elif how == "keeper":
            children = read("/proc/%d/task/%d/children" % (replay.pid, replay.pid)).split()
            os.kill(int(children[0]) if children else replay.pid, number)
        else:
            os.kill(replay.pid, number)
    except (FileNotFoundError, ProcessLookupError):
        pass
    replay.wait(30)
    end = time.monotonic() + 30
    while left():
        assert time.monotonic() < end, (mode, how, number, left())
        time.sleep(0.02)
    # what is there is whole
    for tree in glob.glob("one") + glob.glob("many/*"):
        assert read(tree + "/.skt-meta").endswith(b"end\n"), (tree, how, number)
    assert not os.path.exists("many") or len(os.listdir("many")) == 8
    subprocess.run(["rm", "-rf", "one", "many"], check=True)
END
	nothing_left
}

t_a_command_that_ignores_it_is_killed_when_asked_twice_or_in_vain() {
	python "$h" <<'END'
import signal
modes = [[], ["--speed=1000"]]
if not subprocess.run(["replay", sys.argv[1], "--mount", "--", "true"], stderr=subprocess.DEVNULL).returncode:
    modes.append(["--mount"])
def start(mode):
    replay = subprocess.Popen(["replay", sys.argv[1], *mode, "--", "sh", "-c",
        "trap '' HUP INT TERM; echo ready; while :; do sleep 0.05; done"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert replay.stdout.readline() == b"ready\n"
    return replay
def taken(replay):
    """It and its keeper have taken every signal that they were sent: one that still waits would swallow the next."""
    end = time.monotonic() + 30
    while True:
        pids = [str(replay.pid), *read("/proc/%d/task/%d/children" % (replay.pid, replay.pid)).decode().split()]
        if not any(int(re.search(rb"ShdPnd:\s*(\w+)", read("/proc/%s/status" % pid))[1], 16) for pid in pids):
            return
        assert time.monotonic() < end, "a signal is not taken"
        time.sleep(0.02)
patient = []
for mode in modes:
    for first, second in (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM):
        replay = start(mode)
        replay.send_signal(first)
        # other uses of other signals
        replay.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        taken(replay)
        assert replay.poll() is None
        replay.send_signal(second)
        assert replay.wait(8) == 137, mode
    patient.append(start(mode))
    patient[-1].send_signal(signal.SIGTERM)
begun = time.monotonic()
for replay in patient:
    assert replay.wait(40) == 137
# the page says ten seconds
assert time.monotonic() - begun > 7
END
	nothing_left
}

# both_killed ARGUMENT...: neither process can see to it that nothing is left. The command has said that it runs.
both_killed() {
	python "$@" <<'END'
import signal
replay = subprocess.Popen(["replay", *sys.argv[1:], "--", "sh", "-c", "echo $$; exec sleep 60"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
command = int(replay.stdout.readline())
keeper = int(read("/proc/%d/task/%d/children" % (replay.pid, replay.pid)).split()[0])
for number in signal.SIGSTOP, signal.SIGKILL:
    for pid in replay.pid, keeper:
        os.kill(pid, number)
replay.wait()
end = time.monotonic() + 30
while os.path.exists("/proc/%d" % command) and read("/proc/%d/stat" % command).split()[2] != b"Z":
    assert time.monotonic() < end, "the command runs on"
    time.sleep(0.02)
END
}

t_what_both_leave_when_they_are_killed_at_once_the_next_run_removes() {
	local others

	both_killed "$h"
	[ "$(find "$tmp" -maxdepth 1 -name '.sockreplay-*' | wc -l)" = 1 ]
	# what is not surely ours stays
	others=$tmp/.sockreplay-0123456789abcdef0123456789abcdef
	mkdir -m 755 "$others"
	mkdir -m 700 "$tmp/.sockreplay-mine"
	exits 0 replay "$h" -- true
	[ -d "$others" ]
	rmdir "$others" "$tmp/.sockreplay-mine"
	nothing_left
	both_killed "$h" --speed=0.001 --to-tree=moving
	[ -L moving ]
	exits 0 replay "$h" --speed=1000 --to-tree=moving -- test -e moving/net/tcp
	nothing_left
}

t_a_run_that_lives_loses_nothing_to_another() {
	python "$h" <<'END'
first = subprocess.Popen(["replay", sys.argv[1], "--", "sh", "-c", "echo ready; read line; cat $SKT_PROC/721/comm"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
assert first.stdout.readline() == b"ready\n"
others = [subprocess.Popen(["replay", sys.argv[1], "--", "test", "-e", "/"], stderr=subprocess.DEVNULL) for n in range(8)]
assert [other.wait(60) for other in others] == [0] * 8
assert first.communicate(b"go\n")[0] == b"nginx\n"
END
	nothing_left
}

run_tests

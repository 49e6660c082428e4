#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay is killed, whichever of its processes, by whatever, whenever: nothing of it is left.
# shellcheck disable=SC2119,SC2016 # not every test passes an argument to python; what is quoted is another shell's
. "$(dirname "$0")/../lib.sh"

sockrec --trees="$TOP/fixtures/trees/hands" -o h.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }
h=$TMPDIR/h.skt

# Trees are made where this test can see what is left of them: replay ARGUMENT...
mkdir tmp bin
tmp=$TMPDIR/tmp
cat >bin/replay <<END
#!/bin/sh
TMPDIR=$tmp exec sockreplay "\$@"
END
chmod +x bin/replay
PATH=$TMPDIR/bin:$PATH

# nothing_left: neither trees nor links to them.
nothing_left() {
	[ -z "$(find "$tmp" . -name '.sockreplay-*' -o -name moving)" ] || {
		find "$tmp" . -name '.sockreplay-*' -o -name moving
		return 1
	}
}

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

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# sockrec on a terminal: how wide lines are, that nothing is cut without a sign, and what is left of it at the end. The terminal
# is a pty of which a test has the other side.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import fcntl, pty, select, signal, struct, termios

class Terminal:
    """A command on a terminal of so many columns; `text` is what was written to it."""
    def __init__(self, columns, *args, hangup=signal.SIG_DFL, err=None):
        go, self.go = os.pipe()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            signal.signal(signal.SIGHUP, hangup)
            if err:
                os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT), 2)
            os.read(go, 1)
            os.execvp(args[0], args)
        self.resize(columns)
        os.write(self.go, b"x")
        self.text = ""
    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    def read(self, until):
        """Until that holds of the text, or nothing more comes."""
        end = time.monotonic() + 60
        while not until(self.text):
            assert time.monotonic() < end, self.text
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                self.text += os.read(self.fd, 65536).decode()
            except OSError:
                return
    def press(self, keys):
        os.write(self.fd, keys)
    def status(self):
        self.read(lambda text: False)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

def listeners(tree, ports):
    """A tree of listeners at an address that is as long as one can be; it may be read meanwhile."""
    heading = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    os.makedirs(tree + "/700/fd", exist_ok=True)
    os.makedirs(tree + "/net", exist_ok=True)
    if not os.path.exists(tree + "/700/stat"):
        open(tree + "/700/stat", "w").write("700 (server-of-many) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615" + " 0" * 27 + "\n")
    with open(tree + "/net/new", "w") as out:
        print(heading, file=out)
        for i, port in enumerate(ports):
            print("%4d: B80D0120785634129ABCDEF078563412:%04X 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0"
                  % (i, port, port), file=out)
            if not os.path.lexists("%s/700/fd/%d" % (tree, port)):
                os.symlink("socket:[%d]" % port, "%s/700/fd/%d" % (tree, port))
    os.rename(tree + "/net/new", tree + "/net/tcp6")
'

t_no_change_is_wider_than_the_terminal_and_no_port_is_cut() {
	python <<'END'
for second, ports in enumerate(([1], [1, 40001], [1, 40001, 40002], [1, 40002])):
    listeners("trees/%d" % (100 + second), ports)
for columns in (200, 120, 80, 60, 48, 40, 30):
    terminal = Terminal(columns, "sockrec", "--trees=trees", "-w", err="said")
    assert terminal.status() == 0
    assert "\x1b" not in terminal.text, terminal.text
    heading, *lines = terminal.text.replace("\r\n", "\n").splitlines()
    assert len(heading) <= columns
    for line in lines:
        assert len(line) <= columns, (columns, line)
        # a long address may be shown by its ends, and nothing else is left out
        assert not line.endswith("…"), (columns, line)
    text = " ".join(" ".join(lines).split())
    assert text.count(":40001 ") == 2 and text.count(":40002 ") == 1, (columns, text)
    assert text.count("server-of-many 700/4") == 3, (columns, text)
END
}

t_another_width_is_seen() {
	python <<'END'
listeners("tree", [1])
terminal = Terminal(200, "sockrec", "--proc=tree", "-w", "-i", "20ms", err="said")
terminal.read(lambda text: "WHAT" in text)
listeners("tree", [1, 40001])
terminal.read(lambda text: "40001" in text and text.endswith("\n"))
terminal.resize(44)
listeners("tree", [1, 40001, 40002])
terminal.read(lambda text: "40002" in text and text.endswith("700/40002\r\n"))
terminal.press(b"\x03")
status = terminal.status()
assert status == 0, (status, terminal.text)
before, after = terminal.text.split("40002", 1)[0].splitlines(), terminal.text.splitlines()
assert max(map(len, before)) > 80, before
assert max(len(line) for line in after[2:]) <= 120 and max(len(line) for line in after[-4:]) <= 44, after
END
}

t_the_status_is_one_line_that_fits_and_no_message_stands_behind_it() {
	python <<'END'
listeners("tree", [1])
terminal = Terminal(40, "sockrec", "--proc=tree", "-i", "20ms", "-o", "x.skt")
terminal.read(lambda text: text.count("snapshots") > 2)
# a line that is no row is told of when it is seen
with open("tree/net/new", "w") as out:
    out.write(open("tree/net/tcp6").read() + "nonsense\n")
os.rename("tree/net/new", "tree/net/tcp6")
terminal.read(lambda text: "tcp6:3" in text and text.endswith("…\x1b[K"))
terminal.press(b"\x03")
status = terminal.status()
# that line is trouble
assert status == 2, (status, terminal.text)
shown = [line.replace("\x1b[K", "").split("\r") for line in terminal.text.split("\r\n")]
for parts in shown:
    for part in parts:
        assert part.startswith("sockrec: ") or len(part.replace("^C", "")) <= 39, part
    # what stays of the line is what was written last
    assert parts[-1] == "" or parts[-1].startswith("sockrec: "), parts
assert any(part.endswith("…") for parts in shown for part in parts), shown
END
}

t_what_ctrl_c_leaves_is_a_line_of_its_own() {
	python <<'END'
listeners("tree", [1])
for options in ([], ["-w"]):
    terminal = Terminal(80, "sockrec", "--proc=tree", "-i", "20ms", "-o", "x%d.skt" % len(options), *options)
    before = termios.tcgetattr(terminal.fd)
    terminal.read(lambda text: "snapshots" in text or "WHAT" in text)
    terminal.press(b"\x03")
    terminal.read(lambda text: "sha256" in text)
    assert termios.tcgetattr(terminal.fd) == before
    assert terminal.status() == 0
    last = terminal.text.rstrip("\r\n").split("\r\n")[-1]
    assert last.split("\r\x1b[K")[-1].startswith("sockrec: x"), terminal.text
    # alone, and not behind what the terminal echoed
    assert "^Csockrec" not in terminal.text, terminal.text
END
}

t_a_terminal_that_goes_is_an_end_and_no_trouble() {
	python <<'END'
# whether the next thing is a change that cannot be written, SIGHUP, or nothing at all
cases = [(signal.SIG_DFL, False), (signal.SIG_IGN, False)] + [(signal.SIG_IGN, True)] * 4
for i, (hangup, change) in enumerate(cases):
    tree = "tree%d" % i
    listeners(tree, [1])
    terminal = Terminal(80, "sockrec", "--proc=" + tree, "-w", "-i", "300ms", "--ticks=exact", "-o", "w%d.skt" % i,
                        hangup=hangup, err="said%d" % i)
    terminal.read(lambda text: "WHAT" in text)
    # most likely the next tick sees both
    os.close(terminal.fd)
    if change:
        listeners(tree, range(1, 10))
    said = open("said%d" % i).read
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0, (i, said())
    assert subprocess.run(["sockquery", "--verify", "w%d.skt" % i], stdout=subprocess.DEVNULL).returncode == 0
END
}

run_tests

# SPDX-License-Identifier: MIT
"""What the two soaks share: namespaces of their own, a recorder that is looked at while it works, and a table of what was
seen beside what was allowed."""
import atexit
import calendar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find_tools():
    """Those of this tree, unless `make` has said otherwise."""
    if not shutil.which("load"):
        here = (TOP + "/bin", TOP + "/build/plain/bench", TOP + "/build/plain/tests/host")
        os.environ["PATH"] = ":".join((*here, os.environ["PATH"]))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ["LC_ALL"] = "C"
    for tool in ("sockrec", "sockquery", "load", "preload_trouble.so"):
        if not shutil.which(tool):
            sys.exit("soak: no %s: run `make soak` or `make soak-hour`" % tool)


def enter_namespaces(most):
    """Run this program again where it is alone: its processes and mounts end with it, and after `most` seconds in any case."""
    if "SKT_SOAK" in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
        signal.alarm(most)
        return
    if os.geteuid() != 0:
        sys.exit("soak: its namespaces need root")
    os.environ["SKT_SOAK"] = "inside"
    # unshare dies with us, and everything inside with its init, which is this program
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child",
            sys.executable, *sys.argv]
    child = subprocess.Popen(argv)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda *_: child.kill())
    rc = child.wait()
    sys.exit(rc if rc >= 0 else 128 - rc)


def own_tmpfs(size):
    """A disk of its own, which is full when it has so many bytes, and gone with this mount namespace."""
    path = tempfile.mkdtemp(prefix="soak-")
    # the mount is in a namespace that ends with us, so the folder below it can go at once with that
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "none", path], check=True)
    atexit.register(lambda: (subprocess.run(["umount", "-l", path]), os.rmdir(path)))
    return path


def ns(text):
    """Nanoseconds since 1970 of 2026-11-22T14:03:07.123456789Z."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(text[20:29])


def query(*argv):
    return subprocess.run(["sockquery", *argv], capture_output=True, text=True)


def rows(*argv):
    return [json.loads(line) for line in query("--format=jsonl", *argv).stdout.splitlines()]


def verify(path):
    """The verdict of a file, or of a directory (which comes behind its files'), the exit status, and facts of all by name."""
    done = query("--verify", path)
    verdicts = re.findall(r"^(WHOLE|LIVE|OPEN|TORN|DAMAGED|CHAINED|BROKEN|SEVERAL) (.*)$", done.stdout, re.M)
    facts = re.findall(r"^(\w[\w ]*?)  +(\d.*)$", done.stdout, re.M)
    return verdicts, done.returncode, facts


def info(path):
    """What --info says of it, by name."""
    return dict(re.findall(r"^(\S[^\n]*?)  +(\S.*)$", query("--info", path).stdout, re.M))


def recordings(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".skt"))


def bytes_in(folder):
    """What its files take on the disk as df(1) counts it; one may be dropped while they are counted."""
    total = 0
    for name in os.listdir(folder):
        try:
            total += os.stat(os.path.join(folder, name)).st_size
        except FileNotFoundError:
            pass
    return total


def memory(pid):
    """(KiB resident, descriptors) of a process."""
    with open("/proc/%d/status" % pid) as file:
        resident = int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M)[1])
    return resident, len(os.listdir("/proc/%d/fd" % pid))


def middle(values):
    return sorted(values)[len(values) // 2] if values else None


class Load:
    """Sockets that come and go (bench/load)."""

    def __init__(self, *argv):
        self.child = subprocess.Popen(["load", *map(str, argv)], stdout=subprocess.PIPE, text=True)
        word = self.child.stdout.readline()
        if not word.startswith("ready "):
            sys.exit("soak: load did not begin: " + word)

    def kill(self):
        """As the kernel kills what has no memory left: its children die with it, and become ours, for we are their init."""
        with open("/proc/%d/task/%d/children" % (self.child.pid, self.child.pid)) as file:
            children = [int(pid) for pid in file.read().split()]
        self.child.kill()
        self.child.wait()
        for pid in children:
            os.waitpid(pid, 0)


class Bounds:
    """What was seen, what was allowed, and whether that held."""

    def __init__(self, title):
        self.title, self.lines, self.broken = title, [], 0

    def hold(self, what, seen, allowed, good):
        self.broken += not good
        self.lines.append((what, str(seen), allowed, "yes" if good else "NO"))

    def tell(self, what, seen):
        self.lines.append((what, str(seen), "", ""))

    def end(self, place, write):
        """Print the table; with `write`, put it into its place in docs/benchmarks.md. Ends the program."""
        text = "\n| %s | seen | bound | held |\n|---|---|---|---|\n" % self.title
        text += "".join("| %s |\n" % " | ".join(line) for line in self.lines)
        publish = [TOP + "/bench/publish", *(["--write"] if write else []), place]
        subprocess.run(publish, input=text, text=True, check=True)
        if self.broken:
            print("soak: %d of these bounds did not hold" % self.broken, file=sys.stderr)
        sys.exit(self.broken != 0)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run what a page shows, and hold what it prints against what the page says.

    tests/docs.py FILE.md                prints TAP: one test a block
    tests/docs.py --rewrite FILE.md      puts what is printed now into the page

A block that begins with ```console is run: each line `$ COMMAND` (and those after it while they end with a backslash), by bash,
in one new folder for the whole page that holds the recordings of fixtures/guide. What follows, up to the next command or the
end, is what it prints, standard output and error in the order in which they come.

    tests/docs.py PAGE.1 ...             of man pages: each example that is a command of a user (`$ ...`), in order and in one folder a
                                         page, ends with 0 or 1: it is understood, and finds what it is about. One that says
                                         `# must be N` ends with N
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(command, folder):
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    return done.stdout.decode("utf-8", "backslashreplace"), done.returncode


def commands_of(lines):
    """[(command, its lines, what is said that it prints)]"""
    found = []
    i = 0
    while i < len(lines):
        if not lines[i].startswith("$ "):
            raise SystemExit("docs: a block that is run begins with a command: %r" % lines[i])
        begin = i
        while lines[i].endswith("\\"):
            i += 1
        i += 1
        command = "\n".join(lines[begin:i])[2:]
        said = i
        while i < len(lines) and not lines[i].startswith("$ "):
            i += 1
        found.append((command, lines[begin:said], lines[said:i]))
    return found


def page(path, rewrite):
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    folder = prepare()
    out, tests, failed, i = [], 0, 0, 0
    while i < len(lines):
        out.append(lines[i])
        i += 1
        if lines[i - 1] != "```console":
            continue
        begin, end = i, lines.index("```", i)
        block, wrong = [], []
        for command, shown, said in commands_of(lines[begin:end]):
            text, _ = run(command, folder)
            now = [line.rstrip() for line in text.split("\n")[:-1]]
            block += shown + now
            if now != said:
                wrong += ["$ " + command] + ["-" + s for s in said if s not in now] + ["+" + s for s in now if s not in said]
        tests += 1
        name = "%s:%d prints what the page says" % (os.path.relpath(path, TOP), begin)
        print("%s %d - %s" % ("not ok" if wrong else "ok", tests, name))
        if not rewrite:
            print("".join("#	%s\n" % w for w in wrong), end="")
        failed += bool(wrong)
        out += block
        i = end
    shutil.rmtree(folder)
    print("1..%d" % tests)
    if rewrite:
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(out))
        return 0
    return failed > 0


def examples_of(path):
    """The commands of a man page's EXAMPLES that are a user's, as they would be typed."""
    with open(path, encoding="utf-8") as f:
        text = f.read().split(".Sh EXAMPLES\n", 1)[1].split("\n.Sh ", 1)[0]
    text = text.replace("\\(dq", '"').replace("\\e", "\\").replace("\\&", "")
    found = []
    for match in re.finditer(r"^(?:\.Dl )?\$ ((?:.*\\\n)*.*)$", text, re.M):
        found.append(re.sub(r"\\\n *", "", match.group(1)))
    return found


def manual(paths):
    tests = failed = 0
    for path in paths:
        folder = prepare()
        for command in examples_of(path):
            tests += 1
            name = "%s: %s" % (os.path.basename(path), command.replace("#", ""))
            if re.search(r"\bssh\b|/var/lib|\bbash$|node_exporter|^ls ", command):
                print("ok %d - %s # SKIP wants another machine, a person or a program of others" % (tests, name))
                continue
            text, status = run(command, folder)
            wanted = re.search(r"# must be (\d)", command)
            good = status in ((int(wanted.group(1)),) if wanted else (0, 1)) and "Try '" not in text
            print("%s %d - %s" % ("ok" if good else "not ok", tests, name))
            if not good:
                failed += 1
                print("#	exit status %d\n#	%s" % (status, text[:2000].replace("\n", "\n#	")))
        shutil.rmtree(folder)
    print("1..%d" % tests)
    return failed > 0


def prepare():
    """The recordings of the guide, and under the names that the man pages use."""
    folder = tempfile.mkdtemp()
    guide = os.path.join(TOP, "fixtures", "guide")
    for name in os.listdir(guide):
        if name.endswith(".skt"):
            shutil.copy(os.path.join(guide, name), folder)
    for name, real in (("incident", "pileup"), ("day", "pileup"), ("web1", "beacon"), ("web2", "container")):
        os.symlink(real + ".skt", os.path.join(folder, name + ".skt"))
    os.symlink(os.path.join(TOP, "fixtures"), os.path.join(folder, "fixtures"))
    os.symlink(os.path.join(TOP, "examples", "check-port"), os.path.join(folder, "check-port"))
    os.symlink(os.path.join(TOP, "examples"), os.path.join(folder, "examples"))
    os.mkdir(os.path.join(folder, "copies"))
    for minute in ("2026-11-22T14:03:00Z", "2026-11-22T14:04:00Z"):
        shutil.copytree(os.path.join(TOP, "fixtures", "proc", "kinds"), os.path.join(folder, "copies", minute), symlinks=True)
    return folder


def main():
    os.environ.update(LC_ALL="C", TZ="UTC")
    if "SKT_BIN" not in os.environ:  # run by hand
        os.environ["PATH"] = os.path.join(TOP, "bin") + ":" + os.environ["PATH"]
    if subprocess.run(["python3", "-c", "import psutil"], stderr=subprocess.DEVNULL, check=False).returncode:
        os.environ["PATH"] = "/usr/bin:" + os.environ["PATH"]  # a python of one's own that lacks what the system's has
    arguments = sys.argv[1:]
    if arguments[:1] == ["--rewrite"]:
        return page(arguments[1], True)
    if arguments[0].endswith(".md"):
        return page(arguments[0], False)
    return manual(arguments)


if __name__ == "__main__":
    sys.exit(main())

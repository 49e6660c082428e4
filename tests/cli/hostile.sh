#!/bin/bash
# SPDX-License-Identifier: MIT
# Whoever names a process, a program or a host may choose any bytes. None of them reaches a terminal, a spreadsheet or a
# parser raw, in any format or message; and all of them can be had back.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
HOSTILE = [
    b"\033[31mred\033[0m", b"\033]0;title\a", b"\033P1;1|\033\\", b"\x9b31m", "\x9b31m\x85".encode(), b"\x7f\b\b\b", b"\r\nfake line",
    "\u202egpj.exe\u202c \u2066\u2069 \u200e\u200f".encode(), "zero\u200bwidth\u200d \ufeff\u00ad".encode(),
    "\u2028\u2029".encode(), "\U000e0041\U000e007f".encode(), b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80\xc3", b"\\x1b[31m \\ \\\\",
    b"=cmd|\x27/C calc\x27!A0", b"+1+1", b"-2+3", b"@SUM(1)", b"\t=1", b";=1;+2", "\uff1d1 \uff0b1".encode(),
    b"\"quoted\",\"csv\"", b"{\"json\":[]}", b"a,b;c\td", b"<script>alert(1)</script>", b"$(reboot) `id` %s%n", b" ", b"",
    bytes(range(1, 256)), "caf\u00e9 \u65e5\u672c\u8a9e \U0001f980 e\u0301".encode(),
]
'

# A tree of hostile processes, one for each string, each with a socket of its own.
python <<'END'
os.makedirs("tree/net")
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
line = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0"
with open("tree/net/tcp", "wb") as file:
    file.write(head.ljust(149).encode() + b"\n")
    for n in range(len(HOSTILE)):
        file.write((line % (n, 1000 + n, 5000 + n)).ljust(149).encode() + b"\n")
    # a tail that no kernel writes is kept verbatim
    file.write((line % (99, 2000, 6000)).encode() + b" \033[2Jtail \xff\n")
for n, text in enumerate(HOSTILE):
    proc = "tree/%d/" % (100 + n)
    os.makedirs(proc + "fd")
    os.symlink("socket:[%d]" % (5000 + n), proc + "fd/3")
    with open(proc + "stat", "wb") as file:
        file.write(b"%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n" % (100 + n, text))
    with open(proc + "cmdline", "wb") as file:
        file.write(text + b"\0" + b"second " + text + b"\0\0")
    with open(proc + "cgroup", "wb") as file:
        file.write(b"0::/" + text + b"\n")
    if text:
        os.symlink(text, os.fsencode(proc) + b"exe")
os.makedirs("tree/sys/kernel")
with open("tree/sys/kernel/hostname", "wb") as file:
    file.write(b"\033[31mhost\xff\n")
END
sockrec --proc=tree -n 1 -o x.skt --note=$'\e[31m\xff' 2>said
status=$?
for format in table json jsonl csv netstat; do
	sockquery --format=$format x.skt >$format 2>$format.err
done

t_a_tree_of_hostile_names_is_recorded_without_a_complaint() {
	[ $status = 0 ]
	python <<'END'
assert_clean(read("../said"))
END
}

t_no_format_lets_a_control_or_an_invisible_character_through() {
	python <<'END'
for name in "table", "json", "jsonl", "netstat":
    data = read("../" + name)
    assert len(data) > 1000
    assert_clean(data)
for line in read("../csv").split(b"\r\n"):
    assert_clean(line, "")
END
}

t_no_message_lets_one_through() {
	python <<'END'
for name in "table", "json", "jsonl", "csv", "netstat":
    assert_clean(read("../%s.err" % name))
END
}

t_every_row_is_one_line() {
	python <<'END'
n = len(HOSTILE) + 1
assert read("../table").count(b"\n") == n + 2
assert read("../netstat").count(b"\n") == n + 2
assert read("../jsonl").count(b"\n") == n
assert read("../csv").count(b"\r\n") == read("../csv").count(b"\n") == n + 1
# and each line of the look of netstat has its fields where they belong
for line in read("../netstat").decode().splitlines()[2:]:
    assert line[:4] == "tcp " and line[68:74] == "LISTEN", line
END
}

t_json_and_jsonl_give_every_byte_back() {
	python <<'END'
for rows in jsonl("../jsonl"), json.loads(read("../json")):
    assert len(rows) == len(HOSTILE) + 1
    for n, text in enumerate(HOSTILE):
        owner, = rows[n]["owners"]
        assert rows[n]["local_port"] == 1000 + n
        assert unescape(owner["comm"]) == text, (n, owner)
        assert [unescape(arg) for arg in owner["cmdline"]] == [text, b"second " + text, b""], (n, owner)
        assert unescape(owner["cgroup"]) == b"0::/" + text.rstrip(b"\n"), (n, owner)
        assert owner["exe"] is None if not text else unescape(owner["exe"]) == text, (n, owner)
        assert unescape(rows[n]["host"]) == b"\033[31mhost\xff"
    assert unescape(rows[-1]["tail"]) == b"\033[2Jtail \xff", rows[-1]
assert json.loads(read("../json")) == jsonl("../jsonl")
END
}

t_csv_gives_every_byte_back() {
	python <<'END'
rows = list(csv.DictReader(io.StringIO(read("../csv").decode(), newline="")))
for n, text in enumerate(HOSTILE):
    assert unescape(rows[n]["comm"]) == text, (n, rows[n])
    assert unescape(rows[n]["cgroup"]) == b"0::/" + text, (n, rows[n])
    # an array is the text of a JSON array
    assert [unescape(arg) for arg in json.loads(rows[n]["cmdline"])] == [text, b"second " + text, b""], (n, rows[n])
END
}

t_csv_has_nothing_that_a_spreadsheet_runs() {
	python <<'END'
for row in csv.reader(io.StringIO(read("../csv").decode(), newline="")):
    for cell in row:
        assert not re.match("[=+@\t\r\uff1d\uff0b\uff0d\uff20]", cell), cell
        # a number may be negative
        assert not cell.startswith("-") or re.fullmatch(r"-\d+", cell), cell
        assert not re.search("(?<![a-z]);[=+@-]", cell), cell
END
}

t_csv_has_as_many_fields_in_every_line() {
	python <<'END'
rows = list(csv.reader(io.StringIO(read("../csv").decode(), newline=""), strict=True))
assert len({len(row) for row in rows}) == 1
assert rows[0][0] == "row" and len(set(rows[0])) == len(rows[0]), rows[0]
END
}

t_the_same_fields_stand_in_json_and_csv() {
	python <<'END'
names = list(jsonl("../jsonl")[0])
owner = list(jsonl("../jsonl")[0]["owners"][0])
head = next(csv.reader(io.StringIO(read("../csv").decode(), newline="")))
assert head == ["row"] + [name for name in names if name != "owners"] + owner, head
# every row has all of them
assert all(list(row) == names and all(list(o) == owner for o in row["owners"]) for row in jsonl("../jsonl"))
# those that the design names
wanted = """time host table net_namespace local_address local_port remote_address remote_port state tx_queue rx_queue timer
    timer_ms retransmits probes uid inode ref sk rto ato quick cwnd ssthresh drops owner owner_gaps owners""".split()
assert set(wanted) <= set(names), set(wanted) - set(names)
wanted = """pid fd start_time ppid process_uid comm exe cmdline cmdline_truncated cgroup container process_net_namespace""".split()
assert set(wanted) <= set(owner), set(wanted) - set(owner)
END
}

t_a_file_name_comes_back_escaped_in_messages() {
	python <<'END'
for text in HOSTILE:
    if not text or text == b" " or b"/" in text or b"\\" in text:
        continue
    name = b"./" + text[:200]
    for argv in ([b"sockquery", name], [b"sockquery", name + b"@first"], [b"sockrec", b"-n", b"1", b"--proc=" + name, b"-o", b"y.skt"],
                 [b"sockrec", b"-n", b"1", b"--proc=../tree", b"-o", b"nowhere/" + name], [b"sockquery", b"--tz=" + text, b"../x.skt"],
                 [b"sockquery", b"--format=" + text, b"../x.skt"], [b"sockrec", b"--tables=" + text], [b"sockrec", b"-n", text]):
        done = subprocess.run(argv, capture_output=True)
        assert done.returncode == 2 and done.stderr, (argv, done)
        assert_clean(done.stderr)
        assert_clean(done.stdout)
END
}

t_every_view_and_shape_is_read_by_machines() {
	local name=$'\e[31mred\xff\n=1.skt'

	cp ../x.skt "$name"
	# what each answers to: no view, nothing shaped, one recording; all views, shapes, and two
	# shellcheck disable=SC2016 # not a word of shell
	python <<'END'
NAME = b"\033[31mred\xff\n=1.skt"
SHAPES = {"none": [], "fields": ["--fields=comm,cmdline,exe,cgroup,host,recording"], "sort": ["--sort=-comm", "--fields=comm,cmdline,recording"],
          "top": ["--top=1000"], "count": ["--count-by=comm,cmdline,host,recording"], "every": ["--count-by=comm", "--every=1h"]}

def ask(*argv):
    done = subprocess.run([b"sockquery", *argv], capture_output=True)
    assert done.returncode == 0, (argv, done.stderr)
    assert_clean(done.stderr)
    return done.stdout

def rows_of(form, out):
    if form == "json":
        return json.loads(out)
    if form == "jsonl":
        assert out.endswith(b"\n")
        return [json.loads(line) for line in out.split(b"\n")[:-1]]
    return list(csv.DictReader(io.StringIO(out.decode(), newline=""), strict=True))

def comms(rows):
    for row in rows:
        yield row.get("comm")
        for side in row, row.get("before"), row.get("after"):
            if isinstance(side, dict) and isinstance(side.get("owners"), list):
                for owner in side["owners"]:
                    yield owner["comm"]

for view in "sockets", "flows", "changes", "processes", "snapshots":
    for shape, options in SHAPES.items():
        if view == "snapshots" and shape in ("fields", "sort", "count", "every"):
            options = ["--fields=host,recording", "--sort=host"] if shape in ("fields", "sort") else ["--count-by=host,recording"]
        for recordings in [NAME], [NAME, b"../x.skt"]:
            if view == "changes":
                options = options + ["--all"]
            for form in "table", "json", "jsonl", "csv":
                out = ask("--view=" + view, "--format=" + form, *options, *recordings)
                for line in out.split(b"\r\n") if form == "csv" else [out]:
                    assert_clean(line, "" if form == "csv" else "\n")
                if form == "table":
                    continue
                rows = rows_of(form, out)
                assert rows, (view, shape, form)
                if view != "snapshots":
                    seen = {unescape(text) for text in comms(rows) if text is not None}
                    assert set(HOSTILE) <= seen, (view, shape, form, set(HOSTILE) - seen)
                named = [row["recording"] for row in rows if "recording" in row]
                # a spreadsheet sees no formula in it
                assert all(unescape(text) in recordings for text in named), (view, shape, form, named[:2])
                if len(recordings) > 1 and shape != "every":
                    assert {unescape(text) for text in named} == set(recordings), (view, shape, form)
END
}

t_a_recording_with_a_hostile_name_is_made_and_read() {
	local name=$'\e[31mred\xff\n.skt'

	exits 0 sockrec --proc=../tree -n 1 -o "$name"
	python <<'END'
assert_clean(read("err"))
assert "\\x1b[31mred\\xff\\x0a.skt: 0s, 1 snapshot" in read("err").decode()
END
	exits 0 sockquery --format=csv "$name"
	python <<'END'
assert_clean(read("err"))
END
	exits 0 sockquery "$name@first"
}

t_lines_of_a_tree_that_are_quoted_are_escaped() {
	cp -r ../tree tree
	printf '\e[31m\x9b\xff\r hello\n' >>tree/net/tcp
	printf '\e]0;heading\a\n' >tree/net/udp
	exits 2 sockrec --proc=tree -n 1 -o y.skt
	python <<'END'
assert_clean(read("err"))
assert b"tree/net/tcp:" in read("err") and b"tree/net/udp:1: heading" in read("err")
END
	mv tree $'tr\e[31mee'
	exits 2 sockrec --proc=$'tr\e[31mee' -n 1 -o z.skt
	python <<'END'
assert_clean(read("err"))
END
}

t_a_terminal_shows_no_control_but_the_ends_of_lines() {
	python <<'END'
import pty, select
for format in "table", "netstat", "json", "csv":
    ours, theirs = pty.openpty()
    child = subprocess.Popen(["sockquery", "--format=" + format, "../x.skt"], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    assert child.wait() == 0
    assert_clean(shown.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n"))
END
}

t_a_table_on_a_terminal_is_no_wider_than_it() {
	python <<'END'
import fcntl, pty, struct, termios
for width in 80, 120, 200:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    child = subprocess.Popen(["sockquery", "../x.skt"], stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    assert child.wait() == 0
    def columns(line):
        return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    widest = max(columns(line) for line in shown.decode().replace("\r", "").split("\n"))
    assert widest <= width, (width, widest)
    assert shown.decode().count("\n") == len(HOSTILE) + 3
END
}

run_tests

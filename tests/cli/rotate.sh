#!/bin/bash
# SPDX-License-Identifier: MIT
# A flight recorder: a directory of files that chain to each other, of which the oldest are dropped.
# shellcheck disable=SC2119 # python takes no argument in most tests
. "$(dirname "$0")/../lib.sh"

# A tree with a boot and a name of its own.
mkdir -p tree/net tree/sys/kernel/random
cp "$TOP"/fixtures/proc/kinds/net/tcp tree/net/
echo web1 >tree/sys/kernel/hostname
echo 11111111-1111-4111-8111-111111111111 >tree/sys/kernel/random/boot_id

# Not of the sort that is random within each interval: how much comes together is what these tests are about.
record=(sockrec "--proc=$PWD/tree" --ticks=exact --min-free=0 -i 10ms)

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import hashlib, struct

class File:
    """A file of the directory, as skt.5 has its header, and as --verify and --info have the rest."""

    def __init__(self, path):
        self.name, self.path = os.path.basename(path), path
        data = read(path)
        self.id, self.size = data[24:40], len(data)
        self.number, self.before = struct.unpack_from("<QQ", data, 88)
        self.chain_before = data[104:136].hex()
        done = subprocess.run(["sockquery", "--verify", path], capture_output=True, text=True)
        self.verdict = done.stdout.split(" ")[0]
        self.chain = re.search(r"^chain +(\w+)", done.stdout, re.M)[1]
        self.snapshots = int(re.search(r"^snapshots +(\d+)", done.stdout, re.M)[1])
        self.info = dict(re.findall(r"^([a-z._0-9]+(?: [a-z]+)*)  *(.*)$", subprocess.run(["sockquery", "--info", path],
            capture_output=True, text=True).stdout, re.M))
        self.facts = {name: value for name, value in self.info.items() if "." in name}
        self.dropped = [value.split(", ") for name, value in self.facts.items() if name.startswith("rotation.dropped")]

    def __repr__(self):
        return "%s: number %d, %d before, %d snapshots, %s" % (self.name, self.number, self.before, self.snapshots, self.verdict)

def files(path="d"):
    """Ours, by number."""
    found = []
    for name in os.listdir(path):
        if re.fullmatch(r"web1-\d{8}T\d{6}Z(-\d+)?\.skt", name):
            found.append(File(path + "/" + name))
    return sorted(found, key=lambda file: file.number)

def check_chain(found, first=1):
    """Each follows the one before it."""
    for n, file in enumerate(found):
        assert file.number == first + n, found
        assert n == 0 or file.chain_before == found[n - 1].chain, (found[n - 1], file)
        assert n == 0 or file.before == found[n - 1].before + found[n - 1].snapshots, (found[n - 1], file)
    return found
'

# begin OPTION...: a recorder into d, in the background, once it has begun.
begin() {
	"${record[@]}" -o d "$@" 2>said &
	recorder=$!
	eventually has_file d
}

has_file() { [ -n "$(find "$1" -name 'web1-*.skt' -size +0)" ]; }

# has_files N: there are at least so many.
has_files() { [ "$(find d -name '*.skt' | wc -l)" -ge "$1" ]; }

finish() {
	kill -TERM "$recorder"
	ends "$recorder" "${1-0}"
}

t_files_chain_to_each_other_and_no_snapshot_is_lost_between_them() {
	begin --rotate=2K -n 500
	ends "$recorder" 0
	python <<'END'
found = check_chain(files())
assert len(found) >= 3, found
assert {file.verdict for file in found} == {"WHOLE"}, found
assert sum(file.snapshots for file in found) == 500, found
assert len({file.id for file in found}) == 1
assert found[0].chain_before == "0" * 64 and found[0].before == 0
# sizes are seen to after each snapshot, and blocks come once a second
assert all(file.size >= 2048 for file in found[:-1]), [file.size for file in found]
assert os.stat("d").st_mode & 0o777 == 0o700 and all(os.stat(file.path).st_mode & 0o777 == 0o600 for file in found)
# what is said of each file is so
said = read("said").decode()
for file in found[:-1]:
    told = re.search(r"^sockrec: d/%s: ended, chain (\w+), sha256 (\w+); goes on in (.*)$" % file.name, said, re.M)
    assert told, (file, said)
    assert told[1] == file.chain and told[2] == hashlib.sha256(read(file.path)).hexdigest(), (file, told)
assert re.search(r"^sockrec: d/%s: .*, 500 snapshots, .*chain %s" % (found[-1].name, found[-1].chain), said, re.M), said
END
}

t_each_file_is_in_force_until_the_next_begins() {
	begin --rotate=300ms -n 150
	ends "$recorder" 0
	python <<'END'
found = check_chain(files())
assert len(found) >= 3, found
for before, file in zip(found, found[1:]):
    assert before.info["ended"] == file.info["first"], (before.info, file.info)
END
}

t_whole_oldest_files_are_dropped_and_the_next_file_says_so() {
	begin --rotate=2K --keep=16K -n 700
	ends "$recorder" 0
	python <<'END'
found = files()
check_chain(found, found[0].number)
dropped = [(file.number, name, int(many.split()[0])) for file in found for number, name, span, many in file.dropped]
# each is told by its number, and none is left out
numbers = sorted({int(number.split("file ")[1]) for file in found for number, name, span, many in file.dropped})
assert numbers == list(range(numbers[0], found[0].number)), (numbers, found)
assert found[0].number > 1 and dropped, found
assert not any(os.path.exists("d/" + name) for _, name, _ in dropped), dropped
# as many as are missing, unless they were dropped by one that is gone itself
assert found[0].before + sum(file.snapshots for file in found) == 700, found
assert sum(file.size for file in found) <= 16 << 10, [file.size for file in found]
said = read("said").decode()
told = re.findall(r"^sockrec: d/(.*): dropped, with (\d+) snapshots?$", said, re.M)
assert len(told) == found[0].number - 1, (told, found)
assert {(name, int(n)) for name, n in told} >= {(name, n) for _, name, n in dropped}, (told, dropped)
END
}

t_what_could_not_be_dropped_is_not_said_to_be() {
	local first

	[ "$(id -u)" = 0 ] || skip 'only root can give a file away'
	begin --rotate=1h -n 5
	ends "$recorder" 0
	first=$(newest)
	# in a directory that is everybody's, nobody else may remove it
	chown 65534 "$first" d || skip 'files cannot be given away here'
	chmod 644 "$first"
	chmod 1777 d
	begin --rotate=2K --keep=8K -n 400
	ends "$recorder" 2
	[ -e "$first" ]
	has said "$first: cannot drop: Operation not permitted" ': dropped, with'
	fails grep "$first: dropped" said
}

t_what_is_older_than_keep_says_is_dropped() {
	begin --rotate=200ms --keep=700ms -n 250
	ends "$recorder" 0
	python <<'END'
found = files()
check_chain(found, found[0].number)
# the last may have begun when nothing was old enough
assert found[0].number > 1 and any(file.dropped for file in found), found
# the time that keep says, a file more at each end, and what it takes to begin one: on a busy machine that is long
first, last = ns(found[0].info["first"]), ns(found[-1].info["last"])
longest = max(ns(b.info["first"]) - ns(a.info["first"]) for a, b in zip(found, found[1:]))
assert 0.7e9 <= last - first <= 0.7e9 + max(1.3e9, 4 * longest), (first, last, longest)
END
}
t_what_is_not_of_a_flight_recorder_is_left_alone() {
	mkdir d
	"${record[@]}" -n 2 -o d/mine.skt 2>/dev/null
	echo text >d/text.skt
	mkfifo d/fifo.skt
	ln -s mine.skt d/link.skt
	mkdir d/folder.skt
	touch d/empty.skt d/other
	find d | sort >before
	begin --rotate=2K --keep=4K -n 300
	ends "$recorder" 0
	find d | sort | comm -23 before - >gone
	is_empty gone
	python <<'END'
found = files()
# a recording with the number 1 that happens to lie there is none to go on from
assert found[0].number > 1 and all("mine.skt" not in str(file.facts) for file in found), found
END
	# nor is it read as a part of it
	exits 0 sockquery --info d
	has out 'other files              7'
	exits 0 sockquery --verify d
	has out 'CHAINED d' 'other files              7'
}

t_after_an_end_it_goes_on_and_says_so() {
	begin --rotate=1h -n 20
	ends "$recorder" 0
	begin --rotate=1h -n 30
	ends "$recorder" 0
	python <<'END'
one, two = check_chain(files())
assert (one.snapshots, two.snapshots, two.before) == (20, 30, 20)
assert two.facts["recorder.continues"] == one.name and two.facts["recorder.continues.verdict"] == "WHOLE", two.facts
assert two.facts["recorder.continues.boot"] == "the same" and "recorder.continues" not in one.facts, two.facts
assert one.id != two.id
END
}

# Of those that are written to in the same tick of the kernel's clock the last by name.
newest() { find d -name '*.skt' -printf '%T@ %p\n' | sort -k1,1n -k2,2V | tail -n 1 | cut -d' ' -f2; }

# The recorder does, and not while it begins a file. A call that was begun ends before the signal counts.
stands_still() {
	local file

	kill -STOP "$recorder"
	while grep -L '^State:.T' /proc/"$recorder"/task/*/status | grep -q .; do sleep 0.01; done
	for file in d/*.skt; do
		sockquery --info "$file" 2>/dev/null | grep -q '^snapshots  *[1-9]' && continue
		kill -CONT "$recorder"
		return 1
	done
}

t_after_a_kill_it_goes_on_from_the_last_whole_block() {
	local newest

	begin --rotate=2K
	eventually has_files 3
	eventually stands_still
	kill -KILL $recorder
	ends $recorder 137
	begin --rotate=2K -n 10
	ends "$recorder" 0
	python <<'END'
found = check_chain(files())
killed = [file for file in found if file.verdict == "OPEN"]
after = found[found.index(killed[0]) + 1]
assert len(killed) == 1 and after.facts["recorder.continues"] == killed[0].name, found
assert after.facts["recorder.continues.verdict"] == "OPEN", after.facts
END
	# and from one that is torn
	newest=$(newest)
	truncate -s -5 "$newest"
	begin --rotate=2K -n 10
	ends "$recorder" 0
	python "$newest" <<'END'
found = check_chain(files())
assert found[-2].path == sys.argv[1] and found[-2].verdict == "TORN", found
assert found[-1].facts["recorder.continues.verdict"] == "TORN", found[-1].facts
END
}

# flip FILE: a bit of the facts in its header.
flip() {
	python "$1" <<'END'
data = bytearray(read(sys.argv[1]))
data[200] ^= 1
with open(sys.argv[1], "wb") as file:
    file.write(data)
END
}

t_a_file_whose_facts_are_damaged_is_gone_on_from() {
	local newest

	for _ in 1 2; do
		begin --rotate=1h -n 5
		ends "$recorder" 0
	done
	newest=$(newest)
	flip "$newest"
	begin --rotate=1h -n 5
	ends "$recorder" 0
	python "$newest" <<'END'
found = check_chain(files())
assert found[1].path == sys.argv[1] and [file.verdict for file in found] == ["WHOLE", "DAMAGED", "WHOLE"], found
assert found[2].facts["recorder.continues.verdict"] == "DAMAGED", found[2].facts
END
	# and so all of it is one recording
	exits 2 sockquery -H --view=snapshots d
	[ "$(wc -l <out)" = 15 ]
	has err 'the facts of the header are lost'
	# nobody but a flight recorder gives a second number, so it is dropped as any other
	begin --rotate=2K --keep=8K -n 400
	ends "$recorder" 0
	fails grep 'may be no' said
	[ ! -e "$newest" ]
	exits 0 sockquery -H d
}

t_a_file_that_may_not_be_a_flight_recorders_is_not_dropped() {
	mkdir d
	"${record[@]}" -n 2 -o d/mine.skt 2>/dev/null
	flip d/mine.skt
	begin --rotate=2K --keep=8K -n 400
	ends "$recorder" 0
	has said 'sockrec: d/mine.skt: may be no flight recorder' ': dropped, with'
	fails grep 'mine.skt: dropped' said
	[ -e d/mine.skt ]
}

t_after_a_reboot_it_says_that_the_boot_is_another() {
	cp -r ../tree .
	record[1]=--proc=$PWD/tree
	begin --rotate=1h -n 5
	ends "$recorder" 0
	echo 22222222-2222-4222-8222-222222222222 >tree/sys/kernel/random/boot_id
	begin --rotate=1h -n 5
	ends "$recorder" 0
	python <<'END'
one, two = check_chain(files())
assert two.facts["recorder.continues.boot"] == "another", two.facts
END
}

# boot NAME BOOT_ID BTIME TABLES: a run on a host that was booted then; what it runs is the same each time
boot() {
	echo "$1" >tree/sys/kernel/hostname
	echo "$2" >tree/sys/kernel/random/boot_id
	printf 'cpu 0\nbtime %s\n' "$3" >tree/stat
	exits 0 sockrec "--proc=$PWD/tree" --ticks=exact --min-free=0 -i 10ms -q -n 3 "--tables=$4" --rotate=1h -o d
}

t_what_each_run_saw_is_of_its_own_host_boot_and_tables() {
	cp -r "$TOP/fixtures/proc/seed" tree
	mkdir -p tree/sys/kernel/random
	boot web1 11111111-1111-4111-8111-111111111111 1600000000 tcp
	boot web2 22222222-2222-4222-8222-222222222222 1700000000 tcp,udp
	python <<'END'
import csv, io
# the process's stat says that it started 48470000 ticks, which are 484700 s, after the boot
want = [["web1", "28850", "2020-09-19T03:05:00.000000000Z"], ["web2", "28850", "2023-11-20T12:51:40.000000000Z"]]
def ask(*what, status=0):
    done = subprocess.run(["sockquery", *what], capture_output=True, text=True)
    assert done.returncode == status, (what, done)
    return done
def rows(*what, fields="host,pid,start_time"):
    shown = ask("d", "--format=csv", "--fields=" + fields, *what).stdout
    return list(csv.reader(io.StringIO(shown)))[1:]
held = "local_port = 80"
assert rows("--view=processes") == want, rows("--view=processes")
for view in "flows", "changes":
    found = rows("--view=" + view, *(["-a"] if view == "changes" else []), held)
    assert sorted(row for row in found if row[1]) == want, (view, found)
assert [row[0] for row in rows("--view=snapshots", fields="host")] == ["web1"] * 3 + ["web2"] * 3
counts = ask("--view=sockets", "--every=1h", "--count-by=host", "--to=+5ms", "--format=csv", "d").stdout
assert "web1" in counts and "web2" not in counts, counts
# asked about, too
for test, hosts in {"host = web1": {"web1"}, "host = web2": {"web2"}, "start_time < 2021-01-01": {"web1"},
        "start_time > 2021-01-01": {"web2"}}.items():
    found = rows("--view=flows", test, fields="host")
    assert found and {row[0] for row in found} == hosts, (test, found)
# the line about all of it names a host only where there is one
assert ask("--to=+5ms", "d").stdout.startswith("web1 flows from ")
assert ask("--view=flows", "d").stdout.startswith("d: flows from ")
hosts = [json.loads(ask("--coverage", *to, "d").stdout)["host"] for to in ((), ("--to=+5ms",), ("--from=-5ms",))]
assert hosts == [None, "web1", "web2"], hosts
# a slice of the first run
ask("-o", "s.skt", "--to=+5ms", "d", "start_time < 2021-01-01")
assert "web1" in ask("--info", "s.skt").stdout and "28850" in ask("s.skt").stdout
# the first run recorded no udp: that none was seen then is no answer
done = ask("--to=+5ms", "-u", "d", "dst 192.0.2.1", status=2)
assert "cannot say: the tables asked for were not recorded" in done.stderr, done
done = ask("-u", "d", "dst 192.0.2.1", status=2)
assert "cannot say: the tables asked for were not recorded" in done.stderr, done
done = ask("--from=-5ms", "d", "table = udp and dst 192.0.2.1", status=1)
assert "cannot say" not in done.stderr, done
END
	# and what becomes a tree
	exits 0 sockreplay 'd@#1' --to-tree=one
	has one/stat 'btime 1600000000'
	has one/sys/kernel/hostname web1
	has err 'web1 ' 'only these tables were recorded: tcp;'
	exits 2 sockreplay d --to-trees=all
	cat all/*/stat | grep btime | uniq -c | sed 's/^ *//' >btimes
	printf '3 btime %d\n' 1600000000 1700000000 | diff - btimes
	exits 2 sockdiff 'd@#1' d@last
	has err 'udp'
}

t_two_recorders_do_not_share_a_directory() {
	begin --rotate=1h
	exits 2 "${record[@]}" --rotate=1h -n 1 -o d
	has err 'sockrec: d: another recorder is at work in this directory'
	[ "$(find d -name '*.skt' | wc -l)" = 1 ]
	finish
	# and no longer
	exits 0 "${record[@]}" --rotate=1h -n 1 -o d
}

t_hup_begins_another_file() {
	begin --rotate=1h
	sleep 0.2
	kill -HUP $recorder
	eventually has_files 2
	eventually grep -q 'goes on in' said
	finish
	python <<'END'
assert [file.verdict for file in check_chain(files())] == ["WHOLE", "WHOLE"]
END
}

t_hup_ends_a_single_file_in_good_order() {
	"${record[@]}" -o x.skt 2>said &
	recorder=$!
	eventually test -s x.skt
	kill -HUP $recorder
	ends $recorder 0
	exits 0 sockquery --verify x.skt
	has out WHOLE
}

t_usr1_marks_an_instant() {
	local before after

	"${record[@]}" -o x.skt 2>said &
	recorder=$!
	eventually test -s x.skt
	sleep 0.3
	before=$(date +%s%N)
	kill -USR1 $recorder
	sleep 0.3
	after=$(date +%s%N)
	kill -USR1 $recorder
	sleep 0.3
	finish
	sockquery --info x.skt >info
	python "$before" "$after" <<'END'
info = read("info").decode()
assert re.search(r"^marks +2$", info, re.M), info
marks = re.findall(r"^  (\S+) after #(\d+)$", info, re.M)
before, after = map(int, sys.argv[1:])
assert before <= ns(marks[0][0]) <= after <= ns(marks[1][0]), (before, marks, after)
assert 1 <= int(marks[0][1]) < int(marks[1][1]), marks
assert re.search(r"^  mark +\d+ in 2 blocks$", subprocess.run(["sockquery", "--info", "--no-index", "x.skt"],
    capture_output=True, text=True).stdout, re.M)
END
	exits 0 sockquery --verify x.skt
	has out WHOLE
}

t_where_no_file_can_be_made_it_goes_on_in_the_old_one_and_tries_again() {
	begin --rotate=1h
	chmod 500 d
	kill -HUP $recorder
	eventually grep -q 'goes on in this file, and will try again' said
	has said 'cannot create: Permission denied'
	chmod 700 d
	kill -HUP $recorder
	eventually has_files 2
	eventually grep -q 'goes on in web1' said
	# it was trouble
	finish 2
	python <<'END'
found = check_chain(files())
assert [file.verdict for file in found] == ["WHOLE", "WHOLE"], found
END
}

t_where_the_disk_has_no_room_for_a_header_it_goes_on_in_the_old_one() {
	local -a own=(unshare --mount)

	[ "$(id -u)" = 0 ] || own+=(--map-root-user)
	mkdir d
	"${own[@]}" mount -t tmpfs -o size=256k tmpfs d 2>/dev/null || skip "no filesystem can be mounted here"
	# shellcheck disable=SC2016 # the inner shell's
	"${own[@]}" "$BASH" -c 'mount -t tmpfs -o size=256k tmpfs d && exec python3 -c "$1"' bash "$PRELUDE
$(cat)" <<'END'
import signal
said = open("said", "w+")
child = subprocess.Popen(["sockrec", "--proc=../tree", "--ticks=exact", "--min-free=0", "-i", "10ms", "--rotate=1h", "-o", "d"],
                         stderr=said)
def wait_for(what):
    end = time.monotonic() + 30
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    assert what()
wait_for(lambda: os.listdir("d"))
time.sleep(0.5)
with open("d/ballast", "wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
child.send_signal(signal.SIGHUP)
wait_for(lambda: "will try again" in open("said").read())
os.unlink("d/ballast")
time.sleep(1.5)
child.send_signal(signal.SIGHUP)
wait_for(lambda: "goes on in web1" in open("said").read())
child.send_signal(signal.SIGTERM)
assert child.wait() == 2
found = check_chain(files())
# the file that could not be begun is not there
assert [file.verdict for file in found] == ["WHOLE", "WHOLE"], found
END
}

t_a_full_disk_costs_oldest_files_not_the_recording() {
	local -a own=(unshare --mount)

	[ "$(id -u)" = 0 ] || own+=(--map-root-user)
	mkdir d
	"${own[@]}" mount -t tmpfs -o size=256k tmpfs d 2>/dev/null || skip "no filesystem can be mounted here"
	# shellcheck disable=SC2016 # the inner shell's
	"${own[@]}" "$BASH" -c 'mount -t tmpfs -o size=2M tmpfs d && exec python3 -c "$1"' bash "$PRELUDE
$(cat)" <<'END'
import signal
said = open("said", "w+")
child = subprocess.Popen(["sockrec", "--proc=../tree", "--ticks=exact", "--min-free=1M", "-i", "10ms", "--rotate=16K", "-o", "d"],
                         stderr=said)
def wait_for(what):
    end = time.monotonic() + 60
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    assert what(), open("said").read()
def skts():
    return [name for name in os.listdir("d") if name.endswith(".skt")]
wait_for(lambda: len(skts()) >= 5)
was = len(skts())
# all but what is to stay free, and a file or two of it
with open("d/ballast", "wb") as file:
    free = os.statvfs("d").f_bavail * os.statvfs("d").f_frsize
    file.write(bytes(free - (1 << 20) + 32768))
wait_for(lambda: "dropped, with" in open("said").read())
time.sleep(1.5)
assert child.poll() is None
# more than could be made room for: then it ends in good order
with open("d/more", "wb") as file:
    file.write(bytes(600 << 10))
assert child.wait() == 2
text = open("said").read()
assert "are to stay free (--min-free)" in text and "it ends, in good order" in text, text
found = files()
check_chain(found, found[0].number)
assert found[0].number > 1 and {file.verdict for file in found} == {"WHOLE"}, found
END
}

t_options_that_do_not_go_together_are_refused() {
	exits 2 "${record[@]}" --rotate=1M
	has err '--rotate: a directory is needed to record into: -o DIR'
	exits 2 "${record[@]}" --rotate=1M -o -
	has err '--rotate: a directory is needed'
	exits 2 "${record[@]}" --keep=1M -o d
	has err '--keep does not apply without --rotate'
	exits 2 "${record[@]}" --rotate=1M --max-size=2M -o d
	has err '--max-size does not apply with --rotate'
	exits 2 "${record[@]}" --rotate=2M --keep=3M -o d
	has err '--keep: less than two files'
	exits 2 "${record[@]}" --rotate=0 -o d
	has err '--rotate: nothing can be recorded in no bytes'
	exits 2 "${record[@]}" --rotate=0s -o d
	has err '--rotate: nothing can be recorded in no time'
	exits 2 "${record[@]}" --rotate=often -o d
	has err '--rotate: '
	exits 2 sockrec --trees=trees --rotate=1M -o d
	has err '--rotate does not apply to --trees'
	touch file
	exits 2 "${record[@]}" --rotate=1M -n 1 -o file
	has err 'file: cannot '
	[ ! -e d ]
}

run_tests

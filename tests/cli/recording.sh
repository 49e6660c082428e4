#!/bin/bash
# SPDX-License-Identifier: MIT
# sockquery on what is no recording, or only a part of one: named with its place, exit status 2, and what is whole is shown.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

# A recording of several blocks in which every snapshot is another: a tree that changes all the time.
mkdir -p tree/net
python <<'END'
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode".ljust(149) + "\n"
def row(port):
    line = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 %016x 100 0 0 10 0"
    return (line % (0, port, port, port)).ljust(149) + "\n"
def write(step):
    with open("tree/new", "w") as file:
        file.write(head + "".join(row(port) for port in range(1000 + step, 1020 + step)))
    os.rename("tree/new", "tree/net/tcp")
write(0)
recorder = subprocess.Popen(["sockrec", "--proc=tree", "-i", "50ms", "-d", "3s", "-o", "good.skt"], stderr=subprocess.DEVNULL)
step = 0
while recorder.poll() is None:
    step += 1
    write(step)
    time.sleep(0.02)
assert recorder.returncode == 0
# all that the recording holds: the rows of each snapshot
whole = []
while True:
    done = subprocess.run(["sockquery", "--format=jsonl", "good.skt@#%d" % (len(whole) + 1)], capture_output=True)
    if done.returncode:
        break
    whole.append(done.stdout.decode())
assert len(whole) > 5 and len(set(whole)) > 5, len(whole)
json.dump(whole, open("whole", "w"))
END
[ -s whole ] || { echo "Bail out! no recording"; exit 1; }

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
good, whole = read("../good.skt"), json.load(open("../whole"))

def query(path, *options):
    return subprocess.run(["sockquery", "--format=jsonl", *options, path], capture_output=True, text=True, timeout=60)

def check(data, where, harmless=False):
    """What comes of these bytes: trouble that is told, and nothing that was not recorded. The rows it showed."""
    with open("bad.skt", "wb") as file:
        file.write(data)
    done = query("bad.skt")
    if not (harmless and done.returncode == 0 and done.stdout == whole[-1]):
        assert done.returncode == 2, (where, done)
        assert re.search(r"^sockquery: bad\.skt:(\d+:)? .+$", done.stderr, re.M), (where, done.stderr)
    assert done.stdout == "" or done.stdout in whole, (where, "rows that were not recorded")
    return done.stdout
'

t_a_second_one_that_is_missing_is_no_expression() {
	local tool

	for tool in sockquery sockdiff sockreplay; do
		exits 2 $tool "$TOP/fixtures/rec/v1-kinds.skt" nowhere@last
		has err "$tool: 'nowhere@last' is neither a file nor an expression: "
	done
}

t_a_missing_recording_is_named() {
	exits 2 sockquery nowhere.skt
	has err 'sockquery: nowhere.skt: cannot open: No such file or directory'
	is_empty out
}

t_an_empty_recording_is_named() {
	: >empty.skt
	exits 2 sockquery empty.skt
	has err 'sockquery: empty.skt: file is empty'
	is_empty out
}

t_text_is_no_recording() {
	echo "Dear diary, no sockets today." >text.skt
	exits 2 sockquery text.skt
	has err 'sockquery: text.skt:'
	is_empty out
	yes 'a longer text' | head -c 100000 >text.skt
	exits 2 sockquery text.skt
	has err 'sockquery: text.skt:'
	is_empty out
}

t_a_compressed_recording_is_called_so() {
	local with

	for with in gzip xz bzip2 zstd; do
		command -v $with >/dev/null || continue
		$with -c <"$TOP/fixtures/rec/v1-kinds.skt" >x.skt.$with
		exits 2 sockquery x.skt.$with
		[ "$(cat err)" = "sockquery: x.skt.$with: not a recording but compressed with $with: uncompress it first" ]
	done
}

t_a_directory_without_a_recording_is_none() {
	mkdir dir.skt
	exits 2 sockquery dir.skt
	has err 'sockquery: dir.skt: there is no recording in this directory'
}

t_a_fifo_does_not_hang() {
	mkfifo fifo.skt
	exits 2 sockquery fifo.skt
	has err 'sockquery: fifo.skt: not a regular file'
}

t_a_device_is_no_recording() {
	for device in /dev/null /dev/zero; do
		exits 2 sockquery $device
		has err "sockquery: $device: not a regular file"
	done
}

t_a_link_to_a_recording_is_one() {
	ln -s ../good.skt link.skt
	exits 0 sockquery link.skt
	ln -s nowhere.skt dangling.skt
	exits 2 sockquery dangling.skt
	has err 'sockquery: dangling.skt: cannot open: No such file or directory'
}

t_an_unreadable_recording_is_named() {
	[ "$(id -u)" != 0 ] || skip "root reads everything; tests/host/unprivileged.sh has this as nobody"
	cp ../good.skt x.skt
	chmod 000 x.skt
	exits 2 sockquery x.skt
	has err 'sockquery: x.skt: cannot open: Permission denied'
}

t_a_recording_cut_anywhere_says_where_and_shows_what_is_whole() {
	python <<'END'
shown = 0
# every place of the first 64 bytes, then some dozens, the last bytes among them
cuts = [*range(1, 64), *range(64, len(good), max(1, len(good) // 60)), *range(len(good) - 8, len(good))]
boundaries = 0
for cut in cuts:
    with open("bad.skt", "wb") as file:
        file.write(good[:cut])
    done = query("bad.skt")
    # between two blocks nothing is torn: the recorder might still be at work
    if done.returncode == 0:
        boundaries += 1
        assert done.stdout in whole, cut
        continue
    rows = check(good[:cut], cut)
    shown += rows != ""
assert shown > 20, shown
assert boundaries < 5, boundaries
END
}

t_a_recording_cut_in_its_middle_shows_the_last_snapshot_before_the_cut() {
	python <<'END'
last = -1
for part in range(1, 20):
    rows = check(good[:len(good) * part // 20 + 1], part)
    if rows:
        at = whole.index(rows)
        assert at >= last, (at, last)
        last = at
assert last > 0, last
END
}

t_a_cut_names_the_byte_at_which_the_torn_block_begins() {
	python <<'END'
done = None
check(good[:-3], "end")
done = query("bad.skt")
place = re.search(r"bad\.skt:(\d+): ", done.stderr)
assert place and 0 < int(place[1]) < len(good) - 3, done.stderr
# and it is where a whole recording could end
with open("bad.skt", "wb") as file:
    file.write(good[:int(place[1])])
assert query("bad.skt").returncode == 0
END
}

t_bytes_that_changed_are_told_and_never_shown() {
	python <<'END'
harmless = 0
for at in [*range(0, 64, 3), *range(64, len(good), max(1, len(good) // 80))]:
    for flip in 0x01, 0x80:
        bad = bytearray(good)
        bad[at] ^= flip
        rows = check(bytes(bad), (at, flip), harmless=True)
END
}

t_a_damaged_block_in_the_middle_does_not_hide_what_stands_before_it() {
	python <<'END'
bad = bytearray(good)
at = len(good) * 3 // 4
bad[at:at + 8] = b"\xff" * 8
rows = check(bytes(bad), at)
assert rows in whole and whole.index(rows) > 0
with open("bad.skt", "wb") as file:
    file.write(bad)
# a snapshot before the damage can be had by its name
assert query("bad.skt@first").stdout == whole[0]
END
}

t_a_wrong_block_behind_missing_ones_is_told_beside_them() {
	crafting <<'END'
recording = make.groups()
key = recording.keys()[1]
block = recording.blocks[key]
sections = block.sections()
for section in sections:
    if section.id == make.META:
        # its last four bytes are the digest
        section.data = section.data[:-4] + bytes([section.data[-4] ^ 1]) + section.data[-3:]
block.put(sections)
for i, block in enumerate(recording.blocks):
    block.sequence = i + 1
del recording.blocks[key - 1]
with open("both.skt", "wb") as file:
    file.write(recording.index().seal())
END
	exits 2 sockquery --view=snapshots both.skt
	has err 'blocks are missing here, 1 snapshot is lost' 'snapshots #10 to #19 are lost'
	exits 1 sockquery --verify both.skt
	has err 'blocks are missing here, 1 snapshot is lost' 'snapshots #10 to #19 are lost'
}

t_a_damaged_mark_is_told_beside_other_damage() {
	crafting <<'END'
recording = make.groups()
last = recording.blocks[recording.keys()[1] - 1]
recording.blocks.insert(recording.keys()[1], make.Block(6, make.ANCILLARY, last.number, 0, last.last, last.last, b"text"))
data = bytearray(recording.index().seal())
recording.parse(bytes(data))
mark, = [i for i, block in enumerate(recording.blocks) if block.type == 6]
data[recording.at[mark] + 64] ^= 1
# and a step of the second group
data[recording.at[recording.keys()[1] + 1] + 80] ^= 1
with open("both.skt", "wb") as file:
    file.write(data)
END
	exits 2 sockquery --info both.skt
	has out 'marks                    0'
	has err 'marks may be missing' 'snapshots #11 to #19 are lost'
}

t_a_gap_that_the_recorder_told_is_no_damage_to_info() {
	exits 0 sockquery --info "$TOP/fixtures/rec/gap.skt"
	has out 'holes                    1'
	has err 'gap: the recorder could not write'
}

t_marks_behind_damage_are_listed_but_those_of_the_damaged_group() {
	# three groups, the last block of each a mark: as skt(5) has it, type 6, ancillary, after the snapshot of its number
	crafting <<'END'
recording = make.groups()
keys = recording.keys() + [len(recording.blocks) - 2]
assert len(keys) == 4
wanted = []
for n in 3, 2, 1:
    last = recording.blocks[keys[n] - 1]
    number = last.number + last.snapshots - 1
    recording.blocks.insert(keys[n], make.Block(6, make.ANCILLARY, number, 0, last.last, last.last, b"number %d" % n))
    wanted.insert(0, "after #%d number %d" % (number, n))
whole = recording.index().seal()
recording.parse(whole)
at, second = recording.at, recording.keys()[1]
marks = [i for i, block in enumerate(recording.blocks) if block.type == 6]

def holds(status, listed, data):
    with open("marks.skt", "wb") as file:
        file.write(data)
    for option in [], ["--no-index"]:
        done = subprocess.run(["sockquery", "--info", *option, "marks.skt"], capture_output=True, text=True)
        said = re.findall(r"^  \S+Z (after #.*)$", done.stdout, re.M)
        assert (done.returncode, said) == (status, [wanted[n] for n in listed]), (option, done)

def flipped(at):
    return whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:]

holds(0, [0, 1, 2], whole)
# the payload of a step: its head still says where the next block is
holds(2, [0, 1, 2], flipped(at[second + 3] + make.HEAD + 90))
# the head of a step: what follows it in its group cannot be found, the next group can
holds(2, [0, 2], flipped(at[second + 3] + 20))
# the text of a mark, and the head of the last one, behind which there is no group
holds(2, [0, 2], flipped(at[marks[1]] + make.HEAD + 2))
holds(2, [0, 1], flipped(at[marks[2]] + 20))
END
}

t_bytes_after_the_end_are_told() {
	python <<'END'
assert check(good + b"more", "after the end") == whole[-1]
assert check(good + good, "twice") == whole[-1]
assert check(good + bytes(4096), "zeros") == whole[-1]
END
}

t_a_block_that_is_missing_is_told() {
	python <<'END'
# where blocks begin is where a cut is no damage
starts, at = [], len(good) - 1
while at > 0:
    with open("bad.skt", "wb") as file:
        file.write(good[:at])
    place = re.search(r"bad\.skt:(\d+): ", query("bad.skt").stderr)
    if not place:
        break
    starts.append(int(place[1]))
    at = int(place[1]) - 1
starts.sort()
assert len(starts) >= 3, starts
for a, b in zip(starts, starts[1:]):
    check(good[:a] + good[b:], ("without", a))
    check(good[:b] + good[a:], ("twice", a))
END
}

t_garbage_behind_a_good_header_is_told() {
	python <<'END'
for data in bytes(1 << 16), b"\xff" * (1 << 16), bytes(range(256)) * 256:
    for keep in 16, 64, 300:
        check(good[:keep] + data, (keep, data[:4]))
END
}

t_one_bad_recording_among_good_ones_does_not_hide_them() {
	echo text >bad.skt
	exits 2 sockquery --format=jsonl ../good.skt bad.skt ../good.skt
	has err 'sockquery: bad.skt:'
	[ "$(wc -l <out)" = 40 ]
}

t_a_recording_on_standard_input_is_cut_as_well() {
	head -c 3000 ../good.skt >part
	exits 2 sockquery --format=jsonl - <part
	has err 'sockquery: -:'
	exits 2 sockquery - </dev/null
	has err 'sockquery: -: file is empty'
	exits 2 sockquery - <../tree
	has err 'standard input' 'Is a directory'
	exits 2 sockquery - <&-
	has err 'standard input' 'Bad file descriptor'
}

run_tests

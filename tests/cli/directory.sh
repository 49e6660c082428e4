#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory of recordings as one: fixtures/rec/dir-*, which are v1-groups split into a file for each of its groups, so that what is
# to be seen is what v1-groups shows. Files are called c, a, b in their order, for names do not tell it.
# tap: long
. "$(dirname "$0")/../lib.sh"

rec=$TOP/fixtures/rec
command -v skt-dump >/dev/null || {
	echo "1..0 # SKIP no skt-dump in PATH: make tests"
	exit
}

# rows REC@TIME: as lines for programs
rows() { sockquery --format=jsonl "$1" 2>/dev/null; }

snapshots() { skt-dump "$1" 2>/dev/null | grep '"type":"snapshot"'; }

t_every_snapshot_has_the_number_and_rows_it_has_in_one_file() {
	for n in $(seq 20); do
		rows "$rec/v1-groups.skt@#$n" >one || :
		rows "$rec/dir-whole@#$n" >many || :
		cmp one many || echo "#$n"
	done >wrong
	cat wrong
	is_empty wrong
	[ -s many ]
	exits 2 sockquery "$rec/dir-whole@#21"
	has err 'there is no snapshot #21: there are #1 to #20'
}

t_walking_over_the_borders_gives_every_snapshot() {
	snapshots "$rec/v1-groups.skt" >one
	snapshots "$rec/dir-whole" >many
	cmp one many
	[ "$(wc -l <many)" = 20 ]
}

t_a_time_is_looked_up_in_all_files() {
	for time in first last +1s +5s +8s +8.5s +9s +10s +18s +18.9s -1s -10s; do
		rows "$rec/v1-groups.skt@$time" >one || :
		rows "$rec/dir-whole@$time" >many || :
		cmp one many || echo "$time"
	done >wrong
	cat wrong
	is_empty wrong
}

t_between_two_files_of_one_run_the_last_snapshot_is_in_force() {
	# the second file begins with #10; a little before it, #9 was in force
	begins=$(sockquery "$rec/dir-whole@#10" | grep -o '[0-9-]*T[0-9:.]*Z' | head -n 1)
	before=$(python3 -c 'import sys, datetime
whole, part = sys.argv[1][:-1].split(".")
print("%s.%09dZ" % (whole, int(part) - 1))' "$begins")
	exits 0 sockquery "$rec/dir-whole@$before"
	has out 'snapshot 9 of 20'
}

t_dropped_files_leave_the_numbers_as_they_were() {
	rows "$rec/v1-groups.skt@#10" >one || :
	rows "$rec/dir-oldest-dropped@first" >many || :
	cmp one many
	exits 0 sockquery --info "$rec/dir-oldest-dropped"
	has out 'dropped before           1 file, 9 snapshots' 'files                    2'
	exits 2 sockquery "$rec/dir-oldest-dropped@#9"
	has err 'there is no snapshot #9: there are #10 to #20; 1 file before the first was dropped'
	exits 2 sockquery "$rec/dir-oldest-dropped@2020-01-01"
	has err '1 file before the first was dropped'
	# the last number is that of the last snapshot, not how many are left
	exits 0 sockquery "$rec/dir-oldest-dropped@first"
	has out 'snapshot 10 of 20'
	exits 0 sockreplay "$rec/dir-oldest-dropped@#15" -- true
	has err 'snapshot 15 of 20'
	sockdiff "$rec/dir-oldest-dropped@first" "$rec/dir-oldest-dropped@last" >out || :
	has out 'snapshot 10 of 20' 'snapshot 20 of 20'
	exits 0 sockquery --verify "$rec/dir-oldest-dropped"
	has out "CHAINED $rec/dir-oldest-dropped"
}

t_an_oldest_file_that_nobody_says_was_dropped_is_missing() {
	exits 2 sockquery "$rec/dir-oldest-removed"
	has err 'dir-oldest-removed/a.skt: 1 file is missing before it, 9 snapshots are lost'
	exits 1 sockquery --verify "$rec/dir-oldest-removed"
	has out "BROKEN $rec/dir-oldest-removed"
	has err 'dir-oldest-removed/a.skt: 1 file is missing before it'
	exits 2 sockquery --strict "$rec/dir-oldest-removed"
}

t_a_damaged_first_file_is_told_and_the_others_are_read() {
	cp -r "$rec/dir-whole" dir
	# its number
	printf '\377' | dd of=dir/c.skt bs=1 seek=90 conv=notrunc 2>/dev/null
	exits 2 sockquery dir
	has out 'snapshot 20 of 20'
	has err 'dir/c.skt: cannot be read, and may be a part of this recording' 'dir/a.skt: 1 file is missing before it'
	exits 1 sockquery --verify dir
	has out 'WHOLE dir/a.skt' 'WHOLE dir/b.skt' 'BROKEN dir'
	has err 'dir/c.skt: header is damaged' 'dir/a.skt: 1 file is missing before it'
	# a block of it
	cp "$rec/dir-whole/c.skt" dir/c.skt
	printf '\377' | dd of=dir/c.skt bs=1 seek=1200 conv=notrunc 2>/dev/null
	exits 2 sockquery --info dir
	has err 'dir/c.skt:'
	exits 0 sockquery "dir@#15"
	has out 'snapshot 15 of 20'
	exits 1 sockquery --verify dir
	has out 'DAMAGED dir/c.skt' 'WHOLE dir/a.skt'
}

t_a_missing_file_is_told_with_what_was_in_it() {
	exits 2 sockquery "$rec/dir-missing"
	has err 'dir-missing/b.skt: 1 file is missing before it, 10 snapshots are lost'
	exits 2 sockquery "$rec/dir-missing@#15"
	has err 'snapshot #15 is lost: #9 is the last before it, #20 the next'
	exits 2 sockquery "$rec/dir-missing@+12s"
	has err 'in a gap: before it is #9' 'after it #20'
	exits 1 sockquery --verify "$rec/dir-missing"
	has out "BROKEN $rec/dir-missing"
	has err '1 file is missing before it'
	exits 2 sockquery --strict "$rec/dir-missing"
	has err 'recording is not whole'
	(snapshots "$rec/v1-groups.skt" | sed -n '1,9p;20p') >want
	snapshots "$rec/dir-missing" | diff want -
}

t_damage_is_told_with_the_name_of_its_file() {
	exits 1 sockquery --verify "$rec/dir-damaged"
	has out "DAMAGED $rec/dir-damaged/a.skt" "WHOLE $rec/dir-damaged/b.skt"
	exits 2 sockquery --info "$rec/dir-damaged"
	has err 'dir-damaged/a.skt:' 'snapshots #10 to #19 are lost'
}

t_damage_is_told_though_another_file_has_some_at_the_same_place() {
	local ask

	cp -r "$rec/dir-whole" dir
	# of the last file no index leads past the head of its first block: known when it is opened
	truncate -s -60 dir/b.skt
	printf '\377' | dd of=dir/b.skt bs=1 seek=660 conv=notrunc 2>/dev/null
	# of this one the block is found to be damaged when it is read
	printf '\377' | dd of=dir/a.skt bs=1 seek=900 conv=notrunc 2>/dev/null
	for ask in 'sockquery --view=changes' 'sockquery --info' sockreplay; do
		# shellcheck disable=SC2086 # words
		exits 2 $ask dir
		has err 'dir/b.skt:648: 711 bytes are damaged' \
			'dir/a.skt:648: block of 576 bytes is damaged: its checksum is wrong; snapshots #10 to #19 are lost'
	done
}

t_files_of_a_directory_with_a_long_name_are_not_taken_for_one() {
	local long ask

	long=$(printf '%0100d' 0)
	long=$long/$long/$long/$long/$long/$long
	mkdir -p "$long"
	cp "$rec"/dir-whole/* "$long"
	# as above
	truncate -s -60 "$long/b.skt"
	printf '\377' | dd of="$long/b.skt" bs=1 seek=660 conv=notrunc 2>/dev/null
	printf '\377' | dd of="$long/a.skt" bs=1 seek=900 conv=notrunc 2>/dev/null
	for ask in 'sockquery --view=changes' sockreplay; do
		# shellcheck disable=SC2086 # words
		exits 2 $ask "$long"
		has err '/b.skt:648: 711 bytes are damaged' '/a.skt:648: block of 576 bytes is damaged'
	done
}

t_files_that_are_missing_are_trouble_to_who_follows() {
	local n=0 follower

	mkdir dir
	cp "$rec/dir-whole/c.skt" dir
	timeout 60 sockquery --follow --from=first --to=2026-11-23T13:28:54Z dir >out 2>err &
	follower=$!
	while ! grep -q 'nobody is recording there now' err && [ $((n += 1)) -lt 300 ]; do sleep 0.1; done
	cp "$rec/dir-whole/b.skt" new
	mv new dir/b.skt
	n=0
	wait "$follower" || n=$?
	has err 'dir/b.skt: files from 2 to 2 are missing; snapshots #10 to #19 are lost'
	[ "$n" = 2 ]
}

t_what_lies_between_two_files_is_told_once() {
	local ask dir

	for ask in 'sockquery --view=changes' sockreplay; do
		for dir in missing shortened killed; do
			# shellcheck disable=SC2086 # words
			timeout 60 $ask "$rec/dir-$dir" 2>err >out || :
			grep -c "dir-$dir/[a-c].skt:" err || :
		done
	done >counts
	[ "$(sort -u counts)" = 1 ] || {
		cat counts
		return 1
	}
	has err "dir-killed/b.skt: the recorder was started again, after "
	exits 2 sockreplay "$rec/dir-shortened"
	has err ', 1 snapshot is lost, after '
}

t_a_file_that_vanishes_while_it_is_read_is_not_taken_for_its_border() {
	local file

	cp -r "$rec/dir-shortened" "$rec/dir-killed" .
	for file in dir-shortened/a.skt dir-killed/b.skt; do
		timeout 60 python3 - "$file" 2>err <<'EOF' || [ $? = 2 ]
import fcntl, os, select, subprocess, sys
path = sys.argv[1]
ours, its = os.pipe()
# a pipe that holds one page, of which what the first file holds fills several: there it waits until we read
fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, 4096)
replay = subprocess.Popen(["sockreplay", "--speed=1000", "--all", "--format=json", os.path.dirname(path)], stdout=its)
os.close(its)
select.select([ours], [], [])
os.remove(path)
while os.read(ours, 65536):
    pass
sys.exit(replay.wait())
EOF
		cat err
		has err "$file: file was dropped while it was read; snapshots #"
	done
}

t_a_shortened_file_that_is_good_by_itself_is_found() {
	exits 1 sockquery --verify "$rec/dir-shortened"
	has out "WHOLE $rec/dir-shortened/c.skt" "BROKEN $rec/dir-shortened"
	has err 'does not follow from'
	exits 2 sockquery "$rec/dir-shortened"
	has err 'dir-shortened/a.skt: does not follow from the file before it'
}

t_a_file_that_was_only_begun_says_what_was_cut_off_before_it() {
	mkdir dir
	# as a recorder leaves it that is killed between two files, but for #5 to #9, of which the header of the next says
	head -c 2062 "$rec/dir-whole/c.skt" >dir/c.skt
	head -c 648 "$rec/dir-whole/a.skt" >dir/a.skt
	exits 2 sockquery --view=snapshots dir
	has err 'dir/a.skt: does not follow from the file before it' '5 snapshots are lost'
	exits 2 sockquery dir 'dst 9.9.9.9'
	exits 1 sockquery --verify dir
	has out 'BROKEN dir'
}

t_an_exchanged_file_is_found() {
	cp -r "$rec/dir-whole" dir
	# another good second file: the one that the killed recorder left
	cp "$rec/dir-killed/a.skt" dir/a.skt
	exits 1 sockquery --verify dir
	has err 'dir/b.skt: does not follow from dir/a.skt'
}

t_another_run_is_told_and_is_no_damage() {
	exits 0 sockquery "$rec/dir-killed"
	has err 'dir-killed/b.skt: the recorder was started again'
	exits 0 sockquery --info "$rec/dir-killed"
	has out 'runs of the recorder     2' 'snapshots                25' 'holes                    0'
	exits 0 sockquery --verify "$rec/dir-killed"
	has out "OPEN $rec/dir-killed/a.skt" "CHAINED $rec/dir-killed"
	# what the other run recorded is numbered on, and shown as it is by itself
	rows "$rec/v1-live.skt@#3" >one || :
	rows "$rec/dir-killed@#22" >many || :
	cmp one many
	[ -s many ]
	exits 2 sockquery "$rec/dir-killed@+20s"
	has err 'in a gap: before it is #19' 'after it #20'
}

t_recordings_that_do_not_chain_are_several() {
	exits 0 sockquery --format=csv -H "$rec/dir-two-recordings"
	has err "not one recording: 'a.skt', file 1, does not follow from 'c.skt', file 1"
	# a.skt is v1-live.skt; the last field is the name
	cat "$rec/dir-two-recordings/c.skt" >c.skt
	sockquery --format=csv -H c.skt "$rec/v1-live.skt" 2>/dev/null | sed 's/,[^,]*$//' >both
	sed 's/,[^,]*$//' out | diff both -
	sed 's/.*,//' out | tr -d '\r' | sort -u | diff - <(printf '%s\n' "$rec/dir-two-recordings/a.skt" "$rec/dir-two-recordings/c.skt")
	exits 0 sockquery --verify "$rec/dir-two-recordings"
	has out "SEVERAL $rec/dir-two-recordings"
}

t_what_is_no_recording_is_passed_over_and_counted() {
	exits 0 sockquery --info "$rec/dir-strangers"
	has out 'other files              3' 'files                    3'
}

t_links_and_fifos_are_not_opened() {
	cp -r "$rec/dir-whole" dir
	mkfifo dir/fifo.skt
	ln -s "$rec/v1-live.skt" dir/link.skt
	ln -s nowhere dir/dangling.skt
	mkdir dir/folder.skt
	exits 0 sockquery --info dir
	has out 'other files              4' 'files                    3'
}

t_of_two_files_with_one_number_the_chain_decides() {
	cp -r "$rec/dir-whole" dir
	cp "$rec/v1-live.skt" dir/0.skt
	exits 0 sockquery --info dir
	has out 'files                    3' 'other files              1' 'snapshots                20'
	# two that both do are one too many
	cp dir/c.skt dir/1.skt
	exits 0 sockquery dir
	has err 'not one recording'
}

# Ten thousand files, of every kind that a file can be of.
t_a_directory_that_a_hostile_hand_made_ends() {
	cp -r "$rec/dir-whole" dir
	python3 - "$rec" <<'EOF'
import os, sys
one, other = (open(sys.argv[1] + name, "rb").read() for name in ("/dir-whole/c.skt", "/v1-live.skt"))
for i in range(10000):
    name = "dir/%d.skt" % i
    kind = i % 8
    if kind == 0:
        os.symlink("../dir", name)
    elif kind == 1:
        os.mkfifo(name)
    elif kind == 2:
        os.mkdir(name)
    elif kind == 3:
        os.symlink("%d.skt" % i, name)
    else:
        # no recording, an empty file, one that ends in its header, and one of which the header is wrong
        open(name, "wb").write((b"SKT" * i, b"", one[:100], one[:88] + b"\xff" * 40 + one[128:])[kind - 4])
EOF
	exits 2 prlimit --cpu=60 sockquery dir
	has out 'snapshot 20 of 20'
	has err 'dir/9998.skt: cannot be read' 'dir/9999.skt: cannot be read'
	exits 2 prlimit --cpu=60 sockquery --info dir
	has out 'files                    3' 'other files              7500'
	exits 1 prlimit --cpu=60 sockquery --verify dir
	has out 'CHAINED dir'
}

# Ten thousand recordings with one number, each as good as the other; with the sanitizers each takes several times as long.
t_ten_thousand_recordings_with_one_number_are_as_many_recordings() {
	local many=10000

	! sanitized || many=1000
	mkdir dir
	python3 - "$rec/v1-live.skt" $many <<'EOF'
import os, sys
data = open(sys.argv[1], "rb").read()
open("1", "wb").write(data)
for i in range(int(sys.argv[2])):
    os.link("1", "dir/%d.skt" % i)
EOF
	exits 0 prlimit --cpu=120 sockquery -H dir
	has err 'not one recording'
	exits 0 prlimit --cpu=120 sockquery --verify dir
	has out 'SEVERAL dir'
}

t_a_recording_that_cannot_be_read_is_told() {
	cp -r "$rec/dir-whole" dir
	cp "$rec/newer-major.skt" dir/new.skt
	exits 2 sockquery dir
	has err 'dir/new.skt: cannot be read, and may be a part of this recording'
}

t_what_only_a_newer_program_can_read_is_told() {
	mkdir dir
	cp "$rec/unknown-required-blocks-with-snapshots.skt" dir/
	exits 2 sockquery --verify dir
	has out 'CHAINED dir' 'for a newer program'
	exits 2 sockquery --info dir
	has err 'need a newer program'
}

t_names_are_escaped() {
	cp -r "$rec/dir-missing" $'dir\e[31m'
	mv $'dir\e[31m/b.skt' $'dir\e[31m/\e[32m.skt'
	exits 2 sockquery $'dir\e[31m'
	has err '\x1b[32m.skt: 1 file is missing'
	! grep -q $'\e' out err
}

t_an_empty_directory_and_a_tree_are_refused() {
	mkdir empty
	exits 2 sockquery empty
	has err 'sockquery: empty: there is no recording in this directory'
	exits 2 sockquery --verify empty
	has err 'there is no recording in this directory'
	exits 2 sockquery "$TOP/fixtures/proc/kinds"
	has err 'a tree, as /proc is one, and not a recording'
}

t_a_thousand_files_need_no_thousand_descriptors() {
	mkdir dir
	python3 - "$rec" <<'EOF'
import hashlib, struct, sys, zlib
# the first file of dir-whole, over and over: each a file of one run, chained
data = open(sys.argv[1] + "/dir-whole/c.skt", "rb").read()
length, = struct.unpack_from("<I", data, 12)
crc = lambda bytes: struct.pack("<I", zlib.crc32(bytes))
chain, before = bytes(32), 0
for number in range(1, 1001):
    header = data[:88] + struct.pack("<QQ", number, before) + chain + data[136:156]
    header += crc(header) + data[160:length - 4]
    header += crc(header)
    out, chain, at = header, hashlib.sha256(header).digest(), length
    while at < len(data):
        size = 64 + struct.unpack_from("<I", data, at + 12)[0]
        chain = hashlib.sha256(chain + data[at:at + size]).digest()
        body = data[at:at + size] + chain
        out += body + crc(body) + data[at + 12:at + 16]
        at += size + 40
    before += 9
    open("dir/%d.skt" % number, "wb").write(out)
EOF
	ulimit -n 20
	exits 0 sockquery "dir@last"
	has out 'snapshot 9000 of 9000'
	exits 0 sockquery "dir@#4505"
	has out 'snapshot 4505 of 9000'
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay --to-trees, sockrec --trees and --self-test: there and back.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/replay.sh"

fixtures=$TOP/fixtures/rec

t_trees_of_all_snapshots_give_the_recording_back() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	exits 0 sockreplay "$h" --to-trees=trees
	diff <(find trees -maxdepth 1 -name '2*' -printf '%f\n' | sort) <(find "$hands" -maxdepth 1 -name '2*' -printf '%f\n' | sed 's/Z$/.000000000Z/' | sort)
	exits 0 sockrec --trees=trees -o back.skt
	diff <(skt-dump "$h" | tail -n +2) <(skt-dump back.skt | tail -n +2)
	exits 0 sockreplay "$h" --to-trees=some --from=#2 --to=#4
	[ "$(find some -maxdepth 1 -name '2026*' | wc -l)" = 3 ]
	exits 2 sockreplay "$h" --to-trees=some
	nothing_left
}

# dumped FILE: all but the header, and the places of blocks.
dumped() { skt-dump "$1" | tail -n +2 | sed 's/"offset":[0-9]*/"offset":0/'; }

# marked FILE: its marks, as --info has them.
marked() { sockquery --info "$1" 2>/dev/null | sed -n '/^marks /,$s/^  //p'; }

t_a_gap_comes_back_through_trees() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	exits 2 sockreplay "$fixtures/gap.skt" --to-trees=trees
	has err 'from snapshot 1, '
	# it lies before the snapshot 20, and 7 are missing
	grep -x 'gap 7' -rl trees >with
	[ "$(wc -l <with)" = 1 ]
	grep -qx 'number 20' "$(cat with)"
	exits 0 sockrec --trees=trees -o back.skt
	diff <(dumped "$fixtures/gap.skt") <(dumped back.skt)
	dumped back.skt | grep -q '"after":12,"next":20,.*"what":"gap"'
}

t_who_watches_trees_is_told_of_a_gap_and_not_that_what_is_behind_it_came() {
	exits 2 sockreplay "$fixtures/gap.skt" --to-trees=trees
	# as the recording itself is replayed
	exits 2 sockreplay "$fixtures/gap.skt"
	mv out replayed
	exits 0 sockrec -w --trees=trees
	diff replayed out
	[ "$(grep -c gap err)" = 1 ]
	has err "sockrec: $(grep -x 'gap 7' -rl trees | cut -d/ -f1-2): gap: 7 snapshots before it could not be recorded"
}

t_marks_and_ticks_missed_at_the_end_come_back_through_trees() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	exits 0 sockreplay "$h" --to-trees=trees
	# two lost before the third snapshot, and a mark between them; others at both ends
	sed -i 's/^interval 0$/interval 2000000000\nmark 1 1795356186000000000 before all/' trees/*:07.*/.skt-meta
	sed -i 's/^interval 0$/interval 0\ngap 2\nmark 2 1795356188500000000 in the gap\nmark 0 1795356189100000000 /' trees/*:09.*/.skt-meta
	sed -i 's/^last .*/last 1795356195250000000 7\nmark 0 1795356195000000000 behind all/' trees/*:14.*/.skt-meta
	exits 0 sockrec --trees=trees -o x.skt
	has err ', 7 missed ticks'
	marked x.skt >marks
	diff - marks <<'END'
2026-11-22T14:03:06.000000000Z after #0 before all
2026-11-22T14:03:08.500000000Z after #3 in the gap
2026-11-22T14:03:09.100000000Z after #5
2026-11-22T14:03:15.000000000Z after #10 behind all
END
	skt-dump x.skt >dump
	python <<'END'
header, *rows = jsonl("dump")
assert header["interval"] == 2 * 10**9, header
numbers = [row["number"] for row in rows if row["type"] == "snapshot"]
assert numbers == [1, 2, 5, 6, 7, 8, 9, 10], numbers
END
	sockquery --info x.skt >info 2>/dev/null || [ $? = 2 ]
	has info 2026-11-22T14:03:15.250000000Z
	exits 2 sockreplay x.skt --to-trees=again
	exits 0 sockrec --trees=again -o back.skt
	has err ', 7 missed ticks'
	diff <(dumped x.skt) <(dumped back.skt)
	diff marks <(marked back.skt)
}

t_a_clock_that_was_set_back_comes_back_through_trees() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	exits 0 sockreplay "$h" --to-trees=trees
	# an hour, between the fourth snapshot and the fifth
	python <<'END'
for second in 11, 12, 13, 14:
    name = "trees/2026-11-22T%d:03:" + "%d.000000000Z" % second
    meta = read(name % 14 + "/.skt-meta").decode()
    was = "time %d" % ns("2026-11-22T14:03:%d.000000000Z" % second)
    assert "\n" + was + "\n" in meta
    with open(name % 14 + "/.skt-meta", "w") as file:
        file.write(meta.replace("\n" + was + "\n", "\ntime %d\n" % (int(was[5:]) - 3600 * 10**9), 1))
    os.rename(name % 14, name % 13)
END
	exits 0 sockrec --trees=trees -o x.skt
	skt-dump x.skt >dump
	python <<'END'
times = [row["time"] // 10**9 - 1795356187 for row in jsonl("dump") if row["type"] == "snapshot"]
assert times == [0, 1, 2, 3, 4 - 3600, 5 - 3600, 6 - 3600, 7 - 3600], times
END
	exits 0 replay --self-test x.skt
	exits 0 sockreplay x.skt --to-trees=again
	exits 0 sockrec --trees=again -o back.skt
	diff <(dumped x.skt) <(dumped back.skt)
	# a name that says another time is somebody's wish, and then names decide
	mv again/2026-11-22T13:03:14.000000000Z again/2026-11-22T13:03:15Z
	exits 0 sockrec --trees=again -o moved.skt
	skt-dump moved.skt >dump
	python <<'END'
times = [row["time"] for row in jsonl("dump") if row["type"] == "snapshot"]
assert len(times) == 8 and times == sorted(times), times
END
}

t_what_was_told_comes_back_through_trees() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	skt-tell "$h" x.skt <"$TOP/fixtures/told/hands"
	exits 0 sockreplay x.skt --to-trees=trees
	[ "$(cat trees/*/.skt-meta | grep -c '^event ')" = 4 ]
	exits 0 sockrec --trees=trees -o back.skt
	diff <(dumped x.skt) <(dumped back.skt)
	for each in x back; do
		sockquery --format=jsonl $each.skt 'dst 203.0.113.9' 2>/dev/null | sed 's/"file":"[^"]*"//' >$each
	done
	grep -q '"bytes_received":4097' back
	cmp x back
	exits 0 replay --self-test x.skt
	# one tree alone, looked at again and again, is told of nothing
	exits 0 sockrec --proc="$(dirname "$(grep -l '^told 2 0' trees/*/.skt-meta)")" -i 1ms -n 3 -o alone.skt
	fails eval 'skt-dump alone.skt | grep -q "\"events\":\[{"'
	skt-dump x.skt | grep -q '"events":\[{'
	# a tree that was given another name is moved with what was told
	mv trees/*:14.* trees/2026-11-22T14:03:24Z
	sed -i 's/^told .*/told 1 0/; s/^event .* 10\.0\.0\.9.*//' trees/*:24Z/.skt-meta
	sed -i '/^end$/i told 1 0\nevent tcp 0 0 1795356193500000000 2 3 7 0a000005000000000000000000000000 80 0a000007000000000000000000000000 5 64 0 0 0 0 0 0 0 0' trees/*:24Z/.skt-meta
	namespace=$(sed -n 's/^table tcp \([0-9]*\) .*/\1/p' trees/*:24Z/.skt-meta)
	sed -i "s/^event tcp 0 /event tcp $namespace /" trees/*:24Z/.skt-meta
	exits 0 sockrec --trees=trees -o moved.skt
	skt-dump moved.skt >dump
	python <<'END'
last = [row for row in jsonl("dump") if row["type"] == "snapshot"][-1]
event, = last["events"]
assert last["time"] - event["time"] == 1795356194 * 10**9 - 1795356193500000000, (last["time"], event)
END
}

# Of four rows that go with one step three are told of, two of them twins; a fifth was in no look.
t_what_was_told_of_rows_that_went_comes_back_as_theirs() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	mkdir -p in/2026-11-22T14:03:0{7,8}Z/net
	head -n 1 "$hands/2026-11-22T14:03:07Z/net/tcp" | tee in/2026-11-22T14:03:08Z/net/tcp >in/2026-11-22T14:03:07Z/net/tcp
	for row in 40:1 42:2 41:3 41:4; do
		printf '%-149s\n' "   0: 0500000A:0050 0900000A:9C${row%:*} 01 00000000:00000000 00:00000000 00000000     0        0 0 1 000000000000000${row#*:} 20 0 0 10 -1" >>in/2026-11-22T14:03:07Z/net/tcp
	done
	exits 0 sockrec --trees=in -o in.skt
	skt-tell in.skt x.skt <<-END
		all 15
		event 2 500 tcp 10.0.0.5 80 10.0.0.9 40001 sent 1
		event 2 400 tcp 10.0.0.5 80 10.0.0.9 40002 sent 2
		event 2 300 tcp 10.0.0.5 80 10.0.0.9 40001 sent 3
		event 2 200 tcp 10.0.0.5 80 10.0.0.9 40009 sent 4
	END
	exits 0 sockreplay x.skt --to-trees=trees
	exits 0 sockrec --trees=trees -o back.skt
	diff <(dumped x.skt) <(dumped back.skt)
	exits 0 sockquery --format=jsonl --view=flows --fields=remote_port,bytes_sent,seen --sort=bytes_sent back.skt
	diff out - <<-END
		{"remote_port":40001,"bytes_sent":1,"seen":1}
		{"remote_port":40002,"bytes_sent":2,"seen":1}
		{"remote_port":40001,"bytes_sent":3,"seen":1}
		{"remote_port":40009,"bytes_sent":4,"seen":0}
		{"remote_port":40000,"bytes_sent":null,"seen":1}
	END
}

t_what_was_told_before_the_first_tree_is_not_recorded() {
	skt-tell "$h" x.skt <"$TOP/fixtures/told/hands" || skip 'no skt-tell in PATH: make tests'
	exits 0 sockreplay x.skt --to-trees=trees
	first=$(dirname "$(grep -l '^told 2 0' trees/*/.skt-meta)")
	for each in trees/2*; do
		[ "$each" = "$first" ] || rm -r "$each"
	done
	exits 0 sockrec --trees=trees -o alone.skt
	exits 0 sockrec --trees=trees --watch
	fails grep -q unseen out
	skt-dump alone.skt >dump
	fails grep -q '"events":\[{' dump
	# but behind a gap it is told of what the gap had
	sed -i 's/^interval 0$/interval 0\ngap 2/' "$first/.skt-meta"
	exits 0 sockrec --trees=trees -o behind.skt
	skt-dump behind.skt | grep -q '"events":\[{'
}

t_what_was_told_at_any_instant_is_moved_in_its_order() {
	skt-tell "$h" x.skt <"$TOP/fixtures/told/hands" || skip 'no skt-tell in PATH: make tests'
	exits 0 sockreplay x.skt --to-trees=trees
	meta=$(grep -l '^told 2 0' trees/*/.skt-meta)
	event=$(grep '^event ' "$meta" | head -1)
	sed -i '/^event /d; s/^told .*/told 5 0/' "$meta"
	for when in -4611686018427387903 -5 0 5 4611686018427387903; do
		awk -v when=$when '{ $5 = when } 1' <<<"$event" >>events
	done
	sed -i '/^told /r events' "$meta"
	# by a tenth of a second
	mv "$(dirname "$meta")" trees/2026-11-22T14:03:09.1Z
	exits 0 sockrec --trees=trees -o moved.skt
	skt-dump moved.skt >dump
	python <<'END'
time, events = [(row["time"], row["events"]) for row in jsonl("dump") if row["type"] == "snapshot"][2]
assert time == 17953561891 * 10**8, time
# skt.5: no further from the snapshot than 2^62 - 1, nor from 1970
most = 2**62 - 1
assert [event["time"] for event in events] == [time - most, 10**8 - 5, 10**8, 10**8 + 5, most], events
END
}

t_behind_a_tree_that_is_missing_nobody_listened() {
	skt-tell "$h" x.skt <"$TOP/fixtures/told/hands" || skip 'no skt-tell in PATH: make tests'
	exits 0 sockreplay x.skt --to-trees=trees
	# of processes it was told, too
	sed -i -E '/^quality /s/ 0 0$/ 1 0/' trees/*/.skt-meta
	exits 0 sockrec --trees=trees -o whole.skt
	rm -r trees/*:10.*
	exits 0 sockrec --trees=trees -o some.skt
	for each in whole some; do
		skt-dump $each.skt >$each
	done
	python <<'END'
def listened(name):
    rows = [row for row in jsonl(name) if row["type"] == "snapshot"]
    return [(row["time"] // 10**9 - 1795356187, row["quality"]["events_tables"] != 0, row["quality"]["lived_told"]) for row in rows]
assert listened("whole") == [(i, True, True) for i in range(8)], listened("whole")
assert listened("some") == [(i, i != 4, i != 4) for i in (0, 1, 2, 4, 5, 6, 7)], listened("some")
END
}

t_what_was_told_wrong_is_refused_with_its_line() {
	skt-tell "$h" x.skt <"$TOP/fixtures/told/hands" || skip 'no skt-tell in PATH: make tests'
	exits 0 sockreplay x.skt --to-trees=trees
	with=$(grep -l '^told 2 0' trees/*/.skt-meta)
	line=$(grep -n '^event ' "$with" | head -1 | cut -d: -f1)
	cp "$with" kept
	for wrong in 's/^told 2 0/told 3 0/' 's/^told 2 0/told 2 1/' 's/^event tcp/event dccp/' 's/^told 2 0/told 2 0 0/'; do
		sed "$wrong" kept >"$with"
		exits 2 sockrec --trees=trees -o y.skt
		has err "'.skt-meta' does not read as it is written, at its line "
		rm -f y.skt
	done
	# more processes than a recorder tells of are refused where they are announced
	sed 's/^told 2 0/told 2 1025/' kept >"$with"
	exits 2 sockrec --trees=trees -o y.skt
	has err "'.skt-meta' does not read as it is written, at its line $((line - 1))"
	rm -f y.skt
	# they stand in the order of their instants
	sed "${line}{h;d};$((line + 1)){G}" kept >"$with"
	exits 2 sockrec --trees=trees -o y.skt
	has err "'.skt-meta' does not read as it is written, at its line $((line + 1))"
	# an address of IPv4 has four bytes, either one
	for field in 9 11; do
		rm -f y.skt
		awk -v line="$line" -v field=$field 'NR == line { sub(/0$/, "1", $field) } 1' kept >"$with"
		fails cmp -s kept "$with"
		exits 2 sockrec --trees=trees -o y.skt
		has err "'.skt-meta' does not read as it is written, at its line $line"
	done
}

t_start_times_come_back_to_the_nanosecond() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	exits 0 sockrec --netns=own -n 1 -o x.skt
	exits 0 sockreplay x.skt --to-trees=trees
	exits 0 sockrec --trees=trees -o back.skt
	skt-dump x.skt >was
	skt-dump back.skt >got
	python <<'END'
was, got = jsonl("was")[0], jsonl("got")[0]
# that a kernel booted at a whole second is one in 10**9
assert was["boot_time"] == got["boot_time"] and was["boot_time"] % 10**9, (was, got)
END
	exits 0 replay --self-test x.skt
}

t_every_whole_recording_is_read_back_as_it_was() {
	local file n=0

	for file in "$fixtures"/v1-*.skt "$h"; do
		exits 0 replay --self-test "$file"
		n=$(sockquery --info "$file" | sed -n 's/^snapshots  *//p')
		has out "${n%% *} snapshots written as trees, and read back as they were"
	done
	exits 2 replay --self-test "$fixtures/zeroed-middle.skt"
	nothing_left
}

run_tests

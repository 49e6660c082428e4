#!/bin/bash
# SPDX-License-Identifier: MIT
# sockquery --from, --to: what of a recording lies in a stretch of time, whatever the clock did, and what is known of
# it.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

fixtures=$TOP/fixtures/rec

# numbers ARG...: of the snapshots shown.
numbers() {
	sockquery --view=snapshots --format=jsonl "$@" 2>/dev/null | sed 's/.*"snapshot":\([0-9]*\).*/\1/' | tr '\n' ' '
}

day=2026-11-23T13:28
# other tables were not recorded
nobody='table = tcp and dst 9.9.9.9'

# ---- a clock that was set back ----

# #1 to #9 are of :35.252 to :43.987, #10 to #19 of :37.097 to :45.639, #20 of :54.254.
t_what_comes_after_the_clock_was_set_back_is_in_the_stretch_too() {
	set_back 8 1
	exits 0 sockquery --to=$day:42.8Z x.skt 'dport = 40015'
	has out '13:28:41.375Z'
	exits 0 sockquery --from=$day:38.2Z --to=$day:38.9Z x.skt 'dport = 40003'
	has out '13:28:38.205Z'
	exits 1 sockquery --from=$day:38.2Z --to=$day:38.9Z x.skt 'table = tcp and dport = 40015'
	# what is in force where it begins, each time, belongs to it
	[ "$(numbers --to=$day:40.1Z x.skt)" = '1 2 3 4 5 10 11 12 13 ' ]
	[ "$(numbers --from=$day:38.3Z --to=$day:40.1Z x.skt)" = '3 4 5 11 12 13 ' ]
	[ "$(numbers --from=$day:44.5Z x.skt)" = '9 17 18 19 20 ' ]
}

t_a_slice_has_what_comes_after_the_clock_was_set_back() {
	set_back 8 1
	exits 0 sockquery --to=$day:40.1Z -o s.skt x.skt
	has err ', 9 snapshots'
	exits 0 sockquery --verify s.skt
	exits 0 sockquery --to=$day:42.8Z -o t.skt x.skt 'dport = 40015'
	exits 0 sockquery t.skt 'dport = 40015'
}

# A listener that is there all the time is one flow, though what lies between is not in the stretch.
t_a_flow_goes_on_where_the_stretch_comes_again() {
	set_back 8 1
	exits 0 sockquery --format=jsonl --to=$day:40.1Z x.skt 'sport = :80'
	python <<'END'
flow, = jsonl("out")
assert (flow["seen"], flow["gaps"], flow["ended"]) == (9, 1, None), flow
END
	exits 0 sockquery --view=changes --to=$day:40.1Z x.skt 'dport = 40003'
	fails grep -q '13:28:4[1-9]' out
}

# #1 is of :35.252, and #10 of :35.097 then.
t_a_stretch_begins_where_the_earliest_snapshot_is_in_force() {
	set_back 10 1
	exits 1 sockquery --from=$day:35.2Z --to=$day:40Z x.skt "$nobody"
	exits 2 sockquery --from=$day:35.05Z --to=$day:40Z x.skt "$nobody"
	has err "nothing was recorded from $day:35.050000000Z to $day:35.097"
}

# It ends at :34.254 then, before the instant that it began with.
t_a_recording_reaches_from_its_earliest_instant_to_its_latest() {
	set_back 20 1 2
	exits 0 sockquery --from=$day:39Z --to=$day:41Z x.skt 'sport = :80'
	exits 0 sockquery --from=13:28:39 --to=13:28:41 x.skt 'sport = :80'
	exits 2 sockquery --from=$day:50Z x.skt
	has err "the recording goes from $day:25.097" " to $day:44.9"
	exits 0 sockquery --from=$day:30Z --to=$day:31Z x.skt 'sport = :80'
	exits 0 sockreplay --from=#1 x.skt
	exits 0 sockreplay --from=#15 --to=$day:33Z x.skt
}

# ---- what was not looked at ----

# Looks were at :36.262 and :38.205; the last one is at :54.254.
t_what_was_not_looked_at_where_a_stretch_ends_is_blind() {
	local rec=$fixtures/v1-groups.skt

	exits 1 sockquery --from=$day:36.3Z --to=$day:38.1Z "$rec" "$nobody"
	has err "the longest interval between two looks is 1.8375" "to $day:38.100000000Z"
	exits 2 sockquery --max-blind=1s --from=$day:36.3Z --to=$day:38.1Z "$rec" "$nobody"
	exits 1 sockquery --max-blind=1s --from=$day:36.3Z --to=$day:37Z "$rec" "$nobody"
	# an end that comes when the next look would have is none
	exits 1 sockquery --from=#20 "$rec" "$nobody"
	fails grep -q 'longest interval' err
}

t_a_recorder_that_did_not_look_before_it_ended_was_blind_and_missed_ticks() {
	change <<'END'
end, = [block for block in recording.blocks if block.type == make.END]
end.first = end.last = end.last + 3600 * 10**9
end.snapshots = 3600
END
	exits 2 sockquery --max-blind=2s --from=2026-11-23T13:40Z --to=2026-11-23T13:50Z x.skt "$nobody"
	exits 2 sockquery --max-blind=2s --coverage x.skt "$nobody"
	has out '"missed":3600,' '"blind_until":"2026-11-23T14:28:54.254652244Z"'
	exits 1 sockquery --max-blind=2s --coverage --to=$day:50Z x.skt "$nobody"
	has out '"missed":0,'
}

# The last snapshot before the gap is of :46.875, and in force for a second; the next is of :54.254.
t_what_is_lost_behind_a_stretch_is_none_of_it() {
	exits 1 sockquery --to=$day:46.875134992Z "$fixtures/gap.skt" "$nobody"
	exits 1 sockquery --to=$day:47.8Z "$fixtures/gap.skt" "$nobody"
	exits 2 sockquery --to=$day:48Z "$fixtures/gap.skt" "$nobody"
	has err "snapshots are lost from $day:46.875134992Z to $day:48.000000000Z"
	exits 2 sockquery --max-blind=2s --to=$day:53Z "$fixtures/gap.skt" "$nobody"
	# the recorder was killed, and started again at 13:29:11
	exits 1 sockquery --to=$day:53.639354837Z "$fixtures/dir-killed" "$nobody"
	exits 2 sockquery --to=$day:55Z "$fixtures/dir-killed" "$nobody"
	exits 0 sockquery --to=$day:46.875134992Z -o s.skt "$fixtures/gap.skt"
	exits 0 sockquery --info s.skt
	fails grep -q ': gap' err
}

t_a_stretch_that_begins_within_a_gap_is_told_it_once() {
	exits 2 sockquery --from=$day:50Z "$fixtures/gap.skt" "$nobody"
	has err "snapshots are lost up to $day:54.254468431Z"
	fails grep -q 'nothing was recorded' err
}

# It opened at :38.205, and was closed before :39.939.
t_what_comes_behind_a_stretch_is_not_said_to_be_unchanged_in_it() {
	local rec

	for rec in v1-groups.skt dir-whole; do
		exits 1 sockquery --view=changes --from=$day:36Z --to=$day:37Z "$fixtures/$rec" 'table = tcp and dport = 40003'
		fails grep -q 'did not change' err
		# what closes with the next snapshot is there until the end
		exits 1 sockquery --view=changes --from=$day:39Z --to=$day:39.5Z "$fixtures/$rec" 'table = tcp and dport = 40003'
		has err '1 socket matches, and did not change'
	done
}

# What is written after it was opened, to :46.875 then, has been read, and is recorded.
t_who_follows_to_an_instant_has_read_up_to_it() {
	local whole=$fixtures/v1-groups.skt size

	size=$(stat -c %s "$fixtures/cut-between-blocks.skt")
	head -c "$size" "$whole" >x.skt
	timeout 60 sockquery --follow --to=$day:53.7Z x.skt "$nobody" >out 2>err &
	eventually grep -q 'changes from' out
	tail -c +$((size + 1)) "$whole" >>x.skt
	ends $! 1
	has err "to $day:53.639354837Z"
	fails grep -q 'nothing was recorded' err
}

run_tests

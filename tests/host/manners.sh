#!/bin/bash
# SPDX-License-Identifier: MIT
# How the recorder behaves towards the host: what it may still do once it records, its niceness, and what it leaves of a
# disk. In namespaces of its own.
. "$(dirname "$0")/../lib.sh"
own_network --pid

# What a process may do, as the kernel says: names and values of /proc/PID/status.
privileges() { grep -E '^(Cap|NoNewPrivs)' "/proc/$1/status" | tr -d '\t' | tr '\n' ' '; }

t_while_it_records_it_has_two_capabilities_and_can_gain_none() {
	begin sockrec -i 20ms -o x.skt
	privileges $recorder >kept
	finish
	# 19 is CAP_SYS_PTRACE, 2 is CAP_DAC_READ_SEARCH (linux/capability.h)
	printf 'CapInh:%016x CapPrm:%016x CapEff:%016x CapBnd:%016x CapAmb:%016x NoNewPrivs:1 ' 0 $((1 << 19 | 1 << 2)) \
		$((1 << 19 | 1 << 2)) 0 0 | diff - kept
	# and the header says so
	sockquery --info x.skt | grep -Eq 'recorder.capabilities +0000000000080004$'
}

t_with_these_it_finds_the_owners_of_other_users_processes() {
	local talker port server client

	"${as_nobody[@]}" talker >told &
	talker=$!
	eventually test -s told
	read -r port server client <told
	exits 0 sockrec -i 20ms -n 2 -o x.skt
	fails grep 'may not be looked into' err
	kill $talker
	sockquery --format=jsonl x.skt >rows 2>/dev/null
	python "$port" "$server" "$client" <<'END'
port, server, client = map(int, sys.argv[1:])
rows = [row for row in jsonl("rows") if port in (row["local_port"], row["remote_port"])]
assert len(rows) == 3, rows
for row in rows:
    assert row["owner"] == "held" and not row["owner_gaps"], row
    for owner in row["owners"]:
        assert owner["pid"] in (server, client) and owner["process_uid"] == 65534, owner
        assert owner["exe"].endswith("talker"), owner
END
}

t_whoever_has_these_two_needs_not_be_root() {
	local talker
	local -a numbers

	talker >told &
	talker=$!
	eventually test -s told
	# as dist/sockrec.service starts it
	exits 0 setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all,+sys_ptrace,+dac_read_search \
		--inh-caps=-all,+sys_ptrace,+dac_read_search --ambient-caps=-all,+sys_ptrace,+dac_read_search \
		sockrec -i 20ms -n 2 -o -
	kill "$talker"
	mv out x.skt
	fails grep -E 'may not be looked into|privileges' err
	sockquery --info x.skt | grep -Eq 'recorder.capabilities +0000000000080004$'
	sockquery --format=jsonl x.skt >rows 2>/dev/null
	read -ra numbers <told
	python "${numbers[@]}" <<'END'
port, *pids = map(int, sys.argv[1:])
rows = [row for row in jsonl("rows") if port in (row["local_port"], row["remote_port"])]
assert len(rows) == 3 and {owner["pid"] for row in rows for owner in row["owners"]} == set(pids), rows
END
}

t_what_it_did_not_have_it_does_not_gain() {
	begin setpriv --inh-caps=-all --bounding-set=-all,+sys_ptrace,+chown sockrec -i 20ms -o x.skt
	privileges $recorder >kept
	finish
	# the bounding set takes a capability to change, and bounds what can be gained no more
	has kept CapPrm:0000000000080000 CapEff:0000000000080000 NoNewPrivs:1
	fails grep 'privileges' said

	rm x.skt
	"${as_nobody[@]}" sockrec -i 20ms -o - >x.skt 2>said &
	recorder=$!
	eventually test -s x.skt
	privileges $recorder >kept
	finish
	has kept CapPrm:0000000000000000 CapEff:0000000000000000 CapAmb:0000000000000000 NoNewPrivs:1
	fails grep 'privileges' said
}

# niceness PID
niceness() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f17; }

# runs_with NICE COMMAND...: the recorder does.
runs_with() {
	local nice=$1

	shift
	begin "$@" -i 20ms -o x.skt
	niceness $recorder >got
	finish
	[ "$(cat got)" = "$nice" ]
	[ "$(wc -l <said)" = 1 ]
}

t_its_niceness_is_what_was_asked_for() {
	runs_with -10 sockrec
	runs_with 5 sockrec --nice=5
	runs_with -3 sockrec --nice=-3
	runs_with 0 sockrec --nice=0
	# whoever started it nicely has chosen already
	runs_with 7 nice -n 7 sockrec
	runs_with -3 nice -n -3 sockrec
	runs_with 2 nice -n 7 sockrec --nice=2
}

t_that_it_may_not_be_faster_is_told_only_if_it_was_asked_for() {
	local slow=(setpriv --inh-caps=-all --bounding-set=-sys_nice)

	runs_with 0 "${slow[@]}" sockrec
	begin "${slow[@]}" sockrec --nice=-5 -i 20ms -o x.skt
	niceness $recorder >got
	finish
	[ "$(cat got)" = 0 ]
	has said 'sockrec: cannot run with --nice=-5: ' 'sockrec: x.skt: '
}

# ---- a small disk ----

# disk MEBIBYTES: an empty filesystem of that size in the folder `disk`. The mount namespace is our own.
disk() {
	mkdir disk
	mount -t tmpfs -o "size=${1}M" none disk
}

# fill BYTES: so many of it are taken.
fill() { head -c "$1" /dev/zero >disk/full; }

t_of_a_small_filesystem_a_twentieth_stays_free() {
	disk 10
	# 512 KiB: less, and none of it is taken
	fill $((10 * 1048576 - 500 * 1024))
	exits 2 sockrec -n 1 -o disk/x.skt
	has err 'disk/x.skt: only 500.0K free on its filesystem, of which 512.0K are to stay free (--min-free)' --min-free=0
	[ ! -e disk/x.skt ]
	exits 0 sockrec -n 1 --min-free=4% -o disk/4.skt
	exits 0 sockrec -n 1 --min-free=400K -o disk/400K.skt
	exits 0 sockrec -n 1 --min-free=0 -o disk/0.skt
	# more, and it is begun
	rm disk/*
	fill $((10 * 1048576 - 600 * 1024))
	exits 0 sockrec -n 1 -o disk/x.skt
	umount disk
}

t_of_a_larger_filesystem_a_gibibyte_stays_free() {
	mkdir disk
	truncate -s 12G image
	mkfs.ext4 -q -F -m 0 image || skip "no mkfs.ext4"
	mount -o loop image disk || skip "no loop device"
	# room is taken, nothing is written
	fallocate -l $(($(stat -fc '%a * %S' disk) - (1024 + 50) * 1048576)) disk/full
	exits 0 sockrec -n 1 -o disk/x.skt
	fallocate -l 100M disk/more
	exits 2 sockrec -n 1 -o disk/y.skt
	umount disk
	rm image
	has err ' of which 1.0G are to stay free (--min-free)'
}

t_a_disk_that_fills_ends_a_recording_in_good_order() {
	disk 10
	sockrec -i 20ms -o disk/x.skt 2>said &
	recorder=$!
	eventually test -s disk/x.skt
	fill $((10 * 1048576 - 400 * 1024))
	ends "$recorder" 2
	has said 'disk/x.skt: only ' ' of which 512.0K are to stay free (--min-free)' 'disk/x.skt: it ends, in good order'
	exits 0 sockquery --verify disk/x.skt
	has out WHOLE
	umount disk
}

t_with_min_free_0_a_full_disk_is_a_gap() {
	disk 1
	sockrec --min-free=0 -i 20ms -o disk/x.skt 2>said &
	recorder=$!
	eventually test -s disk/x.skt
	head -c 2M /dev/zero >disk/full || :
	eventually grep -q 'cannot write' said
	rm disk/full
	sleep 2
	kill -TERM "$recorder"
	ends "$recorder" 2
	exits 0 sockquery --verify disk/x.skt
	has out WHOLE gaps
	umount disk
}

run_tests

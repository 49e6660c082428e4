#!/bin/bash
# SPDX-License-Identifier: MIT
# sockquery: what it answers from the groups that have what is asked for is, byte for byte, what all of them say.
# tap: long
. "$(dirname "$0")/../lib.sh"

# Trees of half an hour, one each 20 seconds: connections that come and go, some held by a process that exits, some in
# TIME_WAIT, some handed from one process to another, and a process that begins another program. Each minute is a group.
trees() {
	python3 - <<'END'
import os, random

random.seed(4711)
heading = "%-149s\n" % "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
stat = "%d (%s) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 18446744073709551615" + " 0" * 27 + "\n"
socks, inode = [], 1000
for tick in range(90):
    dir = "trees/2026-11-22T14:%02d:%02dZ" % (tick // 3, tick % 3 * 20)
    os.makedirs(dir + "/net")
    socks = [s for s in socks if s["until"] > tick]
    for _ in range(random.choice([0, 0, 1, 2, 3])):
        inode += 1
        socks.append({"port": 40000 + inode, "peer": random.choice([1, 2, 3, 3, 3, 3, random.randrange(4, 250)]),
                      "to": random.choice([443, 443, 443, 22, 5432, 8000 + random.randrange(100)]), "inode": inode,
                      "pid": random.choice([700, 700, 701, 702, 2000 + tick]),
                      "until": tick + random.choice([1, 1, 2, 3, 5, 10, 40]), "wait": random.random() < 0.1})
    if tick == 5:
        socks.append({"port": 50000, "peer": 251, "to": 25, "inode": 900, "pid": 701, "until": 9, "wait": False})
    pids = {700: "front", 701: "cron" if tick < 40 else "backup", 702: "worker"}
    with open(dir + "/net/tcp", "w") as out:
        out.write(heading)
        for n, s in enumerate(socks):
            if s["inode"] % 7 == 0 and tick + 1 >= s["until"]:
                s["pid"] = 702
            waits = s["wait"] and tick + 1 >= s["until"]
            out.write("%-149s\n" % ("%4d: 0500000A:%04X %02X00000A:%04X %02X 00000000:00000000 00:00000000 00000000 "
                                    "%5d        0 %d 1 %016x 20 4 30 10 -1" % (
                                        n, s["port"] & 0xffff, s["peer"], s["to"], 6 if waits else 1, 0,
                                        0 if waits else s["inode"], s["inode"])))
            if not waits:
                pids.setdefault(s["pid"], "one-%d" % s["pid"])
    for pid, comm in pids.items():
        os.makedirs("%s/%d/fd" % (dir, pid))
        with open("%s/%d/stat" % (dir, pid), "w") as out:
            out.write(stat % (pid, comm, 4000 + pid))
        with open("%s/%d/cmdline" % (dir, pid), "w") as out:
            out.write("/usr/bin/" + comm + "\0")
        for s in socks:
            if s["pid"] == pid and not (s["wait"] and tick + 1 >= s["until"]):
                os.symlink("socket:[%d]" % s["inode"], "%s/%d/fd/%d" % (dir, pid, s["inode"]))
END
}

# same REC ARG...: with keys and without, in every format and of coverage.
same() {
	local rec=$1 rc with

	shift
	for form in --format=table --format=json --format=csv --coverage; do
		rc=0
		sockquery "$form" "$rec" "$@" >with.out 2>with.err || rc=$?
		with=$rc rc=0
		sockquery --no-index "$form" "$rec" "$@" >without.out 2>without.err || rc=$?
		[ "$with" = "$rc" ] || {
			echo "exit status $with, $rc without keys: $form $rec $*"
			return 1
		}
		if ! diff without.out with.out || ! diff without.err with.err; then
			echo "differs: $form $rec $*"
			return 1
		fi
	done
}

# What somebody asks, and what no key tells.
ask_all() {
	local rec=$1
	local -a span=("${@:2}")

	for expression in 'dst 10.0.0.3' 'dst 10.0.0.1' 'dst 10.0.0.251' 'dst 10.0.0.0/30' 'dst 10.0.0.2:22' 'dport = :22' \
		'dport = :5432 and pid = 700' 'sport = :41001' 'sport = :9' 'pid = 700' 'pid = 702' 'pid in (2003, 2030)' \
		'pid = 2050 or dst 10.0.0.2' 'pid = 4' 'comm = backup' 'comm = cron' 'comm = one-2040' 'not pid = 700' \
		'dst [::ffff:10.0.0.2]' 'dst 0.0.0.0' 'remote_port in (8001, 8002, 8003, 8004)' \
		'( dst 10.0.0.9 or dst 10.0.0.10 ) and state established' 'comm != front' "comm ~ '^one'" \
		'direction = out and dst 10.0.0.3' 'pid = 700 and ended = closed' 'comm = front and still_there = true' \
		'dst 10.0.0.1 and not ( already_there = true or seen > 5 )'; do
		same "$rec" "${span[@]}" "$expression"
	done
}

t_what_some_groups_answer_is_what_all_of_them_do() {
	trees
	exits 0 sockrec --trees=trees -o x.skt
	exits 0 sockquery --verify x.skt
	ask_all x.skt
}

t_so_it_is_in_a_stretch() {
	trees
	exits 0 sockrec --trees=trees -o x.skt
	ask_all x.skt --from=14:04:10
	ask_all x.skt --to=14:21:20
	ask_all x.skt --from=14:10 --to=14:11:59
}

# Of what is damaged only what is read can be told.
t_and_in_every_recording_that_is_kept_and_whole() {
	local rec n=0

	for rec in "$TOP"/fixtures/rec/*.skt "$TOP"/fixtures/rec/dir-*; do
		sockquery --verify "$rec" >/dev/null 2>&1 || continue
		n=$((n + 1))
		for expression in 'dst 10.0.0.9' 'dport = :443' 'pid = 700' 'comm = nginx' 'sport = :22 or dport = :53'; do
			same "$rec" "$expression"
		done
	done
	[ $n -gt 3 ]
}

# The damage is in a block that has nothing to do with what is asked: keys are all that tells so.
t_what_is_not_asked_for_is_not_read() {
	local offset size

	trees
	exits 0 sockrec --trees=trees -o x.skt
	exits 0 sockquery x.skt 'dst 10.0.0.251'
	cp out whole
	size=$(stat -c %s x.skt)
	offset=$((size / 2))
	printf '\xff\xff\xff\xff' | dd of=x.skt bs=1 seek=$offset conv=notrunc 2>/dev/null
	exits 2 sockquery --no-index x.skt 'dst 10.0.0.251'
	has err 'is damaged'
	exits 0 sockquery x.skt 'dst 10.0.0.251'
	diff whole out
	is_empty err
}

run_tests

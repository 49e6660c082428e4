#!/bin/bash
# SPDX-License-Identifier: MIT
# Sockets of other network namespaces. Pid, mount and network namespaces are our own, so nobody else's come in between.
# shellcheck disable=SC2119 # only one here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid
# shellcheck source=tests/namespaces.sh
. "$TOP/tests/namespaces.sh"

t_each_namespace_has_the_sockets_and_holders_that_ss_shows_in_it() {
	local name

	for name in a b c d; do
		ip netns add $name
		dwell $name @$name here
		ip netns exec $name ss -tuanpeH >$name.ss
	done
	exits 0 sockrec -n 1 -o x.skt
	for name in a b c d; do
		leave $name
		ip netns del $name
	done
	python <<'END'
rows = query("x.skt")
bad = len(rows) != 16
for name in "abcd":
    (inode, pid), = dwellers(name)
    wanted = []
    for line in read(name + ".ss").decode().splitlines():
        kind, state, _, _, local, remote = line.split()[:6]
        holders = sorted((int(a), int(b)) for a, b in re.findall(r"pid=(\d+),fd=(\d+)", line))
        number = int(re.search(r"ino:(\d+)", line)[1])
        wanted.append((kind, {"ESTAB": "ESTABLISHED", "UNCONN": "CLOSE"}.get(state, state), local, number, holders))
    got = [(row["table"], row["state"], end(row["local_address"], row["local_port"]), row["inode"],
            sorted((owner["pid"], owner["fd"]) for owner in row["owners"]))
           for row in rows if row["net_namespace"] == inode]
    assert len(wanted) == 4 and {holder for w in wanted for holder, _ in w[4]} == {pid}, wanted
    bad |= differ("namespace " + name, got, wanted)
    bad |= any(o["process_net_namespace"] != inode for r in rows if r["net_namespace"] == inode for o in r["owners"])
sys.exit(bad)
END
}

t_only_the_own_namespace_where_that_is_asked_for() {
	dwell others 2
	dwell here here
	exits 0 sockrec --netns=own -n 1 -o x.skt
	leave others
	leave here
	python <<'END'
rows = query("x.skt")
assert {row["net_namespace"] for row in rows} == {OWN} and len([row for row in rows if row["inode"]]) == 4, rows
assert {table["net_namespace"] for table in dump("x.skt")[0]["tables"]} == {OWN}
END
}

t_a_namespace_that_only_a_thread_lives_in_is_read_through_it() {
	dwell thread thread
	exits 0 sockrec -n 1 -o x.skt
	leave thread
	python <<'END'
(inode, pid), = dwellers("thread")
rows = [row for row in query("x.skt") if row["net_namespace"] == inode]
assert len(rows) == 4 and inode != OWN, rows
for row in rows:
    owner, = row["owners"]
    assert (owner["pid"], owner["process_net_namespace"]) == (pid, OWN), row
END
}

t_a_namespace_that_is_born_during_a_recording_is_found_at_once() {
	record x.skt -i 100ms -n 20
	eventually reached x.skt 3
	dwell new 1
	ends $recorder 0
	leave new
	python <<'END'
(inode, pid), = dwellers("new")
seen = [count(snapshot, inode) for snapshot in dump("x.skt")]
assert seen[0] == 0 and seen[-1] == 4, seen
END
}

t_the_tables_of_a_namespace_that_nobody_lives_in_any_more_are_gone() {
	dwell old 3
	record x.skt -i 100ms -n 30
	eventually reached x.skt 5
	leave old
	ends $recorder 0
	[ "$(wc -l <said)" = 1 ] || { cat said; return 1; }
	python <<'END'
gone = {inode for inode, pid in dwellers("old")}
snapshots = dump("x.skt")
assert gone < {table["net_namespace"] for table in snapshots[0]["tables"]}
assert {table["net_namespace"] for table in snapshots[-1]["tables"]} == {OWN}
END
}

t_a_namespace_outlives_its_lender_while_another_lives_in_it() {
	local other

	ip netns add shared
	dwell shared @shared here
	ip netns exec shared sleep 60 &
	other=$!
	record x.skt -i 100ms -n 30 --netns-interval=200ms
	eventually reached x.skt 5
	leave shared
	ends $recorder 0
	kill $other
	ip netns del shared
	python <<'END'
(inode, pid), = dwellers("shared")
snapshots = dump("x.skt")
# there all the time; the listener was closed, and what is left of the connection is in TIME_WAIT
assert all(tables(snapshot, inode) for snapshot in snapshots)
assert 10 in [row["state"] for table in tables(snapshots[0], inode) for row in table["rows"]]
states = [row["state"] for table in tables(snapshots[-1], inode) for row in table["rows"]]
assert set(states) <= {6}, states
END
}

# carries_nothing_over DESCRIPTORS LEAST: namespaces are born and die under the same few numbers, while a recorder that may
# have so many descriptors looks on; it sees LEAST of 30.
carries_nothing_over() {
	python "$@" <<'END'
def child():
    process = subprocess.Popen(["dweller", "7411", "1"], stdout=subprocess.PIPE)
    return process, tuple(map(int, process.stdout.readline().split()))

def end_of(process):
    process.terminate()
    process.wait()

recorder = subprocess.Popen(["bash", "-c", 'ulimit -n "$0"; exec sockrec -i 400ms --netns-interval=400ms -o x.skt', sys.argv[1]],
                            stderr=subprocess.DEVNULL)
time.sleep(0.3)
lived = []
for _ in range(30):
    process, who = child()
    lived.append(who)
    # from one look to the next one dies, which takes the kernel a while, and another is born
    time.sleep(0.3)
    end_of(process)
    time.sleep(0.1)
recorder.terminate()
assert recorder.wait() == 0
# numbers were given again: without that nothing is proved
assert len({inode for inode, pid in lived}) < 20, lived
lived += dwellers("others")

shown, before = set(), {}
for snapshot in dump("x.skt"):
    now = {}
    for table in snapshot["tables"]:
        key = table["net_namespace"], table["kind"]
        pids = {pid for row in table["rows"] for pid, start, fd in row["owners"]}
        assert len(pids) < 2, (key, pids)
        now[key] = pids.pop() if pids else before.get(key)
        # the same table in the next snapshot is the same namespace's: who lived there lives there
        assert before.get(key) in (None, now[key]), (key, before[key], now[key])
        if now[key]:
            shown.add((table["net_namespace"], now[key]))
    before = now
assert shown <= set(lived), (shown, lived)
assert len(shown) >= int(sys.argv[2]), (len(shown), lived)
END
}

t_a_number_that_is_given_to_another_namespace_carries_nothing_over() {
	touch others
	carries_nothing_over 1000 10
}

t_nor_does_one_for_which_there_was_no_descriptor_to_hold_it() {
	dwell others 10
	carries_nothing_over 24 5
	leave others
}

t_a_namespace_that_only_has_a_name_is_not_there() {
	ip netns add empty
	ip netns exec empty stat -Lc %i /proc/self/ns/net >inode
	exits 0 sockrec -n 1 -o x.skt
	ip netns del empty
	python <<'END'
assert int(read("inode")) not in {table["net_namespace"] for table in dump("x.skt")[0]["tables"]}
END
}

t_more_namespaces_than_descriptors_are_recorded_all_the_same() {
	dwell many 30
	exits 0 bash -c 'ulimit -n 24; exec sockrec -i 100ms -n 3 -o x.skt'
	leave many
	python <<'END'
last = dump("x.skt")[-1]
for inode, pid in dwellers("many"):
    assert count(last, inode) == 4, inode
END
}

# ---- without privilege ----

t_without_privilege_others_in_the_own_namespace_are_no_gap() {
	dwell here here
	"${as_nobody[@]}" sockrec -i 100ms -n 2 -o - >x.skt 2>said
	leave here
	fails grep -q 'network namespace' said
	python <<'END'
assert [snapshot["quality"]["netns_denied"] for snapshot in dump("x.skt")] == [0, 0]
assert len([row for row in query("x.skt") if row["inode"]]) == 4
END
}

t_without_privilege_who_lives_elsewhere_is_counted_and_told_once() {
	dwell others 3
	dwell here here
	"${as_nobody[@]}" sockrec -i 100ms -n 2 -o - >x.skt 2>said
	leave others
	leave here
	[ "$(grep -c '^sockrec: 3 processes may live in other network namespaces' said)" = 1 ] || { cat said; return 1; }
	python <<'END'
assert [snapshot["quality"]["netns_denied"] for snapshot in dump("x.skt")] == [3, 3]
assert {row["net_namespace"] for row in query("x.skt")} == {OWN}
END
}

run_tests

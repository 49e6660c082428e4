#!/bin/bash
# SPDX-License-Identifier: MIT
# A live recording of tests/host/conversation.c holds what that program says of itself, and what /proc says of its
# processes. Other processes of this host run on, and some may be denied even to root.
. "$(dirname "$0")/../lib.sh"
own_network --pid

# ---- the recording ----

# The program has a name to be awkward, and is removed while it runs.
program="$TMPDIR/conver sation (deleted)"
cp "$(command -v conversation)" "$program"
mkfifo in
"$program" <in >truth 2>conversation.err &
talker=$!
exec 3>in
eventually grep -q ready truth || { cat conversation.err; exit 1; }
rm "$program"

# What the kernel says of each process, while it lives.
python "$program" <<'END' || exit
kernel = {}
for about in (json.loads(line) for line in open("truth") if line.startswith("{")):
    if "pid" not in about:
        continue
    proc = "/proc/%d/" % about["pid"]
    ticks = int(read(proc + "stat").rpartition(b")")[2].split()[19])
    # a zombie has no memory and no namespaces, but for its threads
    task = max(os.listdir(proc + "task"), key=int)
    about["start"] = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    about["comm"] = read(proc + "comm")[:-1].decode("latin1")
    about["cgroup"] = read(proc + "cgroup")[:-1].decode("latin1")
    about["cmdline"] = read(proc + "task/%s/cmdline" % task).decode("latin1")
    about["net"] = int(os.readlink(proc + "task/%s/ns/net" % task)[5:-1])
    about["exe"] = sys.argv[1]
    kernel[about["name"]] = about
json.dump(kernel, open("kernel", "w"))
END

# Snapshots can be read while more are recorded.
reached() { sockquery "x.skt@#$1" >/dev/null; }
snapshots() { sockquery -H x.skt 2>&1 >/dev/null | sed -n 's/.*snapshot \([0-9]*\) of .*/\1/p'; }

sockrec --netns=own -i 100ms -o x.skt 2>sockrec.err &
recorder=$!
eventually reached 3 || exit
sockquery --format=jsonl x.skt >before 2>sockquery.err
echo >&3
eventually grep -q closed truth
eventually reached $(($(snapshots) + 20)) || exit
kill -INT $recorder
wait $recorder
status=$?
sockquery --format=jsonl x.skt >after 2>>sockquery.err
exec 3>&-
wait $talker

# What the tests' python begins with.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
truth = [about for about in (json.loads(line) for line in open("../truth") if line.startswith("{")) if "table" in about]
truth = {about["name"]: about for about in truth}
kernel = json.load(open("../kernel"))
before, after = jsonl("../before"), jsonl("../after")

def find(rows, name):
    about = truth[name]
    found = [row for row in rows if row_key(row) == (about["table"], about["local"], about["remote"])]
    assert len(found) == 1, (about, found)
    return found[0]

def held_by(row):
    return sorted([owner["pid"], owner["fd"]] for owner in row["owners"])

# an owner entry of each process
entry = {owner["pid"]: owner for row in before for owner in row["owners"]}
'

# ---- the tests ----

t_a_live_recording_ends_in_good_order_on_SIGINT() {
	[ $status = 0 ]
	grep -Eq '^sockrec: x.skt: [0-9.a-z]+, [0-9]+ snapshots, [0-9]+ missed ticks?(,.*)?$' ../sockrec.err
}

t_a_recording_can_be_read_while_it_is_written() {
	fails grep -v '^sockquery: x.skt: .*, snapshot [0-9]* of [0-9]*, [0-9]* sockets$' ../sockquery.err
}

t_every_socket_is_found_and_none_that_is_not_there() {
	python <<'END'
def key(row):
    return row_key(row) + (row["state"],)
wanted = [(a["table"], a["local"], a["remote"], a["state"]) for a in truth.values()]
sys.exit(differ("the recording", [key(row) for row in before], wanted))
END
}

t_each_socket_has_all_its_holders_and_no_others() {
	python <<'END'
bad = 0
for name, about in truth.items():
    got = held_by(find(before, name))
    if got != sorted(about["owners"]):
        say(name, "got", got, "instead of", sorted(about["owners"]))
        bad = 1
sys.exit(bad)
END
}

t_both_processes_of_a_shared_listener_are_found_with_all_their_descriptors() {
	python <<'END'
row = find(before, "shared")
assert len({owner["pid"] for owner in row["owners"]}) == 2 and len(row["owners"]) == 3, row
assert row["owner"] == "held"
END
}

t_argv_is_exact_with_an_empty_argument_and_bytes_that_are_no_UTF_8_and_an_escape_code() {
	python <<'END'
wanted = [b"talk\033[31m\007", b"", b"\xff\xfe not UTF-8 \x80", "café €".encode(), b"back\\slash \\x41", b"line\nbreak",
          b" \t'\"$(id);", b""]
got = [unescape(arg) for arg in entry[kernel["talker"]["pid"]]["cmdline"]]
assert got == wanted, got
END
}

t_argv_of_every_process_is_what_the_kernel_says() {
	python <<'END'
for about in kernel.values():
    if about["pid"] in entry:
        got = b"".join(unescape(arg) + b"\0" for arg in entry[about["pid"]]["cmdline"])
        assert got == about["cmdline"].encode("latin1"), (about, got)
        assert entry[about["pid"]]["cmdline_truncated"] is False
END
}

t_comm_is_exact_with_a_parenthesis_and_an_escape_code() {
	python <<'END'
assert unescape(entry[kernel["talker"]["pid"]]["comm"]) == b"a) R 1 (\033[2J\xff"
for about in kernel.values():
    if about["pid"] in entry:
        assert unescape(entry[about["pid"]]["comm"]) == about["comm"].encode("latin1"), about
END
}

t_execve_is_seen_as_another_name_and_argv() {
	python <<'END'
heir = entry[kernel["heir"]["pid"]]
assert heir["comm"] == "the heir" and heir["cmdline"][0] == "heir", heir
END
}

t_exe_has_the_path_of_a_program_that_was_deleted() {
	python <<'END'
for about in kernel.values():
    if about["pid"] in entry:
        got = entry[about["pid"]]
        assert got["exe_deleted"] is True and unescape(got["exe"]) == about["exe"].encode(), got
END
}

t_ppid_and_uid_and_threads_and_state_are_the_processes() {
	python <<'END'
seen = 0
for about in kernel.values():
    if about["pid"] not in entry:
        continue
    got = entry[about["pid"]]
    seen += 1
    for name, wanted in (("ppid", about["ppid"]), ("process_uid", about["uid"]), ("threads", about["threads"]),
                         ("process_state", about["state"]), ("exited", False)):
        assert got[name] == wanted, (name, got[name], about)
# all but the giver hold a socket
assert seen == len(kernel) - 1, seen
END
}

t_start_time_is_when_the_process_started() {
	python <<'END'
for about in kernel.values():
    if about["pid"] in entry:
        got = ns(entry[about["pid"]]["start_time"]) / 1e9
        assert abs(got - about["start"]) < 0.1, (got, about)
END
}

t_cgroup_and_net_namespace_are_the_processes() {
	python <<'END'
for about in kernel.values():
    if about["pid"] in entry:
        got = entry[about["pid"]]
        assert unescape(got["cgroup"]) == about["cgroup"].encode("latin1"), got
        assert got["process_net_namespace"] == about["net"], got
END
}

t_the_network_namespace_is_that_which_was_recorded() {
	python <<'END'
here = int(os.readlink("/proc/self/ns/net")[5:-1])
assert {row["net_namespace"] for row in before} == {here}
END
}

t_uids_have_the_names_of_this_host() {
	python <<'END'
import pwd
row = find(before, "of nobody")
name = pwd.getpwuid(65534).pw_name
assert (row["uid"], row["user"]) == (65534, name), row
assert (row["owners"][0]["process_uid"], row["owners"][0]["process_user"]) == (65534, name), row
assert (find(before, "udp bound")["uid"], find(before, "udp bound")["user"]) == (0, pwd.getpwuid(0).pw_name)
END
}

t_a_zombies_thread_still_holds_its_socket() {
	python <<'END'
about = kernel["zombie"]
owner, = find(before, "of a zombie's thread")["owners"]
assert owner["pid"] == about["pid"] and owner["process_state"] == "Z", owner
END
}

t_a_descriptor_sent_to_another_process_is_its_receivers() {
	python <<'END'
owner, = find(before, "handed over")["owners"]
assert owner["pid"] == kernel["talker"]["pid"] != kernel["giver"]["pid"]
END
}

t_a_listener_inherited_over_fork_and_exec_is_the_heirs() {
	python <<'END'
owner, = find(before, "inherited")["owners"]
assert owner["pid"] == kernel["heir"]["pid"]
END
}

t_a_connection_that_nobody_accepted_is_queued() {
	python <<'END'
row = find(before, "queued")
assert row["owner"] == "queued" and row["inode"] == 0 and row["owners"] == [], row
assert find(before, "queue's listener")["rx_queue"] == 1
assert row["uid"] == 0 and row["user"] is None, "root is blamed: %r" % row
END
}

t_a_TIME_WAIT_is_carried_by_who_held_it() {
	python <<'END'
row = find(after, "closing")
assert row["state"] == "TIME_WAIT" and row["inode"] == 0, row
assert row["owner"] == "carried" and held_by(row) == truth["closing"]["owners"], row
assert row["timer"] == "time_wait" and 0 < row["timer_ms"] <= 60000, row
END
}

t_a_closed_socket_is_gone() {
	python <<'END'
gone = [row for row in after if row_key(row) == row_key(find(before, "closing's peer"))]
assert not gone, gone
# and nothing else
wanted = [row_key(row) for row in before if row_key(row) != row_key(find(before, "closing's peer"))]
sys.exit(differ("the last snapshot", [row_key(row) for row in after], wanted))
END
}

t_numbers_are_those_of_the_kernels_tables() {
	python <<'END'
# the tables of a namespace without others are short enough to be read at once
for row in before:
    assert row["table_status"] == "fresh" and row["ref"] > 0 and len(row["sk"]) == 16, row
    if row["state"] == "ESTABLISHED" and row["table"].startswith("tcp"):
        assert row["cwnd"] > 0 and row["ssthresh"] is not None and row["drops"] is None, row
    if row["table"].startswith("udp"):
        assert row["drops"] == 0 and row["rto"] is None, row
END
}

run_tests

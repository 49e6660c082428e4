#!/bin/bash
# SPDX-License-Identifier: MIT
# sockreplay: changes in order and at their pace, trees, and commands on them. What needs the sockets of this kernel is in
# tests/host/replay.sh, that trees give a recording back in tests/cli/replay-trees.sh, and that nothing is left in
# tests/cli/replay-kill.sh.
# shellcheck disable=SC2119,SC2016 # not every test passes an argument to python; what is quoted is another shell's
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/replay.sh"

fixtures=$TOP/fixtures/rec

# may_mount: is --mount allowed here?
may_mount() { replay "$h" --mount -- true 2>/dev/null || skip 'no namespaces for this user'; }

# ---- changes ----

t_changes_are_those_that_watch_printed_when_they_were_recorded() {
	local format

	# those of one instant stand in the order of their slots, which is another in a file; in CSV they are numbered
	for format in table jsonl csv; do
		sockrec --trees="$hands" --watch --all --format=$format >watched 2>/dev/null
		exits 0 sockreplay --all --format=$format "$h"
		[ -s watched ]
		[ $format != csv ] || sed -i 's/^[0-9]*,//' watched out
		diff <(sort watched) <(sort out)
	done
	sockrec --trees="$hands" --watch >watched 2>/dev/null
	exits 0 sockreplay "$h"
	diff <(sort watched) <(sort out)
}

t_what_the_times_were_resolved_to_is_said() {
	exits 0 sockreplay "$h"
	has err 'from snapshot 1, 2026-11-22T14:03:07.000000000Z to snapshot 8, 2026-11-22T14:03:14.000000000Z'
	exits 0 sockreplay --tz=Asia/Tokyo --from=23:03:09 --to=+5s "$h"
	has err 'from snapshot 3, 2026-11-22T23:03:09.000000000+09:00 to snapshot 6, 2026-11-22T23:03:12.000000000+09:00'
	exits 0 sockreplay "$h@#3" -- true
	has err '2026-11-22T14:03:09.000000000Z, snapshot 3 of 8, 2 sockets'
}

# hours FILE: of each line of a table of changes, when it was.
hours() { sed -n 's/^\([0-9:]*\)\.000Z .*/\1/p' "$1" | uniq | tr '\n' ' '; }

t_from_and_to_are_the_snapshots_in_force_then() {
	exits 0 sockreplay "$h" --from=#3 --to=#6
	[ "$(hours out)" = '14:03:11 14:03:12 ' ]
	# the one of 14:03:08 is in force, the one of 14:03:12 is not yet
	exits 0 sockreplay "$h" --from=14:03:08.9 --to=14:03:11.999
	[ "$(hours out)" = '14:03:09 14:03:11 ' ]
	# beyond the recording there is no bound
	exits 0 sockreplay "$h" --from=2020-01-01 --to=2030-01-01
	[ "$(hours out)" = '14:03:08 14:03:09 14:03:11 14:03:12 14:03:13 14:03:14 ' ]
}

t_an_expression_selects_what_is_printed() {
	exits 0 sockreplay "$h" sport = :8080
	[ "$(tail -n +2 out)" = "$(sockreplay "$h" 2>/dev/null | grep 0.0.0.0:8080)" ]
	exits 0 sockreplay "$h" pid = 721 and not state listen
	has out 'accepted ' 'moved ' 'orphaned '
	[ "$(wc -l <out)" = 5 ]
	exits 1 sockreplay "$h" dst 192.0.2.1
	exits 2 sockreplay "$h" no-such-field = 7
}

t_no_changes_are_a_no() {
	exits 1 sockreplay "$h" --from=#3 --to=#4
	exits 2 sockreplay "$h" --from=#9
	has err 'there is no snapshot #9'
}

# What was said but for the name of the tool, and for what sockreplay resolved.
said() { sed -n 's/^sock[a-z]*: //p' err | { grep -v 'h.skt: from ' || true; }; }

t_a_stretch_that_is_partly_or_wholly_outside_is_taken_as_sockquery_takes_it() {
	local ends rc

	# hands is from 14:03:07 to 14:03:14 of one day
	for ends in --from=14:03:09,--to=15:00 --from=13:00,--to=14:03:10 --to=14:04 --from=14:03 --from=-90s --to=+1h \
		--from=14:00,--to=13:00 --from=2020-01-01,--to=2030-01-01 \
		--from=15:00 --to=12:00 --from=2030-01-01 --to=2020-01-01 --from=#4,--to=#3; do
		rc=0
		# shellcheck disable=SC2086 # words
		sockquery --view=changes ${ends/,/ } "$h" >/dev/null 2>err || rc=$?
		said >wanted
		# shellcheck disable=SC2086
		exits $rc sockreplay ${ends/,/ } "$h"
		diff wanted <(said)
	done
	# and how that reads
	exits 0 sockreplay --from=14:03:09 --to=15:00 "$h"
	[ "$(hours out)" = '14:03:11 14:03:12 14:03:13 14:03:14 ' ]
	has err 'nothing was recorded from 2026-11-22T14:03:14.000000000Z to 2026-11-22T15:00:00.000000000Z'
	exits 2 sockreplay --from=15:00 "$h"
	has err '--from is 2026-11-22T15:00:00.000000000Z: the recording goes from'
	exits 2 sockreplay --from=#4 --to=#3 "$h"
	has err '--from is later than --to'
	# a tree for each of what is there
	exits 0 sockreplay --from=14:03:13 --to=15:00 --to-trees=some "$h"
	[ "$(find some -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
}

t_a_recording_comes_through_a_pipe() {
	sockreplay "$h" >wanted 2>/dev/null
	sockreplay - <"$h" >got 2>/dev/null
	cmp wanted got
	replay -@#3 -- cat /dev/null - <"$h" >got 2>err
	is_empty got
	has err 'snapshot 3 of 8'
}

t_a_gap_is_told_where_it_lies() {
	exits 2 sockreplay --all --format=jsonl "$fixtures/gap.skt"
	has err 'gap: the recorder could not write'
	python <<'END'
assert len({row["time"] for row in jsonl("out")}) > 3
END
	# and what is not asked about is not
	exits 0 sockreplay --all --to=first+0s "$fixtures/gap.skt" 2>/dev/null || exits 0 sockreplay --all --from=#1 --to=#2 "$fixtures/gap.skt"
	fails grep gap: err
}

t_damage_is_told_and_what_stands_behind_it_is_printed() {
	local name

	for name in flipped-payload missing-group zeroed-middle wrong-digest; do
		exits 2 sockreplay --all --format=jsonl "$fixtures/$name.skt"
		grep -Eq "$name.skt:[0-9]+: " err
		[ "$(grep -c . err)" -lt 6 ]
		exits 0 sockquery --format=jsonl "$fixtures/v1-groups.skt@last"
	done
}

t_every_recording_that_can_be_opened_is_played_to_its_end() {
	local file rc

	for file in "$fixtures"/*.skt; do
		rc=0
		prlimit --cpu=60 sockreplay --all --format=jsonl "$file" >"${file##*/}.out" 2>err || rc=$?
		[ $rc -le 2 ] || { echo "$file: $rc"; cat err; return 1; }
	done
	python <<'END'
played = [jsonl(name) for name in os.listdir(".") if name.endswith(".out")]
assert len(played) > 50 and sum(map(bool, played)) > 25, [len(rows) for rows in played]
assert all(row["time"] for rows in played for row in rows)
END
}

t_a_reader_that_goes_away_is_an_end_in_good_order() {
	local -a rc

	sockreplay --speed=1 "$h" 2>err | head -n 1 >out
	rc=("${PIPESTATUS[@]}")
	[ "${rc[0]}" = 0 ]
	has out TIME
	exits 2 sh -c 'exec sockreplay "$1" >/dev/full' sh "$h"
	has err 'cannot write to standard output'
}

t_changes_come_when_they_are_due_and_not_before() {
	python "$h" <<'END'
# the recording has changes 1, 2, 4, 5, 6 and 7 seconds after its first snapshot
before = time.monotonic()
replay = subprocess.Popen(["replay", "--speed=10", "--format=jsonl", sys.argv[1]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
for line in replay.stdout:
    due = (ns(json.loads(line)["time"]) - ns("2026-11-22T14:03:07.000000000Z")) / 10**9 / 10
    assert time.monotonic() - before >= due, (line, due)
assert replay.wait() == 0
assert time.monotonic() - before >= 0.7
END
}

t_a_signal_ends_the_replay_in_good_order() {
	python "$h" <<'END'
import signal
for number in signal.SIGINT, signal.SIGTERM:
    replay = subprocess.Popen(["replay", "--speed=0.01", "--all", "--format=json", sys.argv[1]], stdout=open("out", "w"), stderr=subprocess.DEVNULL)
    while not read("out").strip():
        time.sleep(0.02)
    replay.send_signal(number)
    assert replay.wait(20) == -number
    assert json.load(open("out"))
END
}

t_what_a_recorder_still_writes_is_followed_if_asked() {
	mkdir trees
	cp -r "$hands"/*07Z trees/
	python "$TOP" <<'END'
import signal
recorder = subprocess.Popen(["sockrec", "--netns=own", "-i", "100ms", "--proc", sys.argv[1] + "/fixtures/proc/seed", "-o", "x.skt"], stderr=subprocess.DEVNULL)
end = time.monotonic() + 30
while subprocess.run(["sockquery", "x.skt"], capture_output=True).returncode == 2:
    assert time.monotonic() < end
follow = subprocess.Popen(["replay", "--follow", "--all", "x.skt"], stdout=open("out", "w"), stderr=subprocess.DEVNULL)
assert subprocess.run(["sockreplay", "--all", "x.skt"], capture_output=True).returncode == 0
assert follow.poll() is None
recorder.send_signal(signal.SIGINT)
assert recorder.wait() == 0
assert follow.wait(30) == 0
END
}

# ---- trees ----

t_a_tree_is_the_instant() {
	local sum

	exits 0 sockreplay "$h@#3" --to-tree=tree
	[ "$(stat -c %a tree)" = 700 ]
	grep -q '0100000A:0050\|0500000A:0050' tree/net/tcp
	[ "$(readlink tree/721/fd/11)" = "$(readlink "$hands"/*09Z/721/fd/11)" ]
	# row numbers aside, the table is the one that was recorded
	diff <(cut -c 6- tree/net/tcp) <(cut -c 6- "$hands"/*09Z/net/tcp)
	exits 0 sockrec --proc=tree -n 1 -o back.skt
	sockquery -H --format=csv back.skt 2>/dev/null | cut -d, -f3-12 >got
	sockquery -H --format=csv "$h@#3" 2>/dev/null | cut -d, -f3-12 >wanted
	cmp wanted got
	nothing_left
	sum=$(find tree | sort | md5sum)
	exits 2 sockreplay "$h@#3" --to-tree=tree
	has err 'tree: there is something in it'
	[ "$(find tree | sort | md5sum)" = "$sum" ]
	nothing_left
}

t_a_tree_takes_the_place_of_an_empty_directory_and_of_nothing_else() {
	mkdir empty
	exits 0 sockreplay "$h" --to-tree=empty/
	[ -e empty/net/tcp ]
	touch file
	ln -s nowhere link
	for place in file link; do
		exits 2 sockreplay "$h" --to-tree=$place
		has err "sockreplay: $place: it is there already"
	done
	for place in no/such/place . .. / ''; do
		exits 2 sockreplay "$h" --to-tree="$place"
	done
	nothing_left
}

# ---- commands ----

t_a_command_is_told_where_the_tree_is() {
	exits 0 replay "$h@#3" -- sh -c 'printf "%s\n" "$PROC_ROOT" "$HOST_PROC" "$SKT_PROC"; stat -c %a "$SKT_PROC/.."; cat "$SKT_PROC/721/comm"'
	python "$tmp" <<'END'
one, two, three, mode, comm = read("out").decode().splitlines()
assert one == two == three and one.startswith(sys.argv[1] + "/.sockreplay-"), one
assert mode == "700" and comm == "nginx", (mode, comm)
assert not os.path.exists(one)
END
	nothing_left
}

t_ss_reads_the_past() {
	command -v ss >/dev/null || skip 'no ss'
	exits 0 replay "$h@#3" -- ss -tanpH
	grep -Eq '^LISTEN +0 +0 +0.0.0.0:80 +0.0.0.0:\* +users:\(\("nginx",pid=72[01],fd=6\),\("nginx",pid=72[01],fd=6\)\)' out
	grep -Eq '^ESTAB +0 +0 +10.0.0.5:80 +10.0.0.9:40000 +users:\(\("nginx",pid=721,fd=11\)\)' out
	[ "$(wc -l <out)" = 2 ]
}

t_a_commands_exit_status_is_handed_on() {
	local how

	touch plain
	for how in '' --mount --speed=1000; do
		[ "$how" != --mount ] || may_mount
		exits 0 replay "$h" $how -- true
		exits 1 replay "$h" $how -- false
		exits 77 replay "$h" $how -- sh -c 'exit 77'
		exits 137 replay "$h" $how -- sh -c 'kill -9 $$'
		exits 143 replay "$h" $how -- sh -c 'kill -TERM $$'
		exits 127 replay "$h" $how -- no-such-command
		has err "cannot run 'no-such-command': No such file or directory"
		exits 126 replay "$h" $how -- ./plain
		has err "cannot run './plain': Permission denied"
		nothing_left
	done
}

t_our_own_trouble_is_125_where_a_command_is_to_run() {
	exits 125 replay no-such.skt -- true
	exits 125 replay "$h@#99" -- true
	exits 125 replay --no-such-option "$h" -- true
	has err "Try 'sockreplay --help'."
	exits 125 replay "$h" --
	exits 125 replay -- true
	exits 125 env TMPDIR=/no/such/place sockreplay "$h" -- true
	exits 125 replay "$h" --all -- true
	has err '--all is about changes that are printed'
	exits 2 replay --no-such-option "$h"
}

t_what_does_not_go_together_is_refused() {
	exits 2 sockreplay "$h@#3"
	has err 'one instant has no changes'
	exits 2 sockreplay "$h@#3" --speed=1 --to-tree=x
	has err '--speed is not about one instant'
	exits 2 sockreplay "$h" --from=#2 --to-tree=x
	has err '--from does not name an instant'
	exits 2 sockreplay "$h" --mount
	has err '--mount needs a command'
	exits 2 sockreplay "$h" --to-tree=x --to-trees=y
	exits 125 sockreplay "$h" --to-tree=x -- true
	exits 125 sockreplay "$h" --self-test -- true
	exits 2 sockreplay "$h" --speed=0
	has err "'0' is no number from 0.001 to 1000000"
	exits 2 sockreplay "$h" --to-tree=x pid = 7
	has err "'pid': an expression is about changes that are printed"
	exits 125 sockreplay "$h" pid = 7 -- true
	[ ! -e x ] && [ ! -e y ]
}

t_a_command_has_our_standard_streams_and_nothing_else() {
	echo hello | replay "$h" -- sh -c 'cat; echo on stderr >&2; ls -l /proc/self/fd | grep -c skt' >out 2>err || :
	[ "$(cat out)" = $'hello\n0' ]
	has err 'on stderr'
	[ "$(umask 0027; replay "$h" -- sh -c umask 2>/dev/null)" = 0027 ]
}

t_signals_are_handed_on() {
	local how

	for how in '' --mount --speed=1000; do
		[ "$how" != --mount ] || may_mount
		python "$h" $how <<'END'
import signal
for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1:
    replay = subprocess.Popen(["replay", *sys.argv[1:], "--", "sh", "-c",
        "trap 'echo heard; exit 5' HUP INT TERM USR1; echo ready; while :; do sleep 0.05; done"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert replay.stdout.readline() == b"ready\n"
    replay.send_signal(number)
    assert replay.stdout.read() == b"heard\n"
    assert replay.wait(20) == 5
END
		nothing_left
	done
}

t_the_terminal_tells_a_command_once() {
	local how

	for how in '' --mount; do
		[ "$how" != --mount ] || may_mount
		python "$h" $how <<'END'
import pty
pid, fd = pty.fork()
if not pid:
    os.execvp("replay", ["replay", *sys.argv[1:], "--", "python3", "-c", """
import signal, time
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.5)
print("heard", len(heard), "times", flush=True)
"""])
text = b""
while b"ready" not in text:
    text += os.read(fd, 4096)
os.write(fd, b"\x03")
try:
    while b"times" not in text:
        text += os.read(fd, 4096)
except OSError:
    pass
assert b"heard 1 times" in text, text
assert os.waitpid(pid, 0)[1] == 0
END
	done
}

# ---- over /proc ----

t_mount_shows_netstat_the_past_and_netlink_nothing() {
	may_mount
	command -v netstat >/dev/null || skip 'no netstat'
	exits 0 replay "$h@#3" --mount -- netstat -tapn
	grep -q '^tcp .* 0.0.0.0:80 .* LISTEN  *720/nginx' out
	grep -q '^tcp .* 10.0.0.5:80 .* 10.0.0.9:40000 .* ESTABLISHED 721/nginx' out
	[ "$(wc -l <out)" = 4 ]
	exits 0 replay "$h@#3" --mount -- env -u PROC_ROOT ss -tuanH
	is_empty out
	nothing_left
}

t_the_seed_through_netstat_gives_the_line_of_its_document() {
	may_mount
	command -v netstat >/dev/null || skip 'no netstat'
	exits 0 sockrec --proc="$TOP/fixtures/proc/seed" -n 1 -o seed.skt
	exits 0 replay seed.skt --mount -- netstat -tapn
	sed 's/  */ /g; s/ $//' out >squeezed
	grep -qxF 'tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 28850/cherokee-work' squeezed
}

t_mount_lets_shells_and_python_see_themselves() {
	may_mount
	exits 0 replay "$h@#3" --mount -- bash -c 'cat <(echo one); readlink /proc/self/exe; cat /proc/self/comm; cat /proc/721/comm; id -u'
	[ "$(cat out)" = "$(printf 'one\n%s\ncat\nnginx\n%s' "$(readlink -f "$(command -v readlink)")" "$(id -u)")" ]
	exits 0 replay "$h@#3" --mount -- python3 -c 'import os; print(os.listdir("/proc/self/fd") != [], "721" in os.listdir("/proc"), os.environ["SKT_PROC"])'
	has out 'True True /proc'
}

t_mount_lets_ps_and_top_see_the_past_and_themselves() {
	may_mount
	command -v top >/dev/null || skip 'no ps and top'
	exits 0 replay "$h@#3" --mount -- ps -eo pid=,comm=
	sed 's/^ *//; s/  */ /g' out | sort -n >seen
	# numbers go on behind the last one that was recorded
	diff seen - <<'END'
720 nginx
721 nginx
722 ps
END
	exits 0 replay "$h@#3" --mount -- bash -c 'for n in 1 2 3; do ps -eo comm=; done; ls -1 /proc >there; ps aux | grep -c nginx; : again'
	[ "$(grep -cx ps out)" = 3 ]
	[ "$(tail -n 1 out)" -ge 2 ]
	# those that have exited are there no more
	[ "$(grep -c '^[0-9]' there)" -le 5 ]
	exits 0 replay "$h@#3" --mount -- top -b -n 1
	has out nginx
	exits 0 replay "$h@#3" --mount -- free
	exits 0 replay "$h@#3" --mount -- vmstat
	exits 0 replay "$h@#3" --mount -- pgrep -x nginx
	[ "$(cat out)" = $'720\n721' ]
}

t_mount_says_which_call_was_refused() {
	unshare -Ur true 2>/dev/null || skip 'no user namespaces'
	exits 125 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all sockreplay "$1" --mount -- true' sh "$h"
	has err '--mount: not allowed here: unshare(2): '
}

# ---- moving ----

t_a_moving_tree_is_whole_at_every_moment_and_gone_at_the_end() {
	python "$h" <<'END'
replay = subprocess.Popen(["replay", sys.argv[1], "--speed=5", "--to-tree=moving"], stderr=subprocess.DEVNULL)
seen = []
while replay.poll() is None:
    try:
        # what is opened once is whole as long as the next tree but one has not come
        tree = os.open("moving", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        time.sleep(0.005)
        continue
    try:
        meta = open(os.open(".skt-meta", os.O_RDONLY, dir_fd=tree)).read().splitlines()
        assert meta[-1] == "end" and "net" in os.listdir(tree)
        number = int([line.split()[1] for line in meta if line.startswith("number ")][0])
        if not seen or seen[-1] != number:
            seen.append(number)
    except FileNotFoundError:
        # the end of it all
        assert not os.path.lexists("moving") or replay.wait(20) == 0
    os.close(tree)
    time.sleep(0.005)
assert replay.wait() == 0
assert seen[0] == 1 and seen == sorted(seen) and len(seen) > 2, seen
END
	nothing_left
}

t_a_moving_tree_is_not_put_over_anything_but_an_empty_directory() {
	touch file
	mkdir -p full/of
	exits 2 sockreplay "$h" --speed=1 --to-tree=file
	has err 'file: it is there already'
	exits 2 sockreplay "$h" --speed=1 --to-tree=full
	has err 'full: there is something in it'
	[ -d full/of ]
	mkdir moving
	exits 0 replay "$h" --speed=1000 --to-tree=moving/ -- test -L moving
	nothing_left
}

t_a_command_beside_a_moving_tree_sees_it_move_and_ends_it() {
	exits 4 replay "$h" --speed=20 -- sh -c '
		first=$(sed -n "s/^number //p" "$SKT_PROC/.skt-meta")
		until [ "$(sed -n "s/^number //p" "$SKT_PROC/.skt-meta")" = 8 ]; do sleep 0.02; done
		echo "$first to 8"
		exit 4'
	has out ' to 8'
	# its end is the end, though an hour is left
	exits 0 replay "$h" --speed=0.001 -- true
	exits 0 replay "$h" --speed=0.001 --to-tree=moving -- test -e moving/net/tcp
	nothing_left
}

# ---- nothing is left ----

t_what_a_command_leaves_running_ends_with_it() {
	local how

	for how in '' --mount; do
		[ "$how" != --mount ] || may_mount
		exits 0 replay "$h" $how -- sh -c 'setsid sleep 4711 & (sleep 4711 &) ; exit 0'
		fails pgrep -f '^sleep 4711$'
	done
}

run_tests

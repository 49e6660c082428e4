#!/bin/bash
# SPDX-License-Identifier: MIT
# When snapshots are taken, what is said of those that were not, and how a recording ends. In namespaces of its own, where
# a snapshot takes no time to speak of; but the machine may be busy, so ticks may be late and missed, and must be told.
. "$(dirname "$0")/../lib.sh"
own_network --pid

# recorded FILE ARGUMENT...: record with these arguments; the status is sockrec's, what it says is in `said`.
recorded() {
	local file=$1

	shift
	sockrec -o "$file" "$@" 2>said || return
	[ "$(wc -l <said)" = 1 ] || { cat said; return 1; }
}

# reached FILE N: the Nth snapshot of a recording, which may hold no sockets at all, can be read.
reached() {
	local rc=0

	sockquery -H "$1@#$2" || rc=$?
	[ $rc -lt 2 ]
}

# The times of all snapshots, as every query says on stderr, and what the last line on stderr says of them.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
def snapshots(path):
    """Instants of the snapshots, and whether there are as many as are said."""
    times = []
    while True:
        done = subprocess.run(["sockquery", "-H", "%s@#%d" % (path, len(times) + 1)], capture_output=True, text=True)
        found = re.search(r"(\S+Z), snapshot (\d+) of (\d+)", done.stderr)
        if not found:
            assert done.returncode == 2, done
            return times
        assert done.returncode == 1 and int(found[2]) == len(times) + 1, done
        times.append(ns(found[1]) / 1e9)

def summary(path="said"):
    """(path, span in seconds, snapshots, missed) of the last line that sockrec says"""
    line = read(path).decode().splitlines()[-1]
    found = re.fullmatch(r"sockrec: (.*): ((?:\d+m)?[\d.]+(?:s|ms)), (\d+) snapshots?, (\d+) missed ticks?([;,] .*)?", line)
    assert found, line
    span = sum(float(n) * {"m": 60, "s": 1, "ms": 0.001}[unit] for n, unit in re.findall(r"([\d.]+)(ms|m|s)", found[2]))
    return found[1], span, int(found[3]), int(found[4])
'

t_two_seconds_of_50ms_are_40_ticks_snapshot_or_missed() {
	recorded x.skt -i 50ms -d 2s
	python <<'END'
path, span, n, missed = summary()
assert path == "x.skt"
assert n + missed == 40, (n, missed)
# a machine so busy that it misses most of them is no place for this test
assert n >= 10, (n, missed)
times = snapshots("x.skt")
assert len(times) == n, (len(times), n)
assert abs(times[-1] - times[0] - span) < 0.01, (times, span)
END
}

t_exact_ticks_do_not_drift() {
	local try

	# the machine may have been too busy to be on time, but drift would be there each time
	for try in 1 2 3; do
		recorded $try.skt --ticks=exact -i 50ms -n 50
		if undrifted $try.skt; then return; fi
	done
	return 1
}
undrifted() {
	python "$1" <<'END'
times = snapshots(sys.argv[1])
assert len(times) == 50
# Tick k is due at start + k * interval. What a late one is late by is its own affair: on time is who is as early as
# others, and late ones do not push those after them. So among the last there are some as punctual as among the first.
late = [(when - times[0]) / 0.05 % 1 for when in times]
late = [l - 1 if l > 0.9 else l for l in late]
early, end = min(late[:15]), min(late[-15:])
assert abs(end - early) < 0.1, late
# none is too early, none was taken twice in one interval
assert min(late) > -0.1, late
ticks = [round((when - times[0]) / 0.05 - l) for when, l in zip(times, late)]
assert all(a < b for a, b in zip(ticks, ticks[1:])), ticks
_, _, n, missed = summary()
assert ticks[-1] + 1 == n + missed, (ticks[-1], n, missed)
END
}

t_random_ticks_are_anywhere_in_their_intervals() {
	recorded x.skt -i 50ms -d 4s
	python <<'END'
times = snapshots("x.skt")
_, _, n, missed = summary()
assert n + missed == 80 and n == len(times), (n, missed)
# the first begins the first interval
phases = [(when - times[0]) / 0.05 for when in times[1:]]
# one a piece, in order: late ones may be over the border, by what they are late, and the first may have been late itself
late = max(0, max(k + 1 - phase for k, phase in enumerate(phases)))
assert late < 0.5, phases
phases = [phase + late for phase in phases]
if not missed:
    assert all(phase < k + 3 for k, phase in enumerate(phases)), phases
# Of 79 a quarter falls into each quarter, 20 give or take 4; that it is fewer than 4 happens once in 10^6 recordings.
quarters = [sum(int(phase % 1 * 4) == quarter for phase in phases) for quarter in range(4)]
if n > 60:
    assert min(quarters) >= 4, (quarters, phases)
END
}

t_the_last_interval_may_be_cut_short_and_has_its_tick() {
	# 120 ms are two intervals and two fifths; nothing is due after the end
	for _ in 1 2 3 4 5; do
		rm -f x.skt
		recorded x.skt -i 50ms -d 120ms
		python <<'END'
_, span, n, missed = summary()
assert n + missed == 3, (n, missed)
END
	done
}

t_ticks_that_were_missed_are_counted() {
	local recorder

	# a random tick may be waited for an interval longer before it is late; five seconds, for who stops it may be late himself
	sockrec --ticks=exact -i 50ms -d 5s -o x.skt 2>said &
	recorder=$!
	eventually test -s x.skt
	python $recorder <<'END'
import signal
recorder = int(sys.argv[1])
time.sleep(0.5)
os.kill(recorder, signal.SIGSTOP)
start = time.monotonic()
time.sleep(0.5)
stopped = time.monotonic() - start
os.kill(recorder, signal.SIGCONT)
open("stopped", "w").write(str(stopped))
END
	ends $recorder 0
	python <<'END'
_, _, n, missed = summary()
stopped = float(open("stopped").read())
# between two ticks as many intervals lie as were stopped, or one less
assert missed >= int(stopped / 0.05) - 1, (stopped, missed)
assert n + missed == 100, (n, missed)
times = snapshots("x.skt")
assert max(b - a for a, b in zip(times, times[1:])) >= stopped - 0.05
END
}

t_a_recording_of_n_snapshots_has_n() {
	for n in 1 7; do
		recorded $n.skt -i 10ms -n $n
		python $n <<'END'
n = int(sys.argv[1])
assert len(snapshots("%d.skt" % n)) == summary()[2] == n
END
	done
}

t_the_duration_ends_a_recording_on_time() {
	local start=${EPOCHREALTIME/./} end

	recorded x.skt -i 10s -d 700ms
	end=${EPOCHREALTIME/./}
	[ $((end - start)) -ge 700000 ]
	has said ', 1 snapshot, 0 missed ticks'
	# with the end block, the snapshot is in force until then, and no longer
	exits 1 sockquery -H x.skt@+600ms
	exits 2 sockquery -H x.skt@+9s
	has err 'no snapshot is in force'
}

# Each signal ends the recording in good order, as an end asked for would.
ends_by() {
	local recorder

	sockrec -i 20ms -o x.skt 2>said &
	recorder=$!
	eventually reached x.skt 3
	kill "-$1" $recorder
	ends $recorder 0
	python <<'END'
assert len(snapshots("x.skt")) == summary()[2] >= 3
END
	# nothing is wrong with it
	exits 1 sockquery -H x.skt
	[ "$(wc -l <err)" = 1 ]
}
t_SIGINT_ends_a_recording_in_good_order() { ends_by INT; }
t_SIGTERM_ends_a_recording_in_good_order() { ends_by TERM; }
t_SIGHUP_ends_a_recording_in_good_order() { ends_by HUP; }

t_a_signal_ends_a_recording_at_once() {
	local recorder start

	sockrec -i 1h -o x.skt 2>said &
	recorder=$!
	eventually test -s x.skt
	start=${EPOCHREALTIME/./}
	kill -TERM $recorder
	ends $recorder 0
	[ $((${EPOCHREALTIME/./} - start)) -lt 10000000 ]
	has said '1 snapshot, 0 missed ticks'
}

t_a_closed_pipe_ends_a_recording_in_good_order() {
	local -a status

	sockrec -i 10ms -o - 2>said | head -c 100 >part
	status=("${PIPESTATUS[@]}")
	[ "${status[0]}" = 0 ]
	has said 'sockrec: standard output: ' ' snapshot' 'its reader went away'
	# a hundred bytes are no header yet: that is said
	exits 2 sockquery part
	has err 'sockquery: part:'
}

t_what_went_through_a_closed_pipe_can_be_read() {
	sockrec -i 10ms -o - 2>said | head -c 4000 >part
	[ "$(wc -c <part)" = 4000 ]
	exits 2 sockquery -H part
	has err ', snapshot ' 'sockquery: part:'
}

t_a_recording_goes_through_a_pipe_whole() {
	sockrec -i 10ms -n 20 -o - 2>said | cat >x.skt
	python <<'END'
assert len(snapshots("x.skt")) == summary()[2] == 20
END
}

t_what_a_killed_recorder_wrote_up_to_a_second_before_can_be_read() {
	local recorder try

	# the machine may be so busy that a tick, and with it what it would have written, was late: then once more
	for try in 1 2 3; do
		rm -f x.skt
		sockrec -i 50ms -o x.skt 2>said &
		recorder=$!
		sleep 2.5
		kill -KILL $recorder
		date +%s.%N >killed
		wait $recorder || :
		if python <<'END'; then return; fi
times = snapshots("x.skt")
killed = float(open("killed").read())
lost = killed - times[-1] if times else None
say("lost %s s of %d snapshots" % (lost, len(times)))
assert times and lost < 1.1
END
	done
	return 1
}

t_a_killed_recorders_file_is_whole_or_says_where_it_is_torn() {
	local recorder try rc

	for try in 1 2 3 4 5; do
		rm -f x.skt
		sockrec -i 5ms -o x.skt 2>said &
		recorder=$!
		eventually test -s x.skt
		sleep 0.$try
		kill -KILL $recorder
		wait $recorder || :
		rc=0
		sockquery -H x.skt >out 2>err || rc=$?
		case $rc in
		1) has err ', snapshot ' ;;
		2) has err 'sockquery: x.skt:' ;;
		*) return 1 ;;
		esac
	done
}

t_an_interval_that_is_too_short_for_the_machine_is_counted_not_hidden() {
	recorded x.skt -i 1ms -d 300ms
	python <<'END'
_, _, n, missed = summary()
assert n + missed == 300, (n, missed)
END
}

t_the_last_line_of_a_recording_names_path_and_span_and_snapshots_and_missed_ticks() {
	recorded ./x.skt --ticks=exact -i 100ms -n 4
	python <<'END'
path, span, n, missed = summary()
assert path == "./x.skt" and n == 4 and abs(span - 0.1 * (3 + missed)) < 0.09, (path, span, n, missed)
END
}

# ---- a terminal ----

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
import pty, select, signal

def on_terminal(argv, until=None, stdout=None):
    """Run with stderr (and stdout) on a terminal: exit status and what it showed. Ended by SIGINT once `until` is shown."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or theirs, stderr=theirs)
    os.close(theirs)
    shown, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                more = os.read(ours, 65536)
            except OSError:
                break
            shown += more
            if not more:
                break
        if until and re.search(until, shown):
            child.send_signal(signal.SIGINT)
            until = None
    return child.wait(), shown
'

t_a_status_line_moves_on_a_terminal() {
	python <<'END'
status, shown = on_terminal(["sockrec", "-i", "20ms", "-o", "x.skt"], rb"\r1s  \d+ snapshots")
assert status == 0, (status, shown)
assert re.search(rb"\r1s  \d+ snapshots?  \d+ sockets?  \d+ bytes  \d+ missed ticks?\x1b\[K", shown), shown
# it stays on its line, until the last line takes its place
*before, last = shown.rstrip(b"\r\n").split(b"\r")
assert b"\n" not in shown.rstrip(b"\r\n"), shown
assert re.match(rb"(\x1b\[K)?sockrec: x.skt: .* snapshots, \d+ missed ticks?(, .*)?$", last), last
END
}

t_no_status_line_where_there_is_no_terminal() {
	recorded x.skt -i 50ms -d 1s
	fails grep -q '[[:cntrl:]]' said
}

t_a_recording_is_not_written_to_a_terminal() {
	python <<'END'
status, shown = on_terminal(["sockrec", "-n", "1", "-o", "-"])
assert status == 2 and b"terminal" in shown, (status, shown)
END
}

run_tests

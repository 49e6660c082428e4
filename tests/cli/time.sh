#!/bin/bash
# SPDX-License-Identifier: MIT
# REC@TIME: every form of TIME, on a recording whose snapshots' times are known, in several zones; and where an operand is
# split. The expected snapshot is worked out here, from the times alone: that which is in force.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

fixture=$TOP/fixtures/proc/seed
sockrec --proc="$fixture" -i 320ms -n 9 -o x.skt 2>/dev/null
sockrec --proc="$fixture" -i 250ms -n 1 -o one.skt 2>/dev/null

# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
from datetime import datetime, timedelta, timezone

def ask(operand, *options, tz="UTC", **more):
    """(status, number of the snapshot, its time as printed, standard error)"""
    done = subprocess.run(["sockquery", "--format=jsonl", "--tz=" + tz, *options, operand], capture_output=True, text=True, **more)
    found = re.search(r"(\S+), snapshot (\d+) of (\d+), ", done.stderr)
    return done.returncode, found and int(found[2]), found and found[1], done.stderr

def all_times(path):
    got = []
    while True:
        status, number, when, _ = ask("%s@#%d" % (path, len(got) + 1))
        if status:
            return got
        assert number == len(got) + 1
        got.append(ns(when))

REC = os.environ["REC"]
times = json.load(open(os.environ["TIMES"])) if os.path.exists(os.environ["TIMES"]) else all_times(REC)
SECOND = 10**9

def utc(when, digits=9):
    """RFC 3339, cut to so many digits"""
    text = datetime.fromtimestamp(when // SECOND, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (".%09d" % (when % SECOND))[:1 + digits] if digits else text

def trimmed(text):
    """A fraction has no zeros at its end."""
    return text.rstrip("0").rstrip(".") if "." in text else text

def expect(time_text, number, tz="UTC"):
    status, got, _, err = ask("%s@%s" % (REC, time_text), tz=tz)
    assert (status, got) == (0, number), (time_text, tz, "wanted #%d" % number, status, got, err)

def refuse(time_text, *words, tz="UTC"):
    status, got, _, err = ask("%s@%s" % (REC, time_text), tz=tz)
    assert (status, got) == (2, None), (time_text, tz, status, got, err)
    for word in words:
        assert word in err, (time_text, word, err)

def in_force(when):
    """The number of the snapshot that is in force at an instant within the recording."""
    return sum(t <= when for t in times)

# instants to ask for: each snapshot, just before it and just after it, and half way to the next
places = [(t + d, in_force(t + d)) for t in times for d in (-1, 0, 1)] + \
         [((a + b) // 2, in_force((a + b) // 2)) for a, b in zip(times, times[1:])]
places = [(when, number) for when, number in places if times[0] <= when <= times[-1]]
'
export REC=$PWD/x.skt TIMES=$PWD/times
python <<'END'
assert len(times) == 9 and times == sorted(set(times))
json.dump(times, open(os.environ["TIMES"], "w"))
END
[ -s times ] || { echo "Bail out! no recording"; exit 1; }

t_no_time_is_the_last_snapshot() {
	python <<'END'
assert ask(REC)[:2] == (0, 9)
END
}

t_first_and_last() {
	python <<'END'
expect("first", 1)
expect("last", 9)
END
}

t_the_Nth_snapshot_counts_from_1() {
	python <<'END'
for n in range(1, 10):
    expect("#%d" % n, n)
refuse("#10", "there is no snapshot #10", "#1 to #9")
END
}

t_so_long_after_the_first() {
	python <<'END'
expect("+0s", 1)
for when, number in places:
    expect("+%dns" % (when - times[0]), number)
    expect("+" + trimmed("%d.%09d" % divmod(when - times[0], SECOND)) + "s", number)
expect("+1s200ms", in_force(times[0] + 1200 * 10**6))
END
}

t_so_long_before_the_last() {
	python <<'END'
expect("-0s", 9)
for when, number in places:
    expect("-%dns" % (times[-1] - when), number)
refuse("-1h", "no snapshot is in force", "#1", "#9")
END
}

t_a_date_and_time_with_a_Z() {
	python <<'END'
for when, number in places:
    text = trimmed(utc(when)) + "Z"
    expect(text, number)
    # whatever the zone asked for
    expect(text.replace("T", " ").lower(), number, tz="Asia/Kolkata")
END
}

t_a_date_and_time_with_an_offset() {
	python <<'END'
for when, number in places:
    for hours, text in ((2, "+02:00"), (-3.5, "-03:30"), (0, "+00:00"), (14, "+14:00")):
        expect(trimmed(utc(when + int(hours * 3600) * SECOND)) + text, number)
END
}

t_a_date_and_time_in_the_zone_asked_for() {
	python <<'END'
import time as clock
for zone in "UTC", "Asia/Kolkata", "America/St_Johns", "CET-1CEST,M3.5.0,M10.5.0/3":
    os.environ["TZ"] = zone
    clock.tzset()
    for when, number in places[::3]:
        local = clock.strftime("%Y-%m-%d %H:%M:%S", clock.localtime(when // SECOND))
        fraction = trimmed(".%09d" % (when % SECOND))
        expect(local + fraction, number, tz=zone)
        expect(local.replace(" ", "T") + fraction, number, tz=zone)
END
}

# shellcheck disable=SC2016 # not a word of shell
# A zone in which an instant within the recording is a full minute, or midnight: seconds may be part of an offset.
PRELUDE+='
def zone_where(when, hour, minute):
    """A TZ in whose clock the second `when` is hour:minute:00 of its day."""
    offset = (when - (hour * 3600 + minute * 60)) % 86400
    return "<XXX>%d:%02d:%02d" % (offset // 3600, offset // 60 % 60, offset % 60)

def instant(text):
    """Nanoseconds since 1970 of a time with an offset."""
    sign, hours, minutes = re.fullmatch(r"[^Z]{29}([+-])(\d\d):(\d\d)", text).groups()
    return ns(text[:29] + "Z") - int(sign + "1") * (int(hours) * 60 + int(minutes)) * 60 * SECOND

def refused_at(time_text, tz):
    """The instant that a TIME which is out of range was resolved to."""
    status, _, _, err = ask("%s@%s" % (REC, time_text), tz=tz)
    assert status == 2, err
    return instant(re.search(r"no snapshot is in force at (\S+):", err)[1])

# a whole second within the recording
whole = times[-1] // SECOND
assert times[0] <= whole * SECOND
'

t_a_date_and_time_to_the_minute() {
	python <<'END'
zone = zone_where(whole, 14, 3)
day = ask(REC + "@last", tz=zone)[2][:10]
expect(day + " 14:03", in_force(whole * SECOND), tz=zone)
expect(day + "T14:03", in_force(whole * SECOND), tz=zone)
END
}

t_a_date_is_its_first_instant() {
	python <<'END'
zone = zone_where(whole, 0, 0)
day = ask(REC + "@last", tz=zone)[2][:10]
expect(day, in_force(whole * SECOND), tz=zone)
# and that is told
refuse("1999-12-31", "1999-12-31T00:00:00.000000000Z")
END
}

t_today_is_the_first_instant_of_this_day() {
	python <<'END'
# midnight was a moment ago
expect("today", in_force(whole * SECOND), tz=zone_where(whole, 0, 0))
# or a little before the recording
assert refused_at("today", zone_where(whole, 0, 10)) == (whole - 600) * SECOND
END
}

t_yesterday_is_the_first_instant_of_the_day_before() {
	python <<'END'
assert refused_at("yesterday", zone_where(whole, 12, 0)) == (whole - 36 * 3600) * SECOND
END
}

t_seconds_since_1970() {
	python <<'END'
for when, number in places:
    expect(trimmed("%d.%09d" % divmod(when, SECOND)), number)
expect("%d" % whole, in_force(whole * SECOND))
END
}

t_a_time_of_day_is_the_only_one_in_the_recording() {
	python <<'END'
import time as clock
for zone in "UTC", "Asia/Kolkata", "America/St_Johns":
    os.environ["TZ"] = zone
    clock.tzset()
    for when, number in places[::3]:
        expect(clock.strftime("%H:%M:%S", clock.localtime(when // SECOND)) + trimmed(".%09d" % (when % SECOND)), number, tz=zone)
expect("14:03", in_force(whole * SECOND), tz=zone_where(whole, 14, 3))
expect("14:03:00", in_force(whole * SECOND), tz=zone_where(whole, 14, 3))
refuse("14:02", "that time of day is not in the recording", tz=zone_where(whole, 14, 3))
END
}

t_a_time_of_day_that_is_there_twice_is_refused_with_both() {
	python <<'END'
# The clock goes back by one second within the recording, at a time of day that is there before and after.
day = datetime.fromtimestamp(whole, timezone.utc)
of_year, second = day.timetuple().tm_yday - 1, day.strftime("%H:%M:%S")
# summer time, a second ahead, ends at that second by its own clock
zone = "<WIN>0<SUM>-0:00:01,0/0,%d/%d:%s" % (of_year, int(second[:2]), second[3:])
end = whole - 1
if not times[0] < end * SECOND:
    sys.exit(0)
status, _, when, err = ask(REC + "@last", tz=zone)
assert status == 0, err
text = trimmed(day.strftime("%H:%M:%S") + ".%09d" % 0)
status, number, _, err = ask(REC + "@" + (day - timedelta(seconds=1)).strftime("%H:%M:%S") + ".5", tz=zone)
assert status == 2 and "that time of day is 2 times in the recording" in err, (zone, status, number, err)
END
}

t_so_long_ago() {
	python <<'END'
# Both clocks are read around it; the question is asked again if the answer could be one or the other.
for number in (2, 5, 8):
    for _ in range(20):
        target = (times[number - 1] + times[number]) // 2
        before = time.time_ns()
        ago = before - target
        status, got, _, err = ask("%s@%dns ago" % (REC, ago))
        after = time.time_ns()
        if in_force(after - ago) == number:
            assert (status, got) == (0, number), (number, got, err)
            break
    else:
        sys.exit("too busy")
# it ended before
refuse("now", "no snapshot is in force")
refuse("0s ago", "no snapshot is in force")
refuse("2h ago", "no snapshot is in force", "the first is #1")
END
}

t_before_the_first_is_refused_with_the_neighbours() {
	python <<'END'
first, last = utc(times[0]) + "Z", utc(times[-1]) + "Z"
refuse(trimmed(utc(times[0] - 1)) + "Z", "#1 at " + first, "#9 at " + last)
refuse("+1h", "#1 at " + first, "#9 at " + last)
refuse("-1h", "#1 at " + first, "#9 at " + last)
END
}

t_the_last_snapshot_is_in_force_until_the_end_of_the_recording() {
	python <<'END'
status, _, _, err = ask(REC + "@+1h")
until = ns(re.search(r"holds until (\S+Z)", err)[1])
assert until >= times[-1]
# so it says: then it is, and a nanosecond later it is not
expect(trimmed(utc(until)) + "Z", 9)
refuse(trimmed(utc(until + 1)) + "Z")
END
}

t_a_time_that_is_none_is_refused_and_named() {
	python <<'END'
bad = ["", "frist", "#", "#0", "#-1", "#1x", "+", "+5", "-", "-1", "25:00", "14:60", "14:3", "1:03", "14:03:60", "14:03:07.",
       "2026-13-01", "2026-02-30", "2026-1-1", "2026-11-22T", "2026-11-22T14", "2026-11-22T14:03:07+1", "12345", "1795356187.",
       "tomorrow", "5 ago", "2h  ago", "2h ago ", "ago", "#18446744073709551615", "99999999999999999999", " first", "first "]
for text in bad:
    status, got, _, err = ask("%s@%s" % (REC, text))
    # what is no TIME makes all of it a name, which is no file's
    assert status == 2 and got is None and err.startswith("sockquery: "), (text, status, got, err)
    assert text.strip() in err, (text, err)
END
}

t_what_is_wrong_with_a_time_is_said() {
	python <<'END'
# not only that there is no file of such a name: the recording is there, its TIME is not understood
for text in "14:60", "2026-13-01", "12345", "frist":
    status, _, _, err = ask("%s@%s" % (REC, text))
    assert "No such file" not in err or "TIME" in err or "time" in err, (text, err)
END
}

t_times_are_printed_in_the_zone_asked_for() {
	python <<'END'
import time as clock
for zone, offset in (("UTC", "Z"), ("Asia/Kolkata", "+05:30"), ("<XXX>3:30", "-03:30")):
    done = subprocess.run(["sockquery", "--tz=" + zone, "--format=jsonl", REC], capture_output=True, text=True)
    got = {json.loads(line)["time"] for line in done.stdout.splitlines()}
    shift = {"Z": 0, "+05:30": 19800, "-03:30": -12600}[offset]
    assert got == {utc(times[-1] + shift * SECOND) + offset}, (zone, got)
    assert utc(times[-1] + shift * SECOND) + offset in done.stderr
END
}

t_the_zone_of_the_machine_that_asks_does_not_matter() {
	local zone

	for zone in UTC Asia/Kolkata ''; do
		TZ=$zone sockquery --format=jsonl ../x.skt >"${zone////}.rows" 2>/dev/null
	done
	cmp UTC.rows AsiaKolkata.rows
	cmp UTC.rows .rows
}

t_the_zone_of_the_recorded_host_is_recorded() {
	local rc=0

	TZ=Asia/Kolkata sockrec -n 1 -o live.skt 2>/dev/null
	sockquery --tz=host live.skt >out 2>err || rc=$?
	[ $rc -lt 2 ]
	grep -q '+05:30, snapshot 1 of 1' out
	# and read: the date and time without a zone
	python <<'END'
when = re.search(r"(\S+)\+05:30, snapshot", read("out").decode())[1]
assert ask("live.skt@" + trimmed(when), tz="host")[1] == 1
assert ask("live.skt@" + trimmed(when), tz="UTC")[1] is None
END
}

t_a_tree_has_no_zone_and_that_is_said() {
	exits 0 sockquery --tz=host ../x.skt
	has err 'zone of the recorded host is not known' 'UTC'
}

# ---- the splitting rule ----

t_a_name_with_an_at_sign_is_a_name_where_it_exists() {
	python <<'END'
import shutil
for name in "a@b.skt", "me@first", "@last", "x@#1", "@", "x@2026-11-22T14:03:07Z", "a@first@last":
    shutil.copy(REC, name)
    assert ask("./" + name)[:2] == (0, 9), name
    # and it can have a TIME, too
    assert ask("./%s@#3" % name)[:2] == (0, 3), name
    os.remove(name)
END
}

t_the_whole_operand_wins_over_a_part_of_it() {
	cp ../x.skt rec
	cp ../one.skt rec@first
	python <<'END'
assert ask("rec@first")[3].startswith("sockquery: rec@first: ")
assert ask("rec@#1")[3].startswith("sockquery: rec: ")
os.remove("rec@first")
assert ask("rec@first")[3].startswith("sockquery: rec: ")
END
}

t_the_split_is_at_the_last_at_sign_that_has_a_time_behind_it_and_a_file_before() {
	cp ../x.skt rec
	cp ../one.skt rec@last
	python <<'END'
assert ask("rec@last@first")[3].startswith("sockquery: rec@last: ")
# no TIME behind the last one, so the whole is a name
status, _, _, err = ask("rec@last@nonsense")
assert status == 2 and err.startswith("sockquery: rec@last@nonsense: "), err
os.remove("rec@last")
status, _, _, err = ask("rec@last@first")
assert status == 2 and "rec@last" in err, err
END
}

t_a_folder_in_the_name_may_have_an_at_sign() {
	mkdir -p 'me@home/14:03@first'
	cp ../x.skt 'me@home/14:03@first/rec'
	python <<'END'
assert ask("me@home/14:03@first/rec@#4")[:2] == (0, 4)
assert ask("me@home/14:03@first/rec")[:2] == (0, 9)
END
}

t_standard_input_is_a_recording_and_has_times() {
	python <<'END'
with open(REC, "rb") as file:
    assert ask("-", stdin=file)[:2] == (0, 9)
for text, number in ("first", 1), ("#5", 5), ("last", 9):
    with open(REC, "rb") as file:
        assert ask("-@" + text, "--", stdin=file)[:2] == (0, number)
# a pipe as well
with subprocess.Popen(["cat", REC], stdout=subprocess.PIPE) as cat:
    assert ask("-@#2", "--", stdin=cat.stdout)[:2] == (0, 2)
END
}

t_standard_input_at_a_time_is_no_option() {
	python <<'END'
with open(REC, "rb") as file:
    status, number, _, err = ask("-@#5", stdin=file)
assert (status, number) == (0, 5), err
END
}

t_what_was_read_from_a_pipe_is_what_the_file_says() {
	# but for the first line, which may name it
	sockquery -H ../x.skt >file
	# shellcheck disable=SC2002 # a pipe is what is meant
	cat ../x.skt | sockquery -H - >pipe
	cmp file pipe
}

t_several_operands_have_a_time_each() {
	exits 0 sockquery --format=jsonl "$REC@#2" "$REC@#7" "$REC"
	python <<'END'
assert re.findall(r"snapshot (\d+) of 9", read("err").decode()) == ["2", "7", "9"]
got = [json.loads(line)["time"] for line in read("out").decode().splitlines()]
assert got == [utc(times[n - 1]) + "Z" for n in (2, 7, 9) for _ in range(10)], got
END
}

run_tests

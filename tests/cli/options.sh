#!/bin/bash
# SPDX-License-Identifier: MIT
# The command lines of the tools: what they understand, what they refuse and how, and where they write.
# tap: long
. "$(dirname "$0")/../lib.sh"

fixture=$TOP/fixtures/proc/seed
sockrec --proc="$fixture" -n 1 -o x.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

# refuses TEXT COMMAND...: one line that holds TEXT, "Try ...", nothing on standard output, exit status 2.
refuses() {
	local text=$1 tool=$2

	shift
	exits 2 "$@"
	is_empty out
	has err "$text"
	[ "$(wc -l <err)" = 2 ]
	[ "$(head -n 1 err | cut -d: -f1)" = "$tool" ]
	[ "$(tail -n 1 err)" = "Try '$tool --help'." ]
}

t_help_is_on_standard_output() {
	local tool

	for tool in sockrec sockquery sockdiff sockreplay; do
		exits 0 $tool --help
		is_empty err
		head -n 1 out | grep -q "^Usage: $tool "
		has out '--help' '--version' 'Exit status'
		# a line fits the width of a terminal, give or take a long sentence
		fails grep -q '.\{121\}' out
	done
}

t_help_names_every_option_that_is_understood() {
	local option

	exits 0 sockrec --help
	has out '-i, --interval=TIME' '-d, --duration=TIME' '-n, --count=N' '-o, --output=FILE' '--proc=DIR' '--tables=LIST' \
		'--note=TEXT'
	exits 0 sockquery --help
	has out '--format=' '--tz=ZONE' '-H' '-t' '-u' '-l' '-4' '-6'
	# and each that is named is understood
	grep -o -- '--[a-z][a-z0-9-]*' out | sort -u >options
	[ "$(wc -l <options)" -gt 10 ]
	while read -r option; do
		sockquery "$option" >/dev/null 2>said || [ $? = 2 ]
		fails grep 'there is no option' said
	done <options
}

t_watching_and_recording_have_options_of_their_own() {
	refuses '--all is about --watch' sockrec --all
	refuses '--format is about --watch' sockrec --format=jsonl
	refuses "'netstat' is none of table, jsonl, json, csv" sockrec -w --format=netstat
	refuses '--note: --watch makes no recording' sockrec -w --note=x
	refuses '--watch prints on standard output' sockrec -w -o -
	[ -z "$(find . -name '*.skt')" ]
}

t_watching_alone_leaves_no_file_and_a_full_output_is_trouble() {
	exits 0 sockrec --trees="$TOP/fixtures/trees/hands" -w
	[ "$(find . -type f | sort | tr '\n' ' ')" = './err ./out ' ]
	rc=0
	sockrec --trees="$TOP/fixtures/trees/hands" -w >/dev/full 2>err || rc=$?
	[ $rc = 2 ]
	has err 'cannot write to standard output: No space left on device'
}

t_version_is_on_standard_output() {
	local tool

	for tool in sockrec sockquery sockdiff sockreplay; do
		exits 0 $tool --version
		is_empty err
		grep -Eqx "$tool [0-9]+\.[0-9]+\.[0-9]+" out
	done
}

t_help_wins_over_what_follows() {
	exits 0 sockquery --help --nonsense
	exits 0 sockrec --version -i
}

t_an_unknown_option_is_refused() {
	refuses "'--nonsense'" sockrec --nonsense
	refuses "'--nonsense'" sockquery --nonsense ../x.skt
	refuses "'-Q'" sockrec -Q
	refuses "'-Q'" sockquery -nQ ../x.skt
	refuses "'--nonsense=3'" sockquery --nonsense=3 ../x.skt
}

t_an_option_that_could_be_several_is_refused() {
	# --no-header, --numeric; --note
	refuses "'--n'" sockquery --n ../x.skt
}

t_a_missing_argument_is_refused() {
	local option

	for option in -i -d -n -o --interval --duration --count --output --proc --tables --note --sync \
		--cmdline --ticks --nice --max-cpu --max-size --min-free --trees --rotate --keep; do
		refuses "option '$option' needs an argument" sockrec $option
	done
	for option in --format --tz; do
		refuses "option '$option' needs an argument" sockquery $option
	done
}

t_an_argument_where_none_belongs_is_refused() {
	refuses "'--help=me'" sockrec --help=me
	refuses "'--listening=3'" sockquery --listening=3 ../x.skt
}

t_a_bad_duration_is_refused_and_named() {
	local bad

	for bad in '' 5 s -5s 1x '5 s' 1e3s 0x5s 99999999999d +1s 1s2h '1s ' NaN 1.2.3s 0.0000000001s; do
		refuses "--interval: '$bad'" sockrec -i "$bad" -n 1 -o y.skt
		refuses "--duration: '$bad'" sockrec -d "$bad" -n 1 -o y.skt
	done
	refuses '--interval: less than 1ms' sockrec -i 0 -o y.skt
	refuses '--interval: less than 1ms' sockrec -i 999us -o y.skt
	refuses '--duration: ' sockrec -d 0 -o y.skt
	[ ! -e y.skt ]
}

t_a_good_duration_is_taken() {
	local good

	for good in 1ms 1.5s 200ms 1m30s 1h 2h30m '1d 2h' 0.001s 1000us 1000000ns 1w; do
		rm -f y.skt
		exits 0 sockrec --proc="$fixture" -i "$good" -n 1 -o y.skt
	done
}

t_a_bad_count_is_refused_and_named() {
	local bad

	for bad in '' 0 -1 x 1x 1.5 ' 1' +1 0x10 18446744073709551616 99999999999999999999; do
		refuses "--count: '$bad'" sockrec -n "$bad" -o y.skt
	done
	[ ! -e y.skt ]
}

t_a_bad_percentage_is_refused_and_named() {
	local bad

	for bad in '' % 5 .5% 5.% 5,5% 101% 100.0001% 1000% -5% +5% ' 5%' '5 %' 5%% 0.00001% 0x5% 1e1%; do
		refuses "--max-cpu: '$bad' is no percentage" sockrec --max-cpu="$bad" -n 1 -o y.skt
	done
	refuses '--max-cpu: ' sockrec --max-cpu=0% -n 1 -o y.skt
	refuses '--max-cpu: ' sockrec --max-cpu=0.0000% -n 1 -o y.skt
	[ ! -e y.skt ]
}

t_a_good_percentage_is_taken() {
	local good

	for good in 5% 0.5% 100% 100.0% 0.0001% 12.25% 07%; do
		rm -f y.skt
		exits 0 sockrec --proc="$fixture" --max-cpu="$good" -n 1 -o y.skt
	done
}

t_a_bad_size_is_refused_and_named() {
	local bad

	for bad in '' K x 5k 5KB 5KiB 1.5M -1 +1 ' 1' '1 M' 0x10 1e3 8388608T 18446744073709551616 99999999999999999999G; do
		refuses "--max-size: '$bad' is no size" sockrec --max-size="$bad" -n 1 -o y.skt
		refuses "--min-free: '$bad' is no size" sockrec --min-free="$bad" -n 1 -o y.skt
	done
	refuses '--max-size: ' sockrec --max-size=0 -n 1 -o y.skt
	refuses "--min-free: '101%' is no percentage" sockrec --min-free=101% -n 1 -o y.skt
	refuses "--min-free: '5%M' is no percentage" sockrec --min-free=5%M -n 1 -o y.skt
	[ ! -e y.skt ]
}

t_a_recording_ends_when_it_has_its_size() {
	exits 0 sockrec --proc="$fixture" -i 1ms --max-size=1 -o small.skt
	has err 'small.skt: it has reached --max-size' '1 snapshot,'
	exits 0 sockquery --verify small.skt
	has out WHOLE
	# steps of a tree that does not change take some bytes each second
	exits 0 sockrec --proc="$fixture" -i 1ms --max-size=3K -o y.skt
	has err 'y.skt: it has reached --max-size'
	[ "$(stat -c %s y.skt)" -ge 3072 ]
	[ "$(stat -c %s y.skt)" -lt 30720 ]
	exits 0 sockquery --verify y.skt
	has out WHOLE
	# and so does one that is written into a pipe; a size that is not reached is none
	sockrec --proc="$fixture" -i 1ms --max-size=1 -o - 2>err | cat >pipe.skt
	has err 'it has reached --max-size' '1 snapshot,'
	rm y.skt
	exits 0 sockrec --proc="$fixture" -n 3 -i 1ms --max-size=1G -o y.skt
	[ "$(wc -l <err)" = 1 ]
}

t_where_too_little_is_free_nothing_is_recorded_and_the_way_out_is_named() {
	exits 2 sockrec --proc="$fixture" -n 1 --min-free=100% -o y.skt
	has err 'sockrec: y.skt: only ' ' free on its filesystem, of which ' 'nothing was recorded' '--min-free=0'
	[ ! -e y.skt ]
	exits 2 sockrec --proc="$fixture" -n 1 --min-free=8388607T -o y.skt
	has err ' of which 8.0E are to stay free'
	[ ! -e y.skt ]
	# what is no file of ours is left alone
	echo precious >file
	rc=0
	sockrec --proc="$fixture" -n 1 --min-free=100% -o - >>file 2>err || rc=$?
	[ $rc = 2 ]
	[ "$(cat file)" = precious ]
	exits 0 sockrec --proc="$fixture" -n 1 --min-free=0 -o y.skt
	# a pipe has no filesystem
	sockrec --proc="$fixture" -n 1 --min-free=100% -o - 2>err | cat >pipe.skt
	exits 0 sockquery pipe.skt
}

t_quiet_says_only_what_is_wrong() {
	cp -a "$TOP/fixtures/proc/kinds" tree
	mkdir tree/4999
	# a process that may not be looked into is none of that
	exits 0 sockrec --proc=tree -n 1 -o loud.skt
	has err 'may not be looked into' 'loud.skt: ' 'sha256'
	exits 0 sockrec -q --proc=tree -n 1 -o quiet.skt
	is_empty out err
	[ -s quiet.skt ]
	sed -i '1s/.*/no such heading/' tree/net/udp
	sockrec --quiet --proc=tree -n 1 -o wrong.skt 2>err || [ $? = 2 ]
	has err 'net/udp'
}

t_a_bad_niceness_is_refused_and_named() {
	local bad

	for bad in '' x -21 20 1.5 +5 ' 5' 5x - -- 0x5 99999999999999999999; do
		refuses "--nice: '$bad' is no number from -20 to 19" sockrec --nice="$bad" -n 1 -o y.skt
	done
	[ ! -e y.skt ]
}

t_a_bad_list_of_tables_is_refused_and_named() {
	refuses "--tables: 'tcp7'" sockrec --tables=tcp,tcp7 -n 1 -o y.skt
	refuses "--tables: ''" sockrec --tables=tcp,,udp -n 1 -o y.skt
	refuses "--tables: " sockrec --tables= -n 1 -o y.skt
	refuses "--tables: 'TCP'" sockrec --tables=TCP -n 1 -o y.skt
	refuses "--tables: 'tcp '" sockrec --tables='tcp ' -n 1 -o y.skt
	refuses "--tables: " sockrec --tables=tcp, -n 1 -o y.skt
	[ ! -e y.skt ]
}

t_only_the_wanted_tables_are_recorded() {
	exits 0 sockrec --proc="$TOP/fixtures/proc/kinds" --tables=udp,tcp6 -n 1 -o y.skt
	exits 0 sockquery --format=jsonl y.skt
	mv out rows
	python <<'END'
assert {row["table"] for row in jsonl("rows")} == {"udp", "tcp6"}
END
}

t_a_bad_word_is_refused_and_named() {
	refuses "--cmdline: 'argv' is none of full, argv0, none" sockrec --cmdline=argv -n 1 -o y.skt
	refuses "--ticks: 'Random' is none of random, exact" sockrec --ticks=Random -n 1 -o y.skt
	refuses "--cmdline: ''" sockrec --cmdline= -n 1 -o y.skt
	refuses "--sync: 'BLOCK' is none of block, group, none" sockrec --sync=BLOCK -n 1 -o y.skt
	[ ! -e y.skt ]
}

t_of_command_lines_only_what_was_asked_for_is_in_the_file() {
	local how

	mkdir tree
	cp -r "$fixture/net" tree/
	mkdir -p tree/700/fd
	inode=$(awk '$2 ~ /:0050$/ { print $10; exit }' tree/net/tcp)
	ln -s "socket:[$inode]" tree/700/fd/3
	printf '%s\0' /bin/server --password hunter2 >tree/700/cmdline
	for how in full argv0 none; do
		exits 0 sockrec --proc=tree --cmdline=$how -n 1 -o $how.skt
		sockquery --format=jsonl $how.skt >$how.rows 2>/dev/null
		sockquery --info $how.skt | grep -Eq "recorder.cmdline +$how\$"
	done
	exits 0 sockrec --proc=tree -n 1 -o unless-told.skt
	sockquery --format=jsonl unless-told.skt >unless-told.rows 2>/dev/null
	python <<'END'
def cmdline(how):
    owner, = [owner for row in jsonl(how + ".rows") for owner in row["owners"]]
    return owner["cmdline"], owner["cmdline_truncated"]
assert cmdline("full") == cmdline("unless-told") == (["/bin/server", "--password", "hunter2"], False)
assert cmdline("argv0") == (["/bin/server"], True)
assert cmdline("none")[0] is None
import zlib
def holds(path, text):
    """Whether the file has this text, anywhere that inflates or plainly."""
    data = read(path)
    found = text in data
    for at in range(len(data)):
        if data[at] & 15 == 8 and data[at:at + 2] and int.from_bytes(data[at:at + 2], "big") % 31 == 0:
            try:
                found |= text in zlib.decompressobj().decompress(data[at:])
            except zlib.error:
                pass
    return found
assert holds("full.skt", b"hunter2")
assert not holds("argv0.skt", b"hunter2") and holds("argv0.skt", b"/bin/server")
assert not holds("none.skt", b"hunter2") and not holds("none.skt", b"/bin/server")
END
}

t_a_full_walk_that_is_no_longer_than_the_interval_reads_all_for_each_snapshot() {
	refuses "--full-walk: 'soon'" sockrec --full-walk=soon -n 1 -o y.skt
	refuses "--full-walk: ''" sockrec --full-walk= -n 1 -o y.skt
	[ ! -e y.skt ]
	# no host's processes are all read in a twentieth of a millisecond
	for walk in 0s 1ms 30s; do
		exits 0 sockrec -i 1ms -n 6 --full-walk=$walk -o $walk.skt
	done
	exits 0 sockrec -i 1ms -n 6 -o unless-told.skt
	python <<'END'
def walks(name):
    done = subprocess.run(["skt-dump", name + ".skt"], capture_output=True, text=True)
    return [s["quality"]["walk"] for s in map(json.loads, done.stdout.splitlines()) if s["type"] == "snapshot"]
FULL, PARTIAL = 1, 2
assert walks("0s") == walks("1ms") == [FULL] * 6
assert walks("30s") == walks("unless-told") == [FULL] + [PARTIAL] * 5
END
}

t_a_bad_choice_of_network_namespaces_is_refused_and_named() {
	refuses "--netns: 'mine'" sockrec --netns=mine -n 1 -o y.skt
	refuses "--netns: ''" sockrec --netns= -n 1 -o y.skt
	refuses "--netns-interval: less than 1ms" sockrec --netns-interval=0s -n 1 -o y.skt
	refuses "--netns-interval: 'soon'" sockrec --netns-interval=soon -n 1 -o y.skt
	[ ! -e y.skt ]
}

t_the_own_network_namespace_alone_is_recorded_where_that_is_wanted_and_the_header_says_so() {
	local netns

	for netns in all own; do
		exits 0 sockrec --proc="$TOP/fixtures/proc/namespaces" --netns=$netns -n 1 -o $netns.skt
		exits 0 sockquery --format=jsonl $netns.skt
		mv out $netns.rows
		exits 0 sockquery --info $netns.skt
		grep -Eq "^recorder.netns  *$netns\$" out
	done
	python <<'END'
assert {row["net_namespace"] for row in jsonl("all.rows")} == {4026531840, 4026532301, 4026532377}
assert {row["net_namespace"] for row in jsonl("own.rows")} == {4026531840}
END
}

t_an_operand_where_none_belongs_is_refused() {
	refuses "'/proc'" sockrec /proc
	refuses "'b'" sockrec -n 1 -- b
}

t_no_operand_is_refused() {
	refuses 'no recording' sockquery
	refuses 'no recording' sockquery -t -u
	exits 2 sockquery ''
	has err 'No such file'
}

t_a_bad_format_is_refused_and_named() {
	refuses "--format: 'xml' is none of table, json, jsonl, csv, netstat" sockquery --format=xml ../x.skt
	refuses "--format: ''" sockquery --format= ../x.skt
	refuses "--format: 'JSON'" sockquery --format=JSON ../x.skt
}

t_a_bad_zone_is_refused_and_named() {
	local bad

	for bad in '' Mars/Olympus ../../../etc/passwd /etc/passwd utc+ 'CET-1CEST,bogus' Europe XX9 $'a\nb'; do
		refuses "--tz: " sockquery --tz="$bad" ../x.skt
	done
	refuses "--tz: 'Mars/Olympus'" sockquery --tz=Mars/Olympus ../x.skt
}

t_hostile_arguments_come_back_escaped() {
	local hostile=$'\e]0;owned\a\x9b31m\xe2\x80\xae'

	exits 2 sockquery "--$hostile"
	python <<'END'
assert_clean(read("err"))
END
	for option in --format= --tz= -; do
		exits 2 sockquery "$option$hostile" ../x.skt
		python <<'END'
assert_clean(read("err"))
END
	done
	for option in --interval= --count= --tables= --proc= --output=/nowhere/ ''; do
		exits 2 sockrec -n 1 "$option$hostile"
		python <<'END'
assert_clean(read("err"))
END
	done
	exits 2 sockquery "$hostile@first"
	python <<'END'
assert_clean(read("err"))
END
}

t_bad_numbers_and_durations_are_refused_and_named() {
	refuses "--top: 'x'" sockquery --top=x ../x.skt
	refuses "--every: '5'" sockquery --every=5 ../x.skt
	refuses "--max-blind: 'y'" sockquery --max-blind=y ../x.skt
}

t_two_recordings_are_shown_one_after_the_other() {
	exits 0 sockquery --format=jsonl ../x.skt ../x.skt
	[ "$(wc -l <out)" = 20 ]
	exits 0 sockquery --format=json ../x.skt ../x.skt
	python <<'END'
assert len(json.loads(read("out"))) == 20
END
	# a heading is for a document, rows are numbered through it
	exits 0 sockquery --format=csv ../x.skt ../x.skt
	python <<'END'
rows = list(csv.reader(io.StringIO(read("out").decode(), newline="")))
assert [row[0] for row in rows] == ["row"] + [str(n) for n in range(1, 21)], rows
END
}

t_options_may_follow_operands() {
	exits 0 sockquery ../x.skt --format=jsonl
	[ "$(wc -l <out)" = 10 ]
	# and after -- nothing is an option
	cp ../x.skt ./-t
	exits 0 sockquery --format=jsonl -- -t
	[ "$(wc -l <out)" = 10 ]
}

t_H_leaves_out_the_headings() {
	exits 0 sockquery -H ../x.skt
	[ "$(wc -l <out)" = 10 ]
	exits 0 sockquery -H --format=csv ../x.skt
	[ "$(wc -l <out)" = 10 ]
	exits 0 sockquery -H --format=netstat ../x.skt
	[ "$(wc -l <out)" = 10 ]
}

t_selections_select_and_add_up() {
	local option

	sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o kinds.skt 2>/dev/null
	for option in '' -t -u -w -l -4 -6 -tu -t4 -t6 -ul -46 -a -n -p -antp -wl; do
		# shellcheck disable=SC2086 # no option is no argument
		sockquery --format=jsonl $option kinds.skt >"rows$option" 2>/dev/null || [ $? = 1 ]
	done
	python <<'END'
rows = jsonl("rows")
def tables(*names):
    return lambda row: row["table"].rstrip("6") in names
def waits(row):
    return row["state"] == ("LISTEN" if row["table"].startswith("tcp") else "CLOSE")
def v4(row):
    return not row["table"].endswith("6")
tcp, udp, raw = tables("tcp"), tables("udp", "udplite"), tables("raw")
wanted = {"-t": tcp, "-u": udp, "-w": raw, "-l": waits, "-4": v4, "-6": lambda r: not v4(r),
          "-tu": lambda r: tcp(r) or udp(r), "-t4": lambda r: tcp(r) and v4(r), "-t6": lambda r: tcp(r) and not v4(r),
          "-ul": lambda r: udp(r) and waits(r), "-46": lambda r: True, "-a": lambda r: True, "-n": lambda r: True,
          "-p": lambda r: True, "-antp": tcp, "-wl": lambda r: raw(r) and waits(r)}
for option, wants in wanted.items():
    got = jsonl("rows" + option)
    assert got == [row for row in rows if wants(row)], option
    assert got, option
END
}

t_nothing_that_matches_is_exit_status_1() {
	exits 1 sockquery --format=jsonl -u ../x.skt
	is_empty out
	exits 1 sockquery --format=json -u ../x.skt
	python <<'END'
assert json.loads(read("out")) == []
END
	exits 1 sockquery --format=csv -u ../x.skt
	[ "$(wc -l <out)" = 1 ]
	exits 1 sockquery -u ../x.skt
}

# ---- output ----

t_a_full_device_is_trouble() {
	local option rc

	for option in --format=table --format=json --format=jsonl --format=csv --format=netstat --help --version; do
		rc=0
		sockquery $option ../x.skt >/dev/full 2>err || rc=$?
		[ $rc = 2 ] || { echo "exit status $rc with $option"; return 1; }
		has err 'sockquery: cannot write to standard output: No space left on device'
	done
	for option in --help --version; do
		rc=0
		sockrec $option >/dev/full 2>err || rc=$?
		[ $rc = 2 ]
		has err 'sockrec: cannot write to standard output: No space left on device'
	done
}

t_a_recording_on_a_full_device_is_trouble() {
	local rc=0

	sockrec --proc="$fixture" -n 1 -o - >/dev/full 2>err || rc=$?
	[ $rc = 2 ]
	has err 'sockrec: standard output:' 'No space left on device'
}

t_a_closed_standard_output_is_trouble() {
	local rc=0

	sockquery ../x.skt >&- 2>err || rc=$?
	[ $rc = 2 ]
	has err 'sockquery: cannot write to standard output: Bad file descriptor'
	rc=0
	sockrec --proc="$fixture" -n 1 -o - >&- 2>err || rc=$?
	[ $rc = 2 ]
	has err 'sockrec: ' 'Bad file descriptor'
}

t_a_closed_pipe_is_quiet() {
	local -a status

	python <<'END'
os.makedirs("tree/net")
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode".ljust(149) + "\n"
line = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 %016x 100 0 0 10 0"
with open("tree/net/tcp", "w") as file:
    file.write(head + "".join((line % (n, n, n, n)).ljust(149) + "\n" for n in range(1, 20000)))
END
	sockrec --proc=tree -n 1 -o big.skt 2>/dev/null
	for format in table json jsonl csv netstat; do
		sockquery --format=$format big.skt 2>err | head -n 1 >line
		status=("${PIPESTATUS[@]}")
		# by the signal, as any filter does
		[ "${status[0]}" = 141 ] || [ "${status[0]}" = 2 ]
		fails grep -v ', snapshot 1 of 1, 19999 sockets$' err
	done
}

t_standard_error_that_is_closed_is_no_trouble() {
	sockquery ../x.skt >out 2>&-
	rm -f y.skt
	sockrec --proc="$fixture" -n 1 -o y.skt 2>&-
	exits 0 sockquery y.skt
}

t_messages_do_not_go_into_the_recording_where_standard_descriptors_are_closed() {
	local n

	# a file that is opened takes the lowest free number: that must not be where messages go
	for n in 0 1 2 3 4 5 6 7; do
		rm -f y.skt
		(
			[ $((n & 1)) = 0 ] || exec <&-
			[ $((n & 2)) = 0 ] || exec >&-
			[ $((n & 4)) = 0 ] || exec 2>&-
			exec sockrec --proc="$TOP/fixtures/proc/malformed" -n 1 -o y.skt
		) || [ $? = 2 ]
		exits 0 sockquery y.skt
	done
}

t_a_recording_is_for_its_owner_alone() {
	# whatever the umask
	for mask in 000 022 077 777; do
		rm -f y.skt
		(umask $mask && exec sockrec --proc="$fixture" -n 1 -o y.skt 2>/dev/null)
		[ "$(stat -c %a y.skt)" = 600 ] || [ $mask = 777 ]
	done
	exits 0 sockrec --proc="$fixture" -n 1
	[ "$(stat -c %a ./*Z.skt)" = 600 ]
}

t_an_existing_file_is_never_overwritten() {
	echo precious >y.skt
	exits 2 sockrec --proc="$fixture" -n 1 -o y.skt
	has err 'sockrec: y.skt: is there already, and nothing is written over it'
	[ "$(cat y.skt)" = precious ]
}

t_what_a_link_leads_to_is_never_overwritten_or_made() {
	echo precious >file
	ln -s file link
	ln -s nowhere dangling
	for name in link dangling; do
		exits 2 sockrec --proc="$fixture" -n 1 -o $name
		has err "sockrec: $name: is there already, and nothing is written over it"
		[ -L $name ]
	done
	[ "$(cat file)" = precious ]
	[ ! -e nowhere ]
}

t_an_existing_fifo_or_directory_is_never_written_to() {
	mkfifo fifo
	mkdir dir
	exits 2 sockrec --proc="$fixture" -n 1 -o dir
	has err 'sockrec: dir: is a directory, and only with --rotate recordings are made in one'
	exits 2 sockrec --proc="$fixture" -n 1 -o dir/
	has err 'sockrec: dir/: is a directory, and only with --rotate recordings are made in one'
	for name in fifo /dev/null; do
		exits 2 sockrec --proc="$fixture" -n 1 -o $name
		has err "sockrec: $name: is there already, and nothing is written over it"
	done
}

t_a_folder_that_does_not_exist_is_named() {
	exits 2 sockrec --proc="$fixture" -n 1 -o nowhere/y.skt
	has err 'sockrec: nowhere/y.skt: cannot create: No such file or directory'
}

t_a_file_name_that_is_too_long_is_refused() {
	exits 2 sockrec --proc="$fixture" -n 1 -o "$(printf '%05000d' 0)"
	has err 'sockrec: '
	exits 2 sockquery "$(printf '%05000d' 0)"
	has err 'File name too long'
}

t_the_default_file_takes_its_name_from_the_recorded_host() {
	mkdir -p tree/sys/kernel
	cp -r "$fixture/net" tree/
	for host in web-1.example.com '../../tmp/evil' $'a\e[2Jb' '-rf' '.hidden' ''; do
		rm -f ./*.skt ./.*.skt
		echo "$host" >tree/sys/kernel/hostname
		exits 0 sockrec --proc=tree -n 1
		python "$host" <<'END'
name, = [name for name in os.listdir(".") if name.endswith(".skt")]
found = re.fullmatch(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)-\d{8}T\d{6}Z\.skt", name)
assert found, name
assert found[1] == "web-1.example.com" or sys.argv[1] != "web-1.example.com"
# the last line has the name, with ./ in front
assert read("err").decode().splitlines()[-1].startswith("sockrec: ./%s: " % name)
END
	done
}

t_a_note_is_taken_as_it_is() {
	exits 0 sockrec --proc="$fixture" --note=$'INC-4711 \e[31m\xff' -n 1 -o y.skt
	exits 0 sockquery y.skt
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# sockdiff's command line: what it takes for operands and for an expression, what it refuses, and what its page recommends.
# What it says of each kind of difference is in tests/golden/diff-*.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

trees=$TOP/fixtures/trees
tree=$trees/diff/2026-11-22T14:03:07Z
sockrec --trees="$trees/diff" -o diff.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }
sockrec --trees="$trees/hands" -o hands.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

# refuses TEXT ARGUMENT...: one line that holds TEXT, and "Try ...".
refuses() {
	local text=$1

	shift
	exits 2 sockdiff "$@"
	is_empty out
	has err "$text"
	[ "$(wc -l <err)" = 2 ]
}

# kernel NAME HOST BOOT: a copy of the tree that says so of its host.
kernel() {
	cp -a "$tree" "$1"
	mkdir -p "$1/sys/kernel/random"
	echo "$2" >"$1/sys/kernel/hostname"
	echo "$3" >"$1/sys/kernel/random/boot_id"
}

t_what_is_wrong_with_the_command_line_is_one_line() {
	refuses 'nothing to compare named'
	refuses 'is one instant: name another' ../diff.skt@first
	refuses 'is one instant: name another' "$tree"
	refuses "'netstat' is none of table, json, jsonl, csv" --format=netstat ../diff.skt
	refuses "are not of one recording" --between ../diff.skt ../hands.skt
	refuses "are not of one recording" --between ../diff.skt "$tree"
	refuses "'missing.skt' is neither a file nor an expression" ../diff.skt missing.skt
	refuses 'column 1:' ../diff.skt ../diff.skt no such-field=1
	exits 2 sockdiff missing.skt ../diff.skt
	has err 'missing.skt: cannot open'
	exits 2 sockdiff ../diff.skt@+5h ../diff.skt
	has err 'diff.skt'
	is_empty out
}

t_a_lone_recording_is_its_first_against_its_last() {
	exits 1 sockdiff ../diff.skt
	mv out lone
	exits 1 sockdiff ../diff.skt@first ../diff.skt@last
	cmp out lone
	exits 1 sockdiff - <../diff.skt
	sed 's/ -: / ..\/diff.skt: /' out | cmp - lone
	# and twice the same is the same instant
	exits 0 sockdiff ../diff.skt ../diff.skt
}

t_an_expression_means_a_socket_as_it_was_or_as_it_is() {
	# both sides of a listener that has other holders
	exits 1 sockdiff -H ../diff.skt comm = exim
	[ "$(grep -c '^  ' out)" = 1 ]
	has out '> replaced'
	mv out was
	exits 1 sockdiff -H ../diff.skt comm = nc
	cmp out was
	exits 0 sockdiff -H ../diff.skt comm = dhclient
	is_empty out
	exits 0 sockdiff -H ../diff.skt comm = nobody
	exits 1 sockdiff --format=jsonl ../diff.skt state listening and not sport = 25
	python <<'END'
rows = jsonl("out")
assert len(rows) == 5 and {(row["before"] or row["after"])["state"] for row in rows} == {"LISTEN"}, rows
END
}

t_what_an_expression_does_not_ask_for_needs_not_be_comparable() {
	cp -a "$tree" b
	rm -r b/750/fd
	sed -i '1s/.*/no such heading/' b/net/udp
	exits 2 sockdiff "$tree" b
	[ "$(grep -c 'not comparable' err)" = 2 ]
	exits 2 sockdiff "$tree" b table = tcp and comm = nginx
	[ "$(grep -c 'not comparable' err)" = 1 ]
	has err 'descriptors could not be read in b'
	exits 2 sockdiff "$tree" b sport = 80
	[ "$(grep -c 'not comparable' err)" = 1 ]
	has err 'table udp could not be read in b'
	exits 0 sockdiff "$tree" b table = tcp and sport = 80
	has out 'no difference'
}

t_a_difference_of_which_it_is_not_known_whether_it_is_meant_is_no_yes() {
	cp -a "$tree" a
	rm -r a/750/fd
	cp -a a b
	sed -i '/:1F40 /d' b/net/tcp
	# 8000 closed, whose holder is known; and in both somebody's descriptors are not
	exits 1 sockdiff a b comm = gunicorn
	exits 2 sockdiff a b comm = curl
	has err 'of 1 differences it is not known whether they are meant'
}

t_a_table_that_only_one_side_has_is_not_empty_on_the_other() {
	cp -R "$TOP/fixtures/proc/kinds" a
	cp -R a b
	rm b/net/udp
	exits 2 sockdiff a b
	has err 'there is no table udp in b'
	exits 2 sockdiff b a
	is_empty out
	exits 0 sockdiff a b table = tcp
}

t_one_snapshot_has_no_first_and_last_to_compare() {
	sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o one.skt 2>/dev/null
	exits 2 sockdiff one.skt
	has err 'one.skt' 'has one snapshot'
	is_empty out
}

t_a_recording_that_was_cut_has_no_last_snapshot_to_speak_of() {
	head -c "$(($(stat -c %s ../hands.skt) * 3 / 5))" ../hands.skt >half.skt
	exits 1 sockdiff ../hands.skt
	exits 2 sockdiff half.skt
	has err 'not comparable: half.skt is not whole'
	is_empty out
	exits 2 sockdiff --between half.skt@#1 half.skt
	# between these it is whole
	exits 1 sockdiff --between half.skt@#1 half.skt@#2
	exits 1 sockdiff half.skt@#1 half.skt@#2
	exits 1 sockdiff --force half.skt
	has out '! not comparable, and compared: half.skt is not whole'
}

t_this_host_after_a_boot_and_another_host_are_refused_beside_proc() {
	kernel a "$(cat /proc/sys/kernel/hostname)" 00000000-0000-4000-8000-000000000000
	kernel b some-other-host 00000000-0000-4000-8000-000000000000
	sockrec --proc=a -n 1 -o a.skt 2>said
	sockrec --proc=b -n 1 -o b.skt 2>said
	exits 2 sockdiff a.skt /proc
	has err 'was booted in between'
	exits 2 sockdiff b.skt /proc
	has err 'b.skt is of host some-other-host, and /proc of'
	is_empty out
	exits 1 sockdiff --force a.skt /proc
	has out '! not comparable, and compared: ' 'was booted in between'
	exits 1 sockdiff --force --format=jsonl a.skt /proc
	python <<'END'
assert all(row["forced"] for row in jsonl("out"))
END
}

t_the_running_kernel_is_compared_with_itself() {
	exits 0 sockrec -n 1 -o now.skt
	# a busy machine may not come to all of the other network namespaces in time: that is told, and is no matter here
	sockdiff --force now.skt /proc >out 2>err || [ $? = 1 ] || { cat err; return 1; }
	grep -q '^- now.skt: .* 1 of 1, [0-9]* socket' out
	grep -q '^+ /proc: ' out
}

t_what_came_and_went_crosses_groups_of_a_recording() {
	local second last=

	# two minutes of one listener, so that there are several key frames; a connection lives from 0:59 to 1:02, another from 1:10 to 1:11
	mkdir days
	for second in $(seq 0 120); do
		last=days/$(date -u -d "@$((1795356000 + second))" +%Y-%m-%dT%H:%M:%SZ)
		case $second in
		59 | 60 | 61) cp -a "$trees/hands/2026-11-22T14:03:09Z" "$last" ;;
		70) cp -a "$trees/hands/2026-11-22T14:03:08Z" "$last" ;;
		*) cp -a "$trees/hands/2026-11-22T14:03:07Z" "$last" ;;
		esac
	done
	exits 0 sockrec --trees=days -o days.skt
	exits 0 sockdiff days.skt
	exits 1 sockdiff --between --format=jsonl days.skt
	python <<'END'
first, second = jsonl("out")
assert [first["change"], second["change"]] == ["transient"] * 2
assert (first["lived_ms_least"], first["lived_ms_most"]) == (2000, 4000), first
assert (second["lived_ms_least"], second["lived_ms_most"]) == (0, 2000), second
assert [owner["pid"] for owner in first["before"]["owners"]] == [721] and first["after"] is None, first
END
	# nor does it matter in which order they are named
	mv out forward
	exits 1 sockdiff --between --format=jsonl days.skt@last days.skt@first
	sed 's/"time":"[^"]*"//' forward >f
	sed 's/"time":"[^"]*"//' out | cmp - f
	exits 0 sockdiff --between days.skt@+65s days.skt@+69s
}

t_what_a_host_wrote_reaches_nobody_raw() {
	cp -a "$trees/diff/2026-11-22T15:03:07Z" b
	printf '720 (\033[2Jx\nnginx) S 1 720 720 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4962 0 0 0 %s\n' \
		"$(yes 0 | head -n 27 | paste -sd' ')" >b/720/stat
	printf 'a\033]0;x\007\0b\0' >b/720/cmdline
	for format in table json jsonl csv; do
		exits 1 sockdiff --format=$format "$tree" b
		has out '\x1b'
		fails grep -q "$(printf '\033')" out
	done
}

t_a_terminal_has_colours_and_lines_that_fit() {
	python <<'END'
import fcntl, pty, struct, termios
def on_terminal(columns, **env):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(["sockdiff", "../diff.skt"], stdout=theirs, env={**os.environ, "TERM": "xterm", **env})
    os.close(theirs)
    data = b""
    while True:
        try:
            got = os.read(ours, 65536)
        except OSError:
            break
        if not got:
            break
        data += got
    assert child.wait() == 1
    return data.decode().replace("\r\n", "\n")
wide, narrow = on_terminal(200), on_terminal(60)
for sign, colour in ("+", 32), ("-", 31), ("~", 33), (">", 36):
    assert re.search(r"\x1b\[%dm  %s " % (colour, re.escape(sign)), wide), sign
assert re.search(r"\x1b\[2m  > restarted", wide)
plain = re.sub(r"\x1b\[[0-9]*m", "", narrow)
assert "\u2026" in plain and max(map(len, plain.splitlines()[2:-1])) <= 60, plain
# nothing that differs is cut, however narrow it is
for columns in 60, 80, 120:
    plain = re.sub(r"\x1b\[[0-9]*m", "", on_terminal(columns))
    assert max(map(len, plain.splitlines()[2:-1])) <= columns, plain
    plain = " ".join(plain.split())
    for told in ("LISTEN exim 820/4 > nc 995/3 uid 93>1000 was exim", "haproxy 730/6 twins 3>2",
                 "mdnsd 860/3 > mdnsd 997/3 x2", "gunicorn 840/5 > sh 996/0", "ESTABLISHED>CLOSE_WAIT curl 750/5"):
        assert told in plain, (columns, told, plain)
for none in {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}:
    assert "\x1b" not in on_terminal(200, **none), none
END
}

t_an_output_that_fails_is_trouble() {
	exits 2 bash -c 'sockdiff ../diff.skt >/dev/full'
	has err 'cannot write to standard output'
}

# The script in the page, with its directory and its mail set aside.
t_the_recipe_for_cron_mails_when_something_differs_and_only_then() {
	local page=$TOP/docs/man/sockdiff.1

	sed -n '/^#!\/bin\/sh$/,/^\.Ed$/p' "$page" | sed -e '/^\.Ed$/d' -e "s|/var/lib/sockrec|$PWD|" >recipe
	[ "$(wc -l <recipe)" = 9 ]
	mkdir bin
	printf '#!/bin/sh\n{ echo "$@"; cat; } >>%s/mailed\n' "$PWD" >bin/mail
	# /proc is a tree here, so that something can differ
	cp -a "$tree" proc
	sed -i "s| /proc | $PWD/proc |" recipe
	sed -i "s|sockrec -q -n 1|sockrec -q --proc=$PWD/proc -n 1|" recipe
	chmod +x bin/mail recipe
	PATH=$PWD/bin:$PATH
	exits 0 ./recipe
	is_empty out err
	[ -s baseline.skt ]
	exits 0 ./recipe
	[ ! -e mailed ]
	is_empty out err
	# a connection is nobody's business, a listener is
	sed -i '/:C351 /d' proc/net/tcp
	exits 0 ./recipe
	[ ! -e mailed ]
	sed -i '/:1F40 /d' proc/net/tcp
	exits 0 ./recipe
	has mailed '-s sockets of' 'root' '- closed    tcp   0.0.0.0:8000'
	is_empty out err
	# and trouble is told by cron itself
	rm mailed
	rm -r proc/750/fd
	sed -i 's/state listening/comm = gunicorn/' recipe
	./recipe 2>err
	has err 'not comparable'
	[ ! -e mailed ]
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# Expressions on the command lines of the tools: where they begin, what is read with them, and what their answer is.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

{
	sockrec --proc="$TOP/fixtures/proc/seed" -n 1 -o seed.skt &&
		sockrec --proc="$TOP/fixtures/proc/states" -n 1 -o states.skt &&
		sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt
} 2>/dev/null || { echo "Bail out! no recording"; exit 1; }

# ports: the local ports of what was shown, in order of their numbers.
ports() {
	sed 's/.*"local_port":\([0-9]*\).*/\1/' out | sort -n | tr '\n' ' '
}

t_what_does_not_exist_begins_the_expression() {
	exits 0 sockquery --format=jsonl ../seed.skt ../states.skt 'dport = 0 and sport < 100'
	[ "$(ports)" = '22 80 80 ' ]
	exits 0 sockquery --format=jsonl ../seed.skt@first sport = :443
	[ "$(ports)" = '443 ' ]
	exits 0 sockquery --format=jsonl - 'sport = :443' <../seed.skt
	[ "$(ports)" = '443 ' ]
	exits 0 sockquery --format=jsonl -@last 'sport = :443' <../seed.skt
	[ "$(ports)" = '443 ' ]
}

t_the_first_operand_is_a_recording_whatever_it_says() {
	cp ../seed.skt 'dst any'
	exits 0 sockquery --format=jsonl 'dst any' 'sport = :443'
	[ "$(ports)" = '443 ' ]
	exits 2 sockquery missing.skt 'dst any'
	has err 'sockquery: missing.skt: cannot open: No such file or directory'
}

t_a_name_that_is_mistyped_is_told_as_one() {
	exits 2 sockquery ../seed.skt missing.skt
	has err "'missing.skt' is neither a file nor an expression: "
	[ "$(wc -l <err)" = 2 ]
	exits 2 sockquery ../seed.skt changes
	has err "'changes' is no expression; the view of that name is --view=changes"
	exits 2 sockquery ../seed.skt there/missing 'dst any'
	has err "'there/missing' is neither a file nor an expression: "
	exits 2 sockquery ../seed.skt 'dst any' ../states.skt
	has err "'../states.skt' is a file, and stands behind 'dst any', which is none: files come first"
	exits 2 sockquery ../seed.skt 'dst any.where'
	has err "'dst any.where' is read as an expression: column 5: "
}

t_a_word_that_begins_no_test_is_told_with_the_nearest() {
	exits 2 sockquery ../seed.skt 'Comm = nginx'
	has err "; nearest: comm"
	exits 2 sockquery ../seed.skt port 80
	has err "expected sport, the local one, or dport, the remote one; either: '( sport = :80 or dport = :80 )'"
	# tcpdump's
	exits 2 sockquery ../seed.skt 'dst port 443'
	has err "column 5: 'port' found, expected an address; ports are 'sport = :80', the local one, and 'dport = :443', the remote one"
	exits 2 sockquery ../seed.skt 'src host 10.0.0.5'
	has err "column 5: 'host' found, expected the address itself, as in 'dst 10.0.0.0/8'"
	# of flows only
	exits 2 sockquery ../seed.skt 'first_sen > 2026-11-22'
	has err "; nearest: first_seen"
	exits 2 sockquery ../seed.skt@last 'first_sen > 2026-11-22'
	fails grep first_seen err
}

t_of_several_names_the_mistyped_one_is_told() {
	exits 2 sockquery ../missing.skt ../seed.skt 'sport = :22' --format=jsonl
	has err 'sockquery: ../missing.skt: cannot open: No such file or directory'
	# as of several recordings: the others are answered for
	has out '"local_port":22,'
	fails grep -v '"local_port":22,' out
	exits 2 sockquery ../seed.skt ../missing.skt ../states.skt 'sport = :22'
	has err "'../missing.skt' is neither a file nor an expression: "
	is_empty out
	exits 2 sockquery 'sport = :22' ../seed.skt
	has err "'../seed.skt' is a file, and stands behind 'sport = :22', which is none: files come first"
	is_empty out
	exits 2 sockquery sport = :22 ../seed.skt
	has err "'../seed.skt' is a file, and stands behind 'sport', which is none: files come first"
	is_empty out
	mkdir some
	exits 2 sockquery 'sport = :22' some
	has err "'some' is a file, and stands behind 'sport = :22', which is none: files come first"
}

t_a_recording_that_exists_is_one_whatever_it_is_called() {
	cp ../states.skt 'dst any'
	exits 0 sockquery --format=jsonl ../seed.skt 'dst any' state listening
	[ "$(ports)" = '22 80 80 443 1234 6010 ' ]
}

t_a_time_that_is_none_is_told_and_not_taken_for_an_expression() {
	exits 2 sockquery ../seed.skt ../states.skt@sometime
	has err "'sometime' is no TIME"
}

t_options_may_stand_behind_it() {
	exits 0 sockquery ../seed.skt sport = :443 --format=jsonl
	[ "$(ports)" = '443 ' ]
	exits 0 sockquery -u ../seed.skt sport = :443 -t --format=jsonl
	[ "$(ports)" = '443 ' ]
}

t_options_and_the_expression_must_both_mean_it() {
	exits 0 sockquery -l --format=jsonl ../seed.skt 'sport = :22'
	[ "$(ports)" = '22 ' ]
	exits 1 sockquery -6 ../seed.skt 'sport = :22'
	exits 1 sockquery -t ../seed.skt 'table = udp'
}

t_nothing_is_no_only_where_all_is_known() {
	exits 0 sockquery ../states.skt@last comm = server
	has err 'of 3 sockets it is not known whether they match'
	exits 2 sockquery ../states.skt@last comm = client
	has err 'of 3 sockets it is not known whether they match'
	exits 1 sockquery ../states.skt@last comm = client and state listening
	is_empty err
	exits 1 sockquery ../states.skt@last dst 192.0.2.1
	is_empty err
}

t_a_table_that_was_not_recorded_is_no_answer_to_what_needs_it() {
	exits 0 sockrec --proc="$TOP/fixtures/proc/kinds" --tables=tcp,udp -n 1 -o x.skt
	exits 2 sockquery x.skt table = raw
	has err 'the tables asked for were not recorded'
	exits 1 sockquery x.skt table = udp and sport = :1
	exits 1 sockquery x.skt table = udp and table = tcp
}

t_instants_are_read_in_the_zone_that_is_told() {
	exits 0 sockquery ../hands.skt "time = '2026-11-22 14:03:14'"
	exits 1 sockquery --tz=Europe/Berlin ../hands.skt "time = '2026-11-22 14:03:14'"
	exits 0 sockquery --tz=Europe/Berlin ../hands.skt "time = '2026-11-22 15:03:14'"
	# and of the recorded host's, which is not known here
	exits 0 sockquery --tz=host ../hands.skt "time = '2026-11-22 14:03:14'"
}

t_an_instant_of_the_recording_is_told_from_one_with_its_date() {
	exits 0 sockquery --from=14:03:14 ../hands.skt
	exits 2 sockquery ../hands.skt 'time >= 14:03:14'
	has err "column 9: '14:03:14' found, expected an instant with its date, as 2026-11-22T14:30Z, or '2h ago'"
	has err '--from, --to and REC@TIME take it'
	exits 0 sockquery ../hands.skt 'time >= 2026-11-22T14:03:14Z'
}

# Names of users are told once, in the snapshot that has the first of them.
t_names_of_users_are_known_in_any_stretch() {
	for from in first '#2' '#6'; do
		exits 0 sockquery "$TOP/fixtures/rec/v1-live.skt" --from="$from" --view=flows user = nobody --fields=user,process_uid --format=csv
		[ "$(tr -d '\r' <out)" = $'user,process_uid\nnobody,65534' ]
	done
}

t_names_of_services_are_those_of_this_host() {
	grep -q '^ssh[[:space:]]*22/tcp' /etc/services || skip 'ssh is no service here'
	exits 0 sockquery --format=jsonl ../seed.skt 'sport = :ssh and dport = 0'
	[ "$(ports)" = '22 ' ]
}

t_how_it_was_read_is_told_once_where_it_could_surprise() {
	exits 0 sockquery ../seed.skt ../states.skt 'sport = :22 or sport = :80 and dport = :0'
	[ "$(grep -c 'this is read as: ( sport = :22 or sport = :80 ) and dport = :0$' err)" = 1 ]
	exits 0 sockquery --format=jsonl ../seed.skt state listening sport = :22 or dport = :0
	has err 'states in front are about all of it; this is read as: state listening and ( sport = :22 or dport = :0 )'
	fails grep -v LISTEN out
	exits 0 sockquery --format=jsonl ../seed.skt not state established sport = :22 or dport = :0
	has err 'this is read as: not state established and ( sport = :22 or dport = :0 )'
	fails grep ESTABLISHED out
	exits 0 sockquery --format=jsonl ../seed.skt@last state listening sport = :22
	fails grep 'this is read as' err
	exits 0 sockquery ../seed.skt '(sport = :22 or sport = :80) and dport = :0'
	is_empty err
}

t_what_is_wrong_is_a_line_and_harmless() {
	exits 2 sockquery ../seed.skt $'comm < \e[31m'
	is_empty out
	[ "$(wc -l <err)" = 2 ]
	has err "'comm < \\x1b[31m' is read as an expression: column 6: '<' found"
	fails grep -q $'\e' err
	exits 2 sockquery ../seed.skt $'comm = \e[31m\n and'
	fails grep -q $'\e' err
}

t_what_is_printed_of_a_name_asks_for_that_name() {
	python <<'END'
import csv, io, json, os, random, subprocess

# names of random bytes and of those that mean something to somebody, one of each listener
random.seed(7)
signs = b"\\\\x\"'()ab1 \x1b\n\xc3\xa9\xff=,;\x80\xe2\x80\xae"
names = [b"\\x1b", b"\\\\", b'a"b', b"a'b", b'"', b"\\\"", b"\\", b"\x1b[31m", b"=1+1", b"or", b")", b"a) S (b"]
for i in range(28):
    pool = signs if i % 2 else bytes(range(1, 256))
    names.append(bytes(random.choice(pool) for _ in range(random.randint(1, 15))))
names = [name for name in names if name.strip(b" \n\t") == name]
os.makedirs("tree/net")
head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
with open("tree/net/tcp", "w") as table:
    print("%-149s" % head, file=table)
    for i, name in enumerate(names):
        row = "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 %016x 100 0 0 10 0"
        print("%-149s" % (row % (i, i + 1, 0, i + 1, i + 1)), file=table)
        os.makedirs("tree/%d/fd" % (700 + i))
        with open("tree/%d/stat" % (700 + i), "wb") as stat:
            stat.write(b"%d (%s) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 18446744073709551615%s\n"
                       % (700 + i, name, b" 0" * 27))
        os.symlink("socket:[%d]" % (i + 1), "tree/%d/fd/3" % (700 + i))

def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

assert run("sockrec", "--proc=tree", "-n", "1", "-o", "names.skt").returncode == 0
rows = lambda form: run("sockquery", "names.skt@last", "--fields=local_port,comm", "--format=" + form).stdout.decode()
printed = {
    "csv": {int(port): comm for port, comm in list(csv.reader(io.StringIO(rows("csv"), newline="")))[1:]},
    "json": {row["local_port"]: row["comm"] for row in json.loads(rows("json"))},
    "table": {int(line.split(None, 1)[0]): line.split(None, 1)[1] for line in rows("table").splitlines()[2:]},
}
for form, texts in printed.items():
    assert sorted(texts) == list(range(1, len(names) + 1)), (form, texts)
    for port, text in texts.items():
        answer = run("sockquery", "names.skt@last", "--fields=local_port", "--format=csv",
                     'comm = "%s"' % text.replace('"', '\\"'))
        want = [i + 1 for i, name in enumerate(names) if name == names[port - 1]]
        assert [int(line) for line in answer.stdout.split()[1:]] == want, (form, names[port - 1], text, answer)
        assert b"as it stands" not in answer.stderr, answer
END
	# without those quotes it is taken as it stands, and that is told
	exits 0 sockquery names.skt@last 'comm = "\x1b[31m"'
	exits 1 sockquery names.skt@last 'comm = \x1b[31m'
	has err 'is taken as it stands' 'between double quotes'
	exits 1 sockquery names.skt@last comm = '\x1b[31m'
	has err 'is taken as it stands'
	exits 0 sockquery names.skt@last comm = '\x1b'
	has err 'is taken as it stands'
	exits 2 sockquery names.skt@last 'comm ~ "a\x00b"'
	has err "column 8: '\"a\\\\x00b\"' found, expected a value without"
	exits 2 sockquery names.skt@last 'src "10.0.0.1\x00"'
}

t_the_recording_itself_is_asked_about_without_one() {
	exits 2 sockquery --info ../seed.skt 'dst any'
	has err "'dst any': --info and --verify are of a whole recording and take no expression"
	exits 2 sockquery --verify ../seed.skt 'dst any'
}

t_what_is_recorded_is_not_selected() {
	exits 2 sockrec -n 1 'dst any'
	has err "'dst any': an expression is about --watch"
	exits 0 sockrec --trees="$TOP/fixtures/trees/hands" -w -o x.skt 'sport = :1'
	[ "$(wc -l <out)" = 1 ]
	exits 0 sockquery --format=jsonl x.skt@first
	[ "$(ports)" = '80 ' ]
}

t_a_change_is_watched_if_it_matches_before_or_after() {
	exits 0 sockrec --trees="$TOP/fixtures/trees/hands" -w --format=jsonl state close-wait
	# it comes to be, and no longer is
	[ "$(wc -l <out)" = 2 ]
	has out '"time":"2026-11-22T14:03:11.' '"time":"2026-11-22T14:03:12.'
	exits 2 sockrec -w --trees="$TOP/fixtures/trees/hands" state close-wiat
	has err "column 7: 'close-wiat' found, expected a state"
}

run_tests

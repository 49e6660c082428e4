#!/bin/bash
# SPDX-License-Identifier: MIT
# What sockdiff refuses to say because something could not be looked at, and what it says all the same: holes in recordings, and
# processes and network namespaces that may not be looked into.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

rec=$TOP/fixtures/rec
tree=$TOP/fixtures/trees/diff/2026-11-22T14:03:07Z

# two trees that are the same
cp -a "$tree" a
cp -a "$tree" b

# hardened TREE: a process more, into which nobody may look
hardened() {
	mkdir "$1/5000"
	printf '5000 (vault) S 1 5000 5000 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4962 0 0 0 %s\n' \
		"$(yes 0 | head -n 27 | paste -sd' ')" >"$1/5000/stat"
	printf 'vault\0' >"$1/5000/cmdline"
}

t_a_hole_in_between_matters_to_what_came_and_went_and_to_nothing_else() {
	local hole

	# found when it is opened, and found only when it is read
	for hole in gap.skt forged-missing-block.skt dir-missing flipped-payload.skt flipped-key.skt dir-damaged; do
		exits 0 sockdiff "$rec/$hole"
		has out 'no difference'
		exits 2 sockdiff --between "$rec/$hole"
		is_empty out
		has err 'not comparable: ' "$hole" '--force compares them all the same'
		exits 1 sockdiff --between --force "$rec/$hole"
		has out '! not comparable, and compared: ' "$hole" '* transient'
		exits 1 sockdiff --between --force --format=jsonl "$rec/$hole"
		python <<'END'
rows = jsonl("out")
assert rows and all(row["forced"] for row in rows), rows
END
	done
}

t_a_hole_elsewhere_is_no_matter() {
	exits 1 sockdiff --between "$rec/gap.skt@#1" "$rec/gap.skt@#12"
	has out '* transient'
	exits 1 sockdiff --between "$rec/flipped-payload.skt@#1" "$rec/flipped-payload.skt@#12"
	has out '* transient'
}

t_between_two_files_of_one_run_nothing_is_said_of_what_came_and_went() {
	local dir=$rec/dir-whole

	exits 1 sockdiff --between "$dir@#12" "$dir@#19"
	has out '* transient'
	# the same two instants; numbers of a file are not those of the directory
	exits 2 sockdiff --between "$dir@#12" "$dir/a.skt@last"
	has err "'$dir@#12' and '$dir/a.skt@last' are not one file, nor one directory"
	is_empty out
	# nor is what was cut off a copy in it
	head -c 4535 "$rec/v1-groups.skt" >cut.skt
	exits 2 sockdiff --between cut.skt@first "$rec/v1-groups.skt@last"
	has err 'are not one file'
	exits 2 sockdiff --between --force cut.skt@first "$rec/v1-groups.skt@last"
	# and one file is one by whatever name
	ln -s "$rec/v1-groups.skt" same.skt
	exits 1 sockdiff --between "$rec/v1-groups.skt@first" same.skt@last
	has out '* transient'
}

t_where_the_last_or_first_snapshot_may_be_lost_it_is_not_compared_unless_it_is_named() {
	exits 2 sockdiff "$rec/flipped-last-key.skt"
	has err 'flipped-last-key.skt is not whole: its last snapshot may be another'
	sockdiff "$rec/flipped-last-key.skt@#1" "$rec/flipped-last-key.skt@#3" >out 2>err || [ $? = 1 ]
	fails has err 'not comparable'
	exits 2 sockdiff "$rec/dir-oldest-removed"
	has err 'dir-oldest-removed is not whole: its first snapshot may be another'
}

t_a_clock_that_was_set_back_moves_no_hole() {
	# from the snapshot 5 on it is an hour earlier, and 7 are lost behind the 12th
	sockreplay --to-trees=trees "$rec/gap.skt" 2>/dev/null || [ $? = 2 ]
	python <<'END'
for name in sorted(os.listdir("trees"))[4:]:
    meta = "trees/%s/.skt-meta" % name
    text = re.sub(r"\b(17954\d{14})\b", lambda found: str(int(found[1]) - 3600 * 10**9), read(meta).decode())
    with open(meta, "w") as file:
        file.write(text)
    when = int(re.search(r"^time (\d+)$", text, re.M)[1])
    os.rename("trees/" + name, time.strftime("trees/%Y-%m-%dT%H:%M:%S", time.gmtime(when // 10**9)) + ".%09dZ" % (when % 10**9))
END
	exits 0 sockrec -q --trees=trees -o c.skt
	exits 0 sockdiff c.skt
	has out 'snapshot 20 of 20' 'no difference'
	exits 1 sockdiff --between c.skt@#1 c.skt@#5
	has out '1 transient'
	exits 2 sockdiff --between c.skt@#5 c.skt
	has err 'not comparable: what came and went in a hole is not known: c.skt:' '7 snapshots from #13 on'
}

t_counts_say_that_they_were_forced() {
	local forced

	for forced in false true; do
		cp -a ../a a
		cp -a ../b b
		sed -i '/:1F40 /d' b/net/tcp
		[ $forced = false ] || sed -i '1s/.*/no such heading/' b/net/udp
		exits 1 sockdiff --force --count-by=comm --format=jsonl a b
		python <<END
rows = jsonl("out")
assert rows and all(row["forced"] is $([ $forced = true ] && echo True || echo False) for row in rows), rows
END
		exits 1 sockdiff --force --count-by=comm --format=csv a b
		has out 'comm,before,after,difference,forced'
		rm -r a b
	done
}

t_a_process_that_nobody_may_look_into_and_that_hides_nothing_is_a_note() {
	cp -a ../b b
	hardened b
	exits 0 sockdiff ../a b
	has out "some processes' descriptors could not be read in b, and all in ../a: nothing that is told depends on them"
	is_empty err
	exits 0 sockdiff b ../a
	# nor does anybody hear of it who asks for differences only
	exits 0 sockdiff --quiet ../a b
	is_empty out err
	# what differs is told
	sed -i '/:1F40 /d' b/net/tcp
	exits 1 sockdiff --quiet ../a b
	has out '- closed    tcp   0.0.0.0:8000' 'nothing that is told depends on them'
	# it is there on both sides
	cp -a ../a a
	hardened a
	exits 1 sockdiff a b
	fails has out 'could not be read'
}

t_where_it_may_hide_who_holds_a_socket_that_is_refused() {
	cp -a ../b b
	hardened b
	# what gunicorn had is held by somebody, or by nobody
	rm b/840/fd/*
	exits 2 sockdiff ../a b
	has err 'not comparable: of 1 socket it cannot be said whether it changed hands' \
		"some processes' descriptors could not be read in b" '--force compares'
	is_empty out
	exits 2 sockdiff b ../a
	# but that is nothing to who asks for others
	exits 0 sockdiff ../a b sport = 80
	# unless they ask who holds them, and it may be one of those
	exits 2 sockdiff ../a b comm = nginx
	exits 0 sockdiff --force ../a b
	has out '! not comparable, and compared: of 1 socket it cannot be said'
}

t_a_program_is_another_by_its_arguments_and_a_title_is_not() {
	cp -a ../b b
	printf 'nginx\0-c\0/tmp/evil.conf\0' >b/720/cmdline
	exits 1 sockdiff -H ../a b
	has out '> executed  tcp   0.0.0.0:80 ' 'was nginx: nginx -g daemon off;'
	# one for each socket that it holds
	[ "$(wc -l <out)" = 3 ]
	exits 1 sockdiff --format=jsonl ../a b state listening
	python <<'END'
row, = jsonl("out")
assert (row["change"], row["hands"], row["process_fields"], row["fields"]) == \
    ("passed", "executed", ["cmdline"], ["owners"]), row
END
	printf 'nginx: master process nginx -g daemon off;\0\0\0' >b/720/cmdline
	exits 0 sockdiff ../a b
}

t_an_executable_is_told_where_the_arguments_are_the_same() {
	cp -a ../a a
	cp -a ../b b
	ln -s /usr/sbin/nginx a/720/exe
	ln -s /tmp/nginx b/720/exe
	exits 1 sockdiff -H a b
	has out '> executed' 'exe /usr/sbin/nginx>/tmp/nginx'
}

t_time_wait_is_told_to_who_asks_for_it_by_name() {
	cp -a ../b b
	# what was established is in TIME_WAIT, which has neither inode nor uid
	sed -i '/:A410 /s/ 01 \(.*\)  1000        0 303 / 06 \1     0        0 0 /' b/net/tcp
	grep -q ':A410 .* 06 ' b/net/tcp
	exits 1 sockdiff -H ../a b
	has out '- closed    tcp   10.0.0.5:42000 '
	exits 1 sockdiff -H ../a b state time-wait
	has out 'ESTABLISHED>TIME_WAIT'
	[ "$(grep -c '^  ' out)" = 1 ]
	exits 1 sockdiff -H ../a b state bucket
	has out 'ESTABLISHED>TIME_WAIT'
	exits 1 sockdiff -H ../a b state = TIME_WAIT
	has out 'ESTABLISHED>TIME_WAIT'
	# and to nobody else
	exits 1 sockdiff -H ../a b state connected
	has out '- closed    tcp   10.0.0.5:42000 '
	exits 1 sockdiff -H ../a b exclude time-wait
	has out '- closed    tcp   10.0.0.5:42000 '
}

t_what_stands_in_time_wait_at_the_end_has_opened() {
	local trees=$TOP/fixtures/trees/hands row

	row='   1: 0500000A:0050 0900000A:9C40 06 00000000:00000000 03:00000A00 00000000     0        0 0 3 0000000000000031'
	mkdir t
	cp -a "$trees/2026-11-22T14:03:07Z" t/2026-11-22T14:03:07Z
	cp -a "$trees/2026-11-22T14:03:09Z" t/2026-11-22T14:03:09Z
	for at in 11 12; do
		cp -a "$trees/2026-11-22T14:03:07Z" "t/2026-11-22T14:03:${at}Z"
		printf '%-149s\n' "$row" >>"t/2026-11-22T14:03:${at}Z/net/tcp"
	done
	cp -a "$trees/2026-11-22T14:03:07Z" t/2026-11-22T14:03:13Z
	exits 0 sockrec --trees=t -o t.skt
	exits 1 sockdiff -H --between t.skt@#1 t.skt@#4
	[ "$(grep -c '^  ' out)" = 1 ]
	has out '+ opened    tcp   10.0.0.5:80           10.0.0.9:40000        TIME_WAIT ' 'lived at most 4s'
	# the other way round it closed
	exits 1 sockdiff -H --between t.skt@#4 t.skt@#1
	has out '- closed    tcp   10.0.0.5:80           10.0.0.9:40000        TIME_WAIT '
	# when it stands there no longer it came and went
	exits 1 sockdiff -H --between t.skt@#1 t.skt@#5
	has out '* transient tcp   10.0.0.5:80           10.0.0.9:40000        ESTABLISHED '
	exits 1 sockdiff -H --between t.skt@#1 t.skt@#4 state time-wait
	[ "$(grep -c '^  ' out)" = 1 ]
	# and it is told once
	exits 1 sockdiff -H --between --all t.skt@#1 t.skt@#4
	[ "$(grep -c ':40000 ' out)" = 1 ]
}

t_standard_input_is_read_once_and_may_be_both_sides() {
	sockdiff "$rec/gap.skt@#3" "$rec/gap.skt@last" >named 2>said || [ $? = 1 ]
	cp "$rec/gap.skt" copy
	exits 1 sockdiff -- -@#3 -@last <copy
	sed "s|$rec/gap.skt|-|" named | cmp - out
	exits 1 sockdiff -@#3 -@last <copy
	sed "s|$rec/gap.skt|-|" named | cmp - out
	# each stands where it was typed
	exits 1 sockdiff -@#3 "$rec/gap.skt" state established <copy
	has out '- -: ' "+ $rec/gap.skt: "
	exits 1 sockdiff "$rec/gap.skt" --tz UTC -@#3 state established <copy
	has out "- $rec/gap.skt: " '+ -: '
	exits 1 sockdiff -- "$rec/gap.skt@#3" - <copy
	exits 2 sockdiff -@#3 <copy
	has err "'-@#3' is one instant: name another"
	exits 2 sockdiff -@#3 -@#4 -@#5 <copy
	has err "'-@#5': two instants are named already"
	exits 2 sockdiff copy copy -@#5 </dev/null
	has err "'-@#5': two instants are named already"
	exits 2 sockdiff -@ copy </dev/null
	has err 'write -@TIME'
}

t_quiet_prints_nothing_where_nothing_differs() {
	local format

	for format in table json jsonl csv; do
		exits 0 sockdiff -q --format=$format ../a ../b
		is_empty out err
		exits 0 sockdiff -q --count-by=comm --format=$format ../a ../b
		is_empty out err
	done
	cp -a ../b b
	sed -i '/:1F40 /d' b/net/tcp
	sockdiff ../a b | sed 1,2d >loud
	exits 1 sockdiff -q ../a b
	sed 1,2d out | cmp - loud
}

run_tests

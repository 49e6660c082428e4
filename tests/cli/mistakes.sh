#!/bin/bash
# SPDX-License-Identifier: MIT
# What people mistype, and what they are told then: one line, which says what to do.
. "$(dirname "$0")/../lib.sh"

sockrec -q --trees="$TOP/fixtures/trees/hands" -o hands.skt || { echo "Bail out! no recording"; exit 1; }
cp hands.skt other.skt

# refuses TEXT COMMAND...: one line that holds TEXT, "Try ...", nothing on standard output, exit status 2.
refuses() {
	local text=$1

	shift
	exits 2 "$@"
	is_empty out
	has err "$text"
	[ "$(wc -l <err)" = 2 ]
	[ "$(tail -n 1 err)" = "Try '$1 --help'." ]
}

t_an_option_that_is_mistyped_has_its_nearest_beside_it() {
	refuses "there is no option '--fomat=json'; nearest: --format" sockquery --fomat=json ../hands.skt
	refuses "there is no option '--betwen'; nearest: --between" sockdiff --betwen ../hands.skt
	refuses "there is no option '--inteval=5s'; nearest: --interval" sockrec --inteval=5s
	# nothing is like it
	refuses "there is no option '--zzzzzzzz'" sockquery --zzzzzzzz ../hands.skt
	fails grep nearest err
	refuses "there is no option '-Z'" sockdiff -Z ../hands.skt
	fails grep nearest err
}

t_a_command_without_its_dashes_is_told_where_it_belongs() {
	refuses "there is no option '-t'; a COMMAND, with options of its own, stands behind --" \
		sockreplay ../hands.skt@first ss -t
}

t_an_expression_without_a_recording_is_told_to_be_one() {
	local tool

	for tool in sockquery sockdiff sockreplay; do
		refuses "'state listening' is an expression, and no recording stands in front of it" $tool 'state listening'
		refuses "'dst ...' is an expression, and no recording stands in front of it" $tool dst 10.0.0.9
		refuses "'../hands.skt' is a file, and stands behind 'state listening', which is none: files come first" \
			$tool 'state listening' ../hands.skt
		# what is none is the name of a file that is not there
		exits 2 $tool nowhere
		has err "$tool: nowhere: cannot open: No such file or directory"
		exits 2 $tool 'a name with blanks.skt'
		has err "$tool: a name with blanks.skt: cannot open: No such file or directory"
	done
}

t_a_file_too_many_is_said_to_be_one() {
	refuses "'../other.skt' is a file too many, and no expression" sockreplay ../hands.skt ../other.skt
	refuses "'../other.skt@last' is a file too many, and no expression" sockreplay ../hands.skt ../other.skt@last
	refuses "'../other.skt' is a file too many, and no expression" sockdiff ../hands.skt ../hands.skt@last ../other.skt
}

t_an_instant_that_stands_by_itself_is_told_where_it_belongs() {
	refuses "'@14:03:08' is an instant: it stands right behind the recording that it is of, as in REC@14:03:08" \
		sockquery ../hands.skt @14:03:08
	refuses "'14:03:08' is an instant" sockquery ../hands.skt 14:03:08
	refuses "'@last' is an instant" sockdiff ../hands.skt@first @last
	refuses "'+3s' is an instant" sockreplay ../hands.skt +3s
}

t_a_file_to_record_into_is_told_to_want_an_option() {
	refuses "'new.skt': an expression is about --watch, and a file to record into is named with -o" sockrec new.skt -n 1
	[ ! -e new.skt ]
}

t_a_field_of_another_view_is_said_to_be_one() {
	refuses "--fields: 'first_seen' is no field here, but of --view=flows, processes" sockquery --fields=first_seen ../hands.skt
	refuses "--sort: 'first_seen' is no field here, but of --view=flows, processes" sockquery --sort=-pid,-first_seen ../hands.skt
	refuses "--count-by: 'hands' is no field here, but of --view=changes" sockquery --count-by=state,hands ../hands.skt
	refuses "--fields: 'xyzzy' is no field; see sockquery --list-fields" sockquery --fields=xyzzy ../hands.skt
}

t_a_limit_of_rotation_that_is_none_is_told_what_would_be_one() {
	refuses "--rotate: '64MB' is neither a size such as 64M nor a time such as 1h" sockrec --rotate=64MB -o directory
	refuses "--keep: '2g' is neither a size such as 64M nor a time such as 1h" sockrec --rotate=1h --keep=2g -o directory
	[ ! -e directory ]
}

t_an_output_without_a_name_is_refused_before_anything_is_done() {
	refuses "--output: '' names no file" sockrec -n 1 -o ''
	refuses "--output: '' names no file" sockquery -o '' ../hands.skt
	refuses "--to-tree: '' names no directory" sockreplay --to-tree= ../hands.skt@last
	refuses "--to-trees: '' names no directory" sockreplay --to-trees= ../hands.skt
}

t_a_zone_of_the_host_that_is_not_known_here_is_told_with_the_file() {
	TZ=Nowhere/Land sockrec -q -n 1 -o zone.skt
	exits 2 sockquery --tz=host zone.skt
	is_empty out
	has err "sockquery: zone.skt: the zone of the recorded host is 'Nowhere/Land', which this machine does not know: name another (--tz)"
	[ "$(wc -l <err)" = 1 ]
}

t_a_machine_without_zones_says_so() {
	unshare --mount --map-root-user true 2>unshare.err || skip "no mount namespaces: $(cat unshare.err)"
	[ -d /usr/share/zoneinfo ] || skip "no zones here"
	exits 2 unshare --mount --map-root-user sh -c 'mount -t tmpfs none /usr/share && exec "$@"' sh sockquery --tz=Europe/Berlin ../hands.skt
	has err "--tz: 'Europe/Berlin': without /usr/share/zoneinfo only UTC and TZ strings such as CET-1CEST are known"
	exits 0 unshare --mount --map-root-user sh -c 'mount -t tmpfs none /usr/share && exec "$@"' sh sockquery --tz=CET-1 ../hands.skt
	has out '+01:00, snapshot'
}

run_tests

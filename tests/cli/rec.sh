#!/bin/bash
# SPDX-License-Identifier: MIT
# The recordings of fixtures/rec: v1 as it was written, and damaged ones, one damage each (fixtures/rec/make says what
# each is). What sockquery --verify and skt-dump say of every one stands in fixtures/rec/expect/.
#
#	tests/cli/rec.sh [--rewrite]
#
# --rewrite writes down what they say now. Then read what git shows: nobody else will.
. "$(dirname "$0")/../lib.sh"

fixtures=$TOP/fixtures/rec
command -v skt-dump >/dev/null || {
	echo "1..0 # SKIP no skt-dump in PATH: make tests"
	exit
}

# A dump for people to read: a snapshot that is one of v1-groups, which most of these are made from, is told by number,
# of any other is printed what the one before did not say as well, with a hash of the whole line.
read -r -d '' FOLD <<'END' || :
import hashlib

def lines(path):
    with open(path, "rb") as file:
        return [line.decode() for line in file]

def parts(snapshot):
    tables, processes = snapshot.pop("tables"), snapshot.pop("processes")
    yield "snapshot", snapshot
    for process in processes:
        yield "process", process
    for table in tables:
        rows, raw = table.pop("rows"), table.pop("raw")
        name = "%d/%d" % (table["net_namespace"], table["kind"])
        yield "table", dict(table, rows=len(rows))
        for line in raw:
            yield name + " raw", line
        for row in rows:
            yield name, row

def runs(numbers):
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in out)

original = set(lines(sys.argv[2])) if len(sys.argv) > 2 else set()
same, before = [], set()
for line in lines(sys.argv[1]):
    what = json.loads(line)
    if line in original and what["type"] == "header":
        say("header as in v1-groups")
        continue
    if line in original:
        same.append(what["number"])
        continue
    if same:
        say("snapshots as in v1-groups:", runs(same))
        same = []
    if what["type"] != "snapshot":
        say(line.rstrip("\n"))
        continue
    say("#%d %s" % (what["number"], hashlib.sha256(line.encode()).hexdigest()))
    now = ["%s %s" % (name, json.dumps(part, sort_keys=True, separators=(",", ":"))) for name, part in parts(what)]
    for part in now:
        if part not in before:
            say("  " + part)
    before = set(now)
if same:
    say("snapshots as in v1-groups:", runs(same))
END

# listing NAME: what is said of a fixture.
listing() {
	local rc=0
	local -a original

	(cd "$fixtures" && exec sockquery --verify "$1.skt") >.out 2>.err || rc=$?
	echo "sockquery --verify: exit status $rc"
	cat .out .err
	rc=0
	(cd "$fixtures" && exec skt-dump "$1.skt") >.dump 2>.err || rc=$?
	echo "skt-dump: exit status $rc"
	case $1 in
	v1-*) original=() ;;
	*) original=("$TMPDIR/v1-groups.dump") ;;
	esac
	python .dump "${original[@]}" <<<"$FOLD"
	cat .err
}

skt-dump "$fixtures/v1-groups.skt" >"$TMPDIR/v1-groups.dump" || exit
recordings=$(cd "$fixtures" && printf '%s\n' *.skt | sed 's/\.skt$//')

if [ "${1-}" = --rewrite ]; then
	mkdir -p "$fixtures/expect"
	rm -f "$fixtures"/expect/*
	for rec in $recordings; do
		listing "$rec" >"$fixtures/expect/$rec" || exit
	done
	exit
fi

t_every_listing_is_as_it_was() {
	for rec in $recordings; do
		listing "$rec" >said
		diff -u "$fixtures/expect/$rec" said
	done
	# and no listing is left of what is there no more
	diff <(printf '%s\n' "$recordings" | sort) <(cd "$fixtures/expect" && printf '%s\n' * | sort)
}

t_damaged_recordings_are_made_of_the_kept_ones_byte_for_byte() {
	plain_only "no tool"
	mkdir made
	"$fixtures/make" --into made
	for made in made/*.skt; do
		# a bomb must be deflated, and another zlib may do it another way
		[ "$made" = made/bomb.skt ] || [ "$made" = made/bomb-over-limit.skt ] || cmp "$made" "$fixtures/${made#made/}"
	done
	for made in made/dir-*; do
		diff -r "$made" "$fixtures/${made#made/}"
	done
	ls made >have
	(cd "$fixtures" && printf '%s\n' *.skt dir-* | grep -v '^v1-' | sort) | diff - have
}

# These are no damage, though their makers are beside the others'.
sound='gap index-without-flag newer-minor nothing-in-it recording-in-cmdline unknown-ancillary-block'
# And these are none, but not all of them can be read.
newer='unknown-required-block unknown-required-blocks-with-snapshots'
# Their sums and chain are right, whoever made them could compute both: only reading them tells.
told_by_reading='bomb bomb-over-limit event-of-no-row event-of-no-table events-out-of-order lying-count
	lying-count-of-rows lying-section-length lying-snapshots lying-times lying-times-that-fall overlong-varint port-of-no-event string-twice unknown-codec wrong-digest'
# A crash of the machine, or a cut, is no damage to what is there.
torn='cut-in-head cut-in-payload cut-in-tail zeroed-from-block zeroed-from-first-block zeroed-tail'
open='cut-before-end cut-before-first-block cut-between-blocks'

# is_in LIST NAME
is_in() { [[ " ${1//[$'\n\t']/ } " == *" $2 "* ]]; }

# verdict NAME: what sockquery --verify calls it
verdict() { sockquery --verify "$fixtures/$1.skt" 2>/dev/null | sed -n '1s/ .*//p'; }

# expected NAME: what it should call it
expected() {
	if [[ $1 == v1-* ]] || is_in "$sound $newer" "$1"; then
		echo WHOLE
	elif is_in "$torn" "$1"; then
		echo TORN
	elif is_in "$open" "$1"; then
		echo OPEN
	else
		echo DAMAGED
	fi
}

t_the_verdict_is_that_of_the_damage() {
	plain_only "the listing"
	for rec in $recordings; do
		said=$(verdict "$rec")
		# none, where the header cannot be read
		[ "${said:-DAMAGED}" = "$(expected "$rec")" ] || echo "$rec: $said, not $(expected "$rec")"
	done >wrong
	cat wrong
	is_empty wrong
}

t_what_only_reading_can_tell_is_told_by_reading_and_by_verifying() {
	for rec in $told_by_reading; do
		skt-dump "$fixtures/$rec.skt" | grep -q '"type":"stop"' || echo "$rec"
		exits 1 sockquery --verify "$fixtures/$rec.skt"
		has err "sockquery: $fixtures/$rec.skt:" ' bytes are what was written, and cannot be read: '
	done >wrong
	is_empty wrong
}

t_what_needs_a_newer_program_is_said_to() {
	for rec in $newer; do
		exits 2 sockquery --verify "$fixtures/$rec.skt"
		has out 'WHOLE ' 'for a newer program '
		is_empty err
		# and read without complaint where it needs none
		exits 0 sockquery "$fixtures/$rec.skt@last"
		exits 2 sockquery "$fixtures/$rec.skt@#15"
		has err 'is not known to this program' 'need a newer program'
	done
}

t_a_chain_value_vouches_only_for_what_nothing_is_damaged_before() {
	# the last value of each of these, and what there is to say of it
	while read -r rec status said; do
		chain=$(sockquery --verify "$fixtures/$rec.skt" 2>/dev/null | sed -n 's/^chain *//p')
		exits "$status" sockquery --verify="$chain" "$fixtures/$rec.skt"
		[ "$(sed -n 's/^chain asked for *//p' out | tr 0-9 N | tr -s N)" = "$said" ] || {
			echo "$rec:" && cat out && return 1
		}
	done <<-'END'
		v1-groups 0 is in it
		gap 0 is in it
		bytes-after-end 1 is in it
		wrong-digest 1 is in it
		flipped-payload 1 found, but N bytes before it are damaged
		flipped-fact 1 found, but N bytes before it are damaged
		flipped-chain 1 found, but N bytes before it are damaged
		missing-group 1 found, but blocks before it are missing
	END
	exits 1 sockquery --verify="${chain//[0-9]/a}" "$fixtures/v1-groups.skt"
	has out 'chain asked for          is not in it'
}

t_strict_refuses_what_is_not_whole_wherever_the_damage_is() {
	for rec in $recordings; do
		status=2
		[ "$(expected "$rec")" != WHOLE ] || is_in "gap nothing-in-it $newer" "$rec" || status=0
		exits $status sockquery --strict "$fixtures/$rec.skt@last" || echo "$rec"
		[ $status = 0 ] || { is_empty out && has err "sockquery: $fixtures/$rec.skt: "; } || echo "$rec"
	done >wrong
	is_empty wrong
}

t_what_is_lost_is_told_once() {
	for rec in $recordings; do
		for how in --info --no-index; do
			sockquery $how "$fixtures/$rec.skt" >/dev/null 2>err || :
			sed -n 's/^[^:]*: [^:]*\.skt:\([0-9]*\): .*/\1/p' err | sort | uniq -d | sed "s/^/$rec $how /"
		done
	done >wrong
	is_empty wrong
}

t_no_snapshot_is_read_that_was_not_recorded() {
	plain_only "the listing"
	for rec in $recordings; do
		# these say something else on purpose, and soundly
		[[ $rec != v1-* && $rec != recording-in-cmdline ]] || continue
		skt-dump "$fixtures/$rec.skt" 2>/dev/null | grep '"type":"snapshot"' >dump || continue
		! grep -qvxFf "$TMPDIR/v1-groups.dump" dump || echo "$rec"
	done >wrong
	is_empty wrong
}

t_without_the_index_everything_is_found_as_well() {
	for rec in $recordings; do
		skt-dump "$fixtures/$rec.skt" >with 2>&1 || :
		skt-dump -n "$fixtures/$rec.skt" >without 2>&1 || :
		cmp with without || echo "$rec"
	done >wrong
	is_empty wrong
}

run_tests

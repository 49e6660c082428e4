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
	mkdir made
	"$fixtures/make" --into made
	for made in made/*.skt; do
		# a bomb must be deflated, and another zlib may do it another way
		[ "$made" = made/bomb.skt ] || [ "$made" = made/bomb-over-limit.skt ] || cmp "$made" "$fixtures/${made#made/}"
	done
	ls made >have
	(cd "$fixtures" && printf '%s\n' *.skt | grep -v '^v1-') | diff - have
}

# These are no damage, though their makers are beside the others'.
sound='gap newer-minor nothing-in-it recording-in-cmdline unknown-ancillary-block'
# Their sums and chain are right, whoever made them could compute both: only reading them tells.
told_by_reading='bomb bomb-over-limit lying-count lying-count-of-rows lying-section-length overlong-varint string-twice
	unknown-codec wrong-digest'
# And this nothing tells.
not_told='lying-times'

# is_in LIST NAME
is_in() { [[ " ${1//[$'\n\t']/ } " == *" $2 "* ]]; }

# verdict NAME: what sockquery --verify calls it
verdict() { sockquery --verify "$fixtures/$1.skt" 2>/dev/null | sed -n '1s/ .*//p'; }

t_what_is_sound_is_called_whole() {
	for rec in $recordings; do
		[[ $rec == v1-* ]] || is_in "$sound $told_by_reading $not_told" "$rec" || continue
		[ "$(verdict "$rec")" = WHOLE ] || echo "$rec"
	done >wrong
	cat wrong
	is_empty wrong
}

t_what_is_damaged_is_never_called_whole() {
	for rec in $recordings; do
		if [[ $rec == v1-* ]] || is_in "$sound $told_by_reading $not_told" "$rec"; then continue; fi
		[ "$(verdict "$rec")" != WHOLE ] || echo "$rec"
	done >wrong
	is_empty wrong
}

t_what_only_reading_can_tell_is_told_by_reading() {
	for rec in $told_by_reading; do
		skt-dump "$fixtures/$rec.skt" | grep -q '"type":"stop"' || echo "$rec"
	done >wrong
	is_empty wrong
}

t_no_snapshot_is_read_that_was_not_recorded() {
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

#!/bin/bash
# SPDX-License-Identifier: MIT
# Recordings, written as trees and recorded again, are what they were.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
command -v skt-tree >/dev/null || { echo "1..0 # SKIP no skt-tree in PATH: make tests"; exit; }

# tree RECORDING N DIR
tree() {
	mkdir -p "$3"
	exits 0 skt-tree "$1" "$2" "$3"
}

# all RECORDING: a tree of each of its snapshots, in trees/, named for its time.
all() {
	local n=1 name

	mkdir trees
	while mkdir trees/new && skt-tree "$1" $n trees/new 2>/dev/null; do
		name=$(sed -n 's/^time \(.*\)\(.........\)$/\1.\2/p' trees/new/.skt-meta)
		mv trees/new "trees/$name"
		n=$((n + 1))
	done
	rm -rf trees/new
}

# snapshots RECORDING: all it holds, but the header and the numbers, which are its own.
snapshots() { skt-dump "$1" | sed '1d; s/"number":[0-9]*,//'; }

t_a_scene_comes_back_whatever_is_wrong_with_it() {
	local scene

	for scene in "$TOP"/fixtures/proc/*/; do
		rm -rf x.skt y.skt tree
		sockrec --proc="$scene" -n 1 -o x.skt 2>/dev/null || [ $? = 2 ]
		tree x.skt 1 tree
		sockrec --proc=tree -n 1 -o y.skt 2>/dev/null || [ $? = 2 ]
		snapshots x.skt >was
		snapshots y.skt >is
		[ "$(wc -l <was)" = 1 ]
		diff was is
	done
}

t_a_recording_comes_back_with_what_was_carried_missed_and_stale() {
	local name

	for name in v1-busy v1-groups v1-kinds; do
		rm -rf trees y.skt
		all "$TOP/fixtures/rec/$name.skt"
		[ "$(find trees -mindepth 1 -maxdepth 1 | wc -l)" -gt 2 ]
		sockrec --trees=trees -o y.skt 2>/dev/null || [ $? = 2 ]
		snapshots "$TOP/fixtures/rec/$name.skt" >was
		snapshots y.skt >is
		cmp was is
	done
}

t_a_tree_with_another_name_is_of_another_time() {
	sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o x.skt
	tree x.skt 1 trees/100.5
	tree x.skt 1 trees/200
	exits 0 sockrec --trees=trees -o y.skt
	skt-dump y.skt | sed 1d >is
	python <<'END_OF_PYTHON'
first, second = jsonl("is")
assert (first["time"], second["time"]) == (100_500_000_000, 200_000_000_000), (first["time"], second["time"])
for snapshot in first, second:
    for table in snapshot["tables"]:
        assert 0 <= table["read_time"] - snapshot["time"] < 60 * 10**9, table
    assert snapshot["end"] >= snapshot["time"]
END_OF_PYTHON
}

t_a_damaged_meta_is_refused_with_its_line() {
	sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o x.skt
	tree x.skt 1 tree
	sed -i 's/^boottime .*/boottime soon/' tree/.skt-meta
	exits 2 sockrec --proc=tree -n 1 -o y.skt
	has err "sockrec: tree: '.skt-meta' does not read as it is written, at its line 6"
	# without it, it is a tree like any other
	rm -f tree/.skt-meta y.skt
	exits 0 sockrec --proc=tree -n 1 -o y.skt
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# The tools that make static builds say what the others say. (The goldens and some tests of the command line run on
# them, too, with make check-static; these compare one with the other.)
. "$(dirname "$0")/../lib.sh"

fixtures=$TOP/fixtures/proc
for tool in sockrec sockquery; do
	for folder in bin bin/static; do
		[ -x "$TOP/$folder/$tool" ] || { echo "1..0 # SKIP no $folder/$tool: make all static"; exit; }
	done
done
shared=$TOP/bin static=$TOP/bin/static

# What a recording says, but for when it was made.
untimed() { sed 's/20[0-9-]*T[0-9:.]*Z/TIME/'; }

t_static_sockquery_prints_what_the_other_prints_of_one_recording() {
	local scene format

	for scene in seed kinds comm ipv6; do
		"$shared/sockrec" --proc="$fixtures/$scene" -n 1 -o $scene.skt 2>/dev/null
		for format in table json jsonl csv netstat; do
			"$shared/sockquery" --tz=Europe/Berlin --format=$format $scene.skt >a 2>a.err
			"$static/sockquery" --tz=Europe/Berlin --format=$format $scene.skt >b 2>b.err
			[ -s a ]
			cmp a b
			cmp a.err b.err
		done
	done
}

t_static_sockrec_records_what_the_other_records() {
	local scene

	for scene in "$fixtures"/*/; do
		rm -f a.skt b.skt
		"$shared/sockrec" --proc="$scene" -n 1 -o - >a.skt 2>a.said || :
		"$static/sockrec" --proc="$scene" -n 1 -o - >b.skt 2>b.said || :
		cmp <(sed 's/, chain.*//' a.said) <(sed 's/, chain.*//' b.said)
		"$shared/sockquery" --format=jsonl a.skt 2>/dev/null | untimed >a
		"$shared/sockquery" --format=jsonl b.skt 2>/dev/null | untimed >b
		cmp a b
	done
}

t_static_tools_know_users_and_zones_of_this_host() {
	# both are files, and no library is loaded for them
	"$static/sockrec" -n 1 -o x.skt 2>/dev/null
	"$static/sockquery" --format=csv x.skt >b 2>/dev/null || [ $? = 1 ]
	"$shared/sockquery" --format=csv x.skt >a 2>/dev/null || [ $? = 1 ]
	cmp a b
	exits 2 "$static/sockquery" --tz=Mars/Olympus x.skt
	exits 0 "$static/sockrec" --proc="$fixtures/seed" -n 1 -o y.skt
	exits 0 "$static/sockquery" --tz=Asia/Kolkata y.skt
	has out '+05:30, snapshot 1 of 1'
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# The real netstat, with a tree of fixtures/proc lying over /proc, says what sockquery says of a recording of that tree.
. "$(dirname "$0")/../lib.sh"

fixtures=$TOP/fixtures/proc

# look TREE PROTOCOLS: netstat's words on a tree.
look() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'mount --bind "$1" /proc && netstat "-${2}apn"' sh "$1" "$2" 2>netstat.err
}

t_the_seed_tree_gives_the_line_of_the_document() {
	exits 0 sockrec --proc="$fixtures/seed" -n 1 -o x.skt
	exits 0 sockquery --format=netstat x.skt
	sed 's/  */ /g; s/ $//' out >squeezed
	grep -qxF 'tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 28850/cherokee-work' squeezed
}

t_netstat_reads_the_seed_tree_as_the_recording_shows_it() {
	exits 0 sockrec --proc="$fixtures/seed" -n 1 -o x.skt
	exits 0 sockquery --format=netstat x.skt
	look "$fixtures/seed" t >netstat
	grep -q '^tcp .* 28850/cherokee-work *$' netstat
	[ "$(wc -l <netstat)" = 12 ]
	cmp netstat out
}

# Scenes that are wrong on purpose are left out: netstat prints what it makes of half a line. Of processes without a
# command line netstat knows nothing, where the recording has a name; and it prints names raw. There the programs are not
# compared. netstat sees the namespace of the tree alone.
t_netstat_reads_every_scene_that_is_right_as_the_recording_shows_it() {
	local scene n=0 protocols

	for scene in "$fixtures"/*/; do
		rm -f x.skt
		sockrec --proc="$scene" --netns=own -n 1 -o x.skt 2>/dev/null || continue
		protocols=
		for table in tcp udp udplite raw; do
			[ ! -e "$scene/net/$table" ] && [ ! -e "$scene/net/${table}6" ] ||
				protocols+=$(case $table in udplite) echo U ;; *) echo "${table::1}" ;; esac)
		done
		# netstat ends at the first table that is not there, unless it is told to leave it out
		case $protocols in *r*) protocols=${protocols/r/w} ;; esac
		[ -e "$scene/net/tcp" ] || [ ! -e "$scene/net/tcp6" ] || protocols+=6
		look "$scene" "$protocols" >netstat || { echo "# $scene: $(cat netstat.err)"; continue; }
		exits 0 sockquery --format=netstat x.skt
		python "$scene" <<'END'
def lines(path):
    return sorted(read(path).split(b"\n"))
ours, theirs = lines("out"), lines("netstat")
assert len(ours) == len(theirs), (sys.argv[1], ours, theirs)
for a, b in zip(ours, theirs):
    if b.endswith(b"-                   ") or re.search(rb"[\0-\x1f\x7f-\xff]", b):
        a, b = a[:80], b[:80]
    assert a == b, (sys.argv[1], a, b)
END
		n=$((n + 1))
	done
	[ $n -ge 3 ]
}

run_tests

#!/bin/bash
# SPDX-License-Identifier: MIT
# Snapshots written as trees, read by programs that know nothing of recordings: they say what they said when it was recorded.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid
command -v skt-tree >/dev/null || { echo "1..0 # SKIP no skt-tree in PATH: make tests"; exit; }

# over TREE COMMAND...: with the tree lying over /proc.
over() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'mount --bind "$1" /proc && shift && exec "$@"' sh "$@"
}

# tree RECORDING N: the Nth snapshot of it as a tree, in the directory tree.N.
tree() {
	mkdir "tree.$2"
	exits 0 skt-tree "$1" "$2" "tree.$2"
}

# Listeners, connections, and one that nobody holds any more; then nothing moves while others look.
talker >told &
talker=$!
eventually test -s told || exit
python3 - <<'END' || exit
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.close()
    peer.close()
END
netstat -tuwapn >netstat.said 2>/dev/null
ss -tuanpH >ss.said
exits 0 sockrec -i 100ms -n 3 -o x.skt || exit

t_netstat_says_what_it_said() {
	tree ../x.skt 1
	over "$PWD/tree.1" netstat -tuwapn >now 2>/dev/null
	grep -q '^tcp .* LISTEN .*/talker' now
	grep -q '^tcp .* TIME_WAIT ' now
	diff <(sort ../netstat.said) <(sort now)
}

# /proc has no send queue of listeners, which is the limit of their backlog.
plain() { awk '$2 == "LISTEN" { $4 = "-" } { $1 = $1; print }' "$1" | sort; }

t_ss_says_what_it_said() {
	tree ../x.skt 1
	# in ss a name of more than 127 bytes is cut (ss.c, generic_proc_open())
	PROC_ROOT=tree.1 ss -tuanpH >now
	grep -q talker now
	diff <(plain ../ss.said) <(plain now)
}

t_python_psutil_finds_the_same_set() {
	/usr/bin/python3 -c 'import psutil' 2>/dev/null || skip 'no psutil'
	tree ../x.skt 1
	cat >look.py <<'END'
import psutil, sys
psutil.PROCFS_PATH = sys.argv[1]
for c in sorted(map(str, psutil.net_connections("inet"))):
    print(c)
psutil.net_connections("unix"), psutil.net_connections("all")
for process in psutil.process_iter(["pid", "name", "cmdline", "exe", "ppid", "create_time", "num_threads"]):
    if process.info["name"] == "talker":
        process.info["create_time"] = round(process.info["create_time"])
        print(sorted(process.info.items()))
END
	/usr/bin/python3 look.py /proc >theirs
	/usr/bin/python3 look.py "$PWD/tree.1" >now
	grep -q talker now
	diff theirs now
}

t_trees_of_a_recording_are_recorded_as_it_was() {
	command -v skt-dump >/dev/null || skip 'no skt-dump in PATH: make tests'
	local n name

	mkdir trees
	for n in 1 2 3; do
		tree ../x.skt $n
		name=$(sed -n 's/^time \(.*\)\(.........\)$/\1.\2/p' tree.$n/.skt-meta)
		mv tree.$n "trees/$name"
	done
	exits 0 sockrec --trees=trees -o y.skt
	# the header is another run's
	skt-dump ../x.skt | tail -n +2 >was
	skt-dump y.skt | tail -n +2 >is
	[ "$(wc -l <is)" = 3 ]
	diff was is
}

# The document from which all this began.
t_the_seed_tree_recorded_and_written_again_gives_the_line_of_the_document() {
	exits 0 sockrec --proc="$TOP/fixtures/proc/seed" -n 1 -o x.skt
	tree x.skt 1
	over "$PWD/tree.1" netstat -tapn >now 2>/dev/null
	sed 's/  */ /g; s/ $//' now >squeezed
	grep -qxF 'tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 28850/cherokee-work' squeezed
	over "$TOP/fixtures/proc/seed" netstat -tapn >theirs 2>/dev/null
	cmp theirs now
	PROC_ROOT=tree.1 ss -tanpH >now
	PROC_ROOT=$TOP/fixtures/proc/seed ss -tanpH >theirs
	cmp theirs now
	grep -q '^LISTEN .* 0.0.0.0:80 .*users:(("cherokee-worker",pid=28850,fd=3))' now
}

run_tests
kill $talker

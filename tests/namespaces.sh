# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Network namespaces to be recorded, in which somebody lives. Sourced after lib.sh and own_network --pid: those that ip(8)
# makes have their names in a folder of our own.

mkdir -p /run/netns && mount -t tmpfs none /run/netns || exit
PORT=7411

# dwell FILE [@NAME] WHERE: dwellers (tests/host/dweller.c), in the namespace of that name, who say in FILE where they
# live, until `leave FILE`.
dwell() {
	local file=$1 n=1
	local -a where=()

	shift
	if [ "${1#@}" != "$1" ]; then
		where=(ip netns exec "${1#@}")
		shift
	fi
	[[ $1 == [0-9]* ]] && n=$1
	"${where[@]}" dweller $PORT "$1" >"$file" 2>&1 &
	echo $! >"$file.pid"
	eventually settled "$file" "$n"
}
settled() { [ "$(wc -l <"$1")" -ge "$2" ]; }
leave() {
	kill "$(<"$1.pid")"
	wait "$(<"$1.pid")" || :
}

# shellcheck disable=SC2034 # who calls it waits for it
# record FILE ARGUMENT...: in the background; `ends $recorder 0` waits for its end.
record() {
	local file=$1

	shift
	sockrec -o "$file" "$@" 2>said &
	recorder=$!
}
# reached FILE N: the Nth snapshot, which may hold no sockets at all, can be read.
reached() {
	local rc=0

	sockquery -H "$1@#$2" || rc=$?
	[ $rc -lt 2 ]
}

# What the tests' python begins with.
# shellcheck disable=SC2016 # not a word of shell
PRELUDE+='
OWN = int(os.readlink("/proc/self/ns/net")[5:-1])
FRESH, STALE = 1, 2

def dump(path):
    """The snapshots of a recording, as tests/host/skt-dump.c writes them."""
    done = subprocess.run(["skt-dump", path], capture_output=True, text=True)
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "snapshot"]

def tables(snapshot, inode):
    return [table for table in snapshot["tables"] if table["net_namespace"] == inode]

def count(snapshot, inode):
    return sum(len(table["rows"]) for table in tables(snapshot, inode))

def dwellers(path):
    """(namespace, pid) of each"""
    return [tuple(map(int, line.split())) for line in read(path).decode().splitlines()]

def query(*what):
    done = subprocess.run(["sockquery", "--format=jsonl", *what], capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
'

# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests written in bash share. A test file sources this, makes what all its tests need, defines a function
# t_NAME for each test and ends with `run_tests`. NAME is the claim that the test proves, underscores for blanks; the
# function runs with set -e in a subshell and an empty directory of its own, and fails when a command in it does.
#
# scripts/tap sets the stage (PATH, SKT_BIN, TMPDIR, working directory); a file that is run by hand sets it itself.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SELF=$(realpath "${BASH_SOURCE[1]}")
if [ -z "${SKT_BIN-}" ]; then
	export SKT_BIN=$TOP/bin LC_ALL=C
	PATH=$SKT_BIN:$TOP/build/plain/tests/host:$PATH
	TMPDIR=$(mktemp -d)
	export TMPDIR
	trap 'chmod -R u+rwx "$TMPDIR"; rm -rf "$TMPDIR"' EXIT
fi
# administrators' tools (ip, ss) are not in everybody's PATH
PATH=$PATH:/usr/sbin:/sbin
# no test depends on the zone of the machine it runs on
export TZ=UTC
cd "$TMPDIR" || exit 1

# ---- tests ----

# Why a test cannot be run here.
skip() {
	echo "$*" >"$TMPDIR/skip"
	exit 77
}

# sanitized: the tools have the address sanitizer built in, with which each takes seven times as long to start.
sanitized() { grep -qa __asan_init "$SKT_BIN/sockquery"; }

# plain_only WHAT: a test that runs what WHAT runs with the sanitizers, to find out about something else.
plain_only() { ! sanitized || skip "with the sanitizers $1 runs the same"; }

# Run every function t_*, in the order of the file.
run_tests() {
	local name log rc n=0 failed=0
	local -a names

	# with extdebug declare -F says the line, too
	shopt -s extdebug
	mapfile -t names < <(compgen -A function t_ | while read -r name; do declare -F "$name"; done | sort -k2n |
		cut -d' ' -f1)
	shopt -u extdebug
	for name in "${names[@]}"; do
		n=$((n + 1)) log=$TMPDIR/$name.log
		mkdir "$TMPDIR/$name"
		(
			cd "$TMPDIR/$name" || exit
			trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
			set -eE
			"$name"
		) </dev/null >"$log" 2>&1
		rc=$?
		name=${name#t_}
		case $rc in
		0) echo "ok $n - ${name//_/ }" ;;
		77) echo "ok $n - ${name//_/ } # SKIP $(cat "$TMPDIR/skip")" ;;
		*)
			failed=1
			echo "not ok $n - ${name//_/ }"
			sed 's/^/#	/' "$log" | cut -c 1-2000 | head -n 100
			;;
		esac
	done
	echo "1..$n"
	return $failed
}

# exits STATUS COMMAND...: it does; what it said is in the files out and err. 124: it hung.
exits() {
	local want=$1 rc=0

	shift
	timeout -k 5 60 "$@" >out 2>err || rc=$?
	[ "$rc" = "$want" ] || {
		echo "exit status $rc, not $want: $*"
		echo "stdout:"
		head -n 20 out
		echo "stderr:"
		head -n 20 err
		return 1
	}
}

# has FILE TEXT...: every TEXT stands in FILE.
has() {
	local file=$1 text rc=0

	shift
	for text; do
		grep -qaF -- "$text" "$file" || {
			echo "not in '$file': $text"
			rc=1
		}
	done
	[ $rc = 0 ] || head -n 20 "$file"
	return $rc
}

# is_empty FILE...
is_empty() {
	local file

	for file; do
		[ ! -s "$file" ] || {
			echo "'$file' is not empty:"
			head -n 20 "$file"
			return 1
		}
	done
}

# fails COMMAND...: it does, for set -e does not look at what stands behind a `!`.
fails() {
	if "$@"; then
		echo "succeeded: $*"
		return 1
	fi
}

# eventually COMMAND...: it succeeds within 30 seconds; tried again and again.
eventually() {
	local end=$((SECONDS + 30))

	until "$@" >eventually.log 2>&1; do
		[ $SECONDS -lt $end ] || {
			echo "never succeeded: $*"
			tail -n 20 eventually.log
			return 1
		}
		sleep 0.05
	done
}

# ends PID STATUS: the child ends within 30 seconds, with this status.
ends() {
	local rc=0

	eventually fails kill -0 "$1" || return
	wait "$1" || rc=$?
	[ $rc = "$2" ] || {
		echo "exit status $rc, not $2"
		return 1
	}
}

# ---- a recorder ----

# begin ARGUMENT...: one in the background that writes x.skt, its pid in `recorder`, once it has written something; what it
# says is in `said`.
begin() {
	rm -f x.skt
	"$@" 2>said &
	recorder=$!
	eventually test -s x.skt
}

finish() {
	kill -TERM "$recorder"
	ends "$recorder" 0
}

# ---- without privilege ----

# "${as_nobody[@]}" PROGRAM ARGUMENT...: as nobody. The program is opened before, for it may lie where nobody may not go;
# the working directory and what is opened by the shell are taken along.
# shellcheck disable=SC2034 # tests that source this use it
as_nobody=(python3 -c '
import os, shutil, sys
program = os.open(shutil.which(sys.argv[1]), os.O_RDONLY)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.execve(program, sys.argv[1:], os.environ)')

# ---- namespaces ----

# own_network [--pid]: run this file in a network namespace of its own, with a loopback; with --pid in a pid
# namespace with its own /proc, too, where every process is ours and none is denied.
own_network() {
	if [ -z "${SKT_OWN_NETWORK-}" ]; then
		export SKT_OWN_NETWORK=1
		[ $# = 0 ] || set -- --pid --fork --kill-child --mount-proc
		unshare --net "$@" "$BASH" "$SELF"
		exit
	fi
	ip link set lo up
}

# ---- python ----

# What the python of a test begins with.
read -r -d '' PRELUDE <<'END' || :
import csv, io, json, os, re, subprocess, sys, time, unicodedata
from calendar import timegm

def say(*what):
    print(*what, flush=True)

def unescape(text):
    """The bytes that skt/escape.h's escape stands for."""
    out, data, at = b"", text.encode(), 0
    while at < len(data):
        if data[at:at + 1] != b"\\":
            out += data[at:at + 1]
            at += 1
        elif data[at + 1:at + 2] == b"\\":
            out += b"\\"
            at += 2
        else:
            assert re.match(rb"\\x[0-9a-f]{2}", data[at:at + 4]), "no escape: %r" % data[at:at + 4]
            out += bytes([int(data[at + 2:at + 4], 16)])
            at += 4
    return out

def ns(text):
    """Nanoseconds since 1970 of 2026-11-22T14:03:07.123456789Z."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", text), text
    return timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(text[20:29])

def read(path):
    with open(path, "rb") as file:
        return file.read()

def jsonl(path):
    return [json.loads(line) for line in read(path).decode().splitlines()]

def end(address, port):
    return "%s:%s" % (address, port or "*")

def row_key(row):
    return row["table"], end(row["local_address"], row["local_port"]), end(row["remote_address"], row["remote_port"])

def assert_clean(data, allowed="\n"):
    """Valid UTF-8 without anything that moves a cursor, hides, or reorders."""
    for c in data.decode():
        assert c in allowed or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"), \
            "%r in %r" % (c, data[max(0, data.find(c.encode()) - 60):][:120])

def differ(what, got, wanted):
    """Whether two collections differ, saying how."""
    got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    for name, a, b in ("only in " + what, got, wanted), ("missing in " + what, wanted, got):
        b = list(b)
        for one in a:
            if one in b:
                b.remove(one)
            else:
                say(name + ":", one)
    return got != wanted
END

# python ARGUMENT...: run the program on standard input after that prelude, by what python brings itself (-S: what else is
# installed takes as long to be looked for as all of that).
python() {
	python3 -S -c "$PRELUDE
$(cat)" "$@"
}

# ---- recordings put together ----

# crafting ARGUMENT...: the same, with fixtures/rec/make as `make`, which takes recordings apart and puts others together.
crafting() {
	python "$TOP/fixtures/rec/make" "$@" <<END
import importlib.machinery, importlib.util, struct
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("make", sys.argv.pop(1))
make = importlib.util.module_from_spec(importlib.util.spec_from_loader("make", loader))
loader.exec_module(make)
$(cat)
END
}

# change ARGUMENT...: make x.skt of v1-groups, as the lines of Python on standard input have it.
change() {
	crafting "$@" <<END
recording = make.Recording("v1-groups")
$(cat)
open("x.skt", "wb").write(recording.index().seal())
END
	exits 0 sockquery --verify x.skt
	has out WHOLE
}

# set_back SECONDS GROUP...: the same with the clock of these groups (0, 1, 2) set back.
set_back() {
	change "$@" <<'END'
begins = recording.keys() + [len(recording.blocks)]
for group in map(int, sys.argv[2:]):
    for block in recording.blocks[begins[group]:begins[group + 1]]:
        if block.type in (make.KEY, make.STEPS):
            sections = block.sections()
            for section in sections:
                if section.id == make.META:
                    _, at = make.read_varint(section.data, 0)
                    back = struct.pack("<q", block.first - int(sys.argv[1]) * 10**9)
                    section.data = section.data[:at] + back + section.data[at + 8:]
            block.put(sections)
        if block.type in (make.KEY, make.STEPS, make.END):
            block.first -= int(sys.argv[1]) * 10**9
            block.last -= int(sys.argv[1]) * 10**9
END
}

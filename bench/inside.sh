# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What bench/run does in namespaces of its own: a load, and what is measured beside it. bench/run sources this, and its figures
# (sockets, rounds, ...) and say() are known here.
# shellcheck disable=SC2154,SC2016,SC2086 # figures of bench/run; backquotes in single quotes are Markdown

# A load at work, which ends with this shell, for that holds the other end of its output.
begin_load() {
	local word rest
	ip link set lo up
	exec 3< <(exec load "$@" 2>&1)
	load_pid=$!
	read -r -t 120 word rest <&3 || word='nothing said'
	if [ "$word" != ready ]; then
		say "load: $word ${rest-}"
		exit 1
	fi
	sleep "$settle"
}

# What was measured beside a load that died was not measured.
see_load() {
	kill -0 "$load_pid" 2>/dev/null && return
	say "the load ended too soon: $(cat <&3)"
	exit 1
}

# 1 % of N sockets close and as many open each second, a tenth exchanges data: each takes two of them.
churn_of() { echo $(($1 / 200)); }
active_of() { echo $(($1 / 20)); }

inside_record() {
	local interval=$1 length=$2 file=$3
	begin_load $sockets $processes $((length + 30)) "$(churn_of $sockets)" "$(active_of $sockets)"
	sockrec -i "$interval" -d "${length}s" -o "$file"
	see_load
}

# "name wall cpu MiB" of each command that there is, a line each time it ran, separated by tabs. Commands take turns, so that
# what else the machine does befalls all of them. With namespaces more, two that see these, too.
rounds_of() {
	local round command wall cpu peak
	local commands=('cat /proc/net/tcp' readlinks 'ss -tanp' 'netstat -tapn' 'lsof -nP -iTCP' 'sockrec -n 1 -o -')
	[ "$1" = 0 ] || commands+=('bench/everywhere cat' 'bench/everywhere ss -tanp')
	for ((round = 0; round < rounds; round++)); do
		for command in "${commands[@]}"; do
			command -v "${command%% *}" >/dev/null || continue
			# shellcheck disable=SC2086 # a command and its arguments
			read -r wall cpu peak < <(spend 1 $command)
			printf '%s\t%s\t%s\t%s\n' "$command" "$wall" "$cpu" "$peak"
		done
	done
}

# From the rounds' lines, the recording of snapshots that followed and what that cost: the rows of a host. Ratios to ss and cat
# are medians of those of each round. A later snapshot is the median of what the recording tells of it, and an even
# share of the processor time that the first one did not take.
host_rows() {
	awk -F '\t' -v host="$1" -v steady="$2" -v all_cpu="$3" -v peak="$4" -v later="$5" -v look="$6" '
	function median(of, n,   i, j, t, list) {
		for (i = 1; i <= n; i++) list[i] = of[i]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
		return list[int((n + 1) / 2)]
	}
	function middle(name, what,   i, list) {
		for (i = 1; i <= n[name]; i++) list[i] = value[name, what, i]
		return median(list, n[name])
	}
	function ratio(name, what, base,   i, list) {
		if (!(base in n)) return ""
		for (i = 1; i <= n[name]; i++) list[i] = value[name, what, i] / value[base, what, i]
		return sprintf("%.2f", median(list, n[name]))
	}
	{
		if (!n[$1]++) names[++known] = $1
		value[$1, "wall", n[$1]] = $2
		value[$1, "cpu", n[$1]] = $3
		value[$1, "peak", n[$1]] = $4
	}
	END {
		cat = "cat /proc/net/tcp"; ss = "ss -tanp"; first = "sockrec -n 1 -o -"
		for (k = 1; k <= known; k++) {
			name = names[k]
			printf "| %s | `%s` | %.1f | %.1f | %s | %s | %.1f |\n", host, name, middle(name, "wall"),
				middle(name, "cpu"), ratio(name, "wall", ss), ratio(name, "cpu", cat), middle(name, "peak")
		}
		cpu = (all_cpu - middle(first, "cpu")) / steady
		printf "| %s | `sockrec`, each later snapshot | %.1f | %.1f | %s | %.2f | %.1f |\n", host, later, cpu,
			(ss in n) ? sprintf("%.2f", later / middle(ss, "wall")) : "", cpu / middle(cat, "cpu"), peak
		printf "| %s | of that, its look for owners | %.1f | | | | |\n", host, look
	}'
}

# A number of `decode REC took`.
took() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$2"; }

# Twenty sockets in each of N namespaces more, which end with this shell as the load does.
begin_others() {
	local i word rest

	[ "$1" != 0 ] || return 0
	exec 4< <(
		for ((i = 0; i < $1; i++)); do
			unshare --net sh -c 'ip link set lo up && exec load 20 1 600' 2>&1 &
		done
		wait
	)
	for ((i = 0; i < $1; i++)); do
		read -r -t 120 word rest <&4 || word='nothing said'
		[ "$word" = ready ] || { say "load: $word ${rest-}" && exit 1; }
	done
}

# HOST is SOCKETS:PROCESSES[:FILES[:NAMESPACES]].
inside_host() {
	local host=$1 dir=$2 n holders files others wall cpu peak name
	IFS=: read -r n holders files others <<<"$host"
	begin_load -f "${files:-0}" "$n" "$holders" 600 "$(churn_of "$n")" 0
	begin_others "${others:-0}"
	rounds_of "${others:-0}" >"$dir/rounds"
	# as many later ones as there are in a minute, for each minute begins with a key frame
	read -r wall cpu peak < <(spend 1 sockrec -n $((steady + 1)) -o "$dir/capture.skt")
	see_load
	decode "$dir/capture.skt" took >"$dir/took"
	rm "$dir/capture.skt"
	name="$n in $holders${others:+, and 20 in each of $others namespaces}"
	host_rows "$name" "$steady" "$cpu" "$peak" "$(took 'capture, later, median' "$dir/took")" \
		"$(took 'look for owners, later, median' "$dir/took")" <"$dir/rounds"
}

# What there is to tell of a recording, from --info.
info_of() { sockquery --info "$2" | sed -n "s/^$1  *//p"; }

# Runs at 50 ms beside a load: "due kept ms% MiB" of each, and the median of each column.
inside_ticks() {
	local name=$1 dir=$2 run wall cpu peak missed kept
	shift 2
	begin_load "$@"
	for ((run = 0; run < tick_runs; run++)); do
		read -r wall cpu peak < <(spend 1 sockrec -i 50ms -d "${tick_seconds}s" -o "$dir/ticks.skt")
		decode "$dir/ticks.skt" took >"$dir/took"
		kept=$(info_of snapshots "$dir/ticks.skt")
		missed=$(info_of 'missed ticks' "$dir/ticks.skt")
		rm "$dir/ticks.skt"
		echo "$((kept + missed)) $kept $(took 'capture, later, median' "$dir/took") $wall $cpu $peak"
	done >"$dir/runs"
	see_load
	sort -n -k 2 "$dir/runs" | awk -v name="$name" '
		{ line[NR] = $0 }
		END {
			split(line[int((NR + 1) / 2)], run, " ")
			printf "| %s | %d | %d | %.0f%% | %.1f | %.0f%% | %.1f |\n", name, run[1], run[2], 100 * run[2] / run[1],
				run[3], 100 * run[5] / run[4], run[6]
		}'
}

# A load of so many short connections a second, recorded with --events and without; each connection has two ends.
inside_events() {
	local rate=$1 dir=$2 how wall cpu peak events
	begin_load -b "$rate" 1000 10 $((2 * events_seconds + 60))
	for how in auto none; do
		read -r wall cpu peak < <(spend 1 sockrec --events=$how -i 1s -d "${events_seconds}s" -o "$dir/events.skt")
		events=$(info_of events "$dir/events.skt")
		echo "$how $wall $cpu $peak ${events:-0} $(info_of '  some were lost' "$dir/events.skt")"
		rm "$dir/events.skt"
	done >"$dir/runs"
	see_load
	awk -v rate="$rate" '{
		printf "| %d | %s | %d | %.0f | %s | %.1f%% | %.1f |\n", rate, $1, $5, $5 / ($2 / 1000), $6 == "" ? "nothing" : $6 " " $7 " " $8,
			100 * $3 / $2, $4
	}' "$dir/runs"
}

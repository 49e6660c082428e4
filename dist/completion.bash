# SPDX-License-Identifier: MIT
# Completion of sockrec, sockdiff, sockreplay and sockquery for bash. Options are asked of the tool itself (--help), and
# fields of sockquery (--list-fields), so that nothing here goes out of date; the words that some options take stand below.
# shellcheck shell=bash

# Fields of the view that the line asks for; where it names none, an expression makes flows of sockets.
_skt_fields() {
	local view views

	views=$(grep -o -m 1 -- '--view[= ][a-z]*' <<<"$2" | sed -n '1s/--view.//p')
	[[ $1 == sockquery ]] && views=${views:-sockets flows} || views=sockets
	for view in $views; do
		sockquery --list-fields "--view=$view" 2>/dev/null | sed -n 's/^\([a-z][a-z0-9_]*\) .*/\1/p'
	done | sort -u
}

# The words that TOOL:--OPTION takes, on a line; nothing: it takes something of one's own.
_skt_words() {
	case $1:$2 in
	sockquery:--format) echo table json jsonl csv netstat ;;
	*:--format) echo table json jsonl csv ;;
	*:--view) echo sockets flows changes processes snapshots ;;
	*:--ticks) echo random exact ;;
	*:--netns) echo all own ;;
	*:--sync) echo block group none ;;
	*:--cmdline) echo full argv0 none ;;
	*:--events) echo auto none ;;
	*:--tables) echo tcp tcp6 udp udp6 udplite udplite6 raw raw6 ;;
	*:--tz)
		echo UTC host
		sed -n '/^#/!s/^[^	]*	[^	]*	\([^	]*\).*/\1/p' /usr/share/zoneinfo/zone.tab 2>/dev/null
		;;
	*:--from | *:--to) echo first last today yesterday ;;
	*:--fields | *:--sort | *:--count-by) _skt_fields "$1" "$3" ;;
	esac
}

# What may stand in place of VALUE, behind that option.
_skt_values() {
	local tool=$1 option=$2 value=$3 line=$4 head=''

	case $option in --fields | --sort | --count-by | --tables) [[ $value != *,* ]] || head=${value%,*}, ;; esac
	[[ $option != --sort || ${value#"$head"} != -* ]] || head+=-
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$(_skt_words "$tool" "$option" "$line")" -- "${value#"$head"}")
	((${#COMPREPLY[@]})) || case $option in
	--proc | --trees | --to-tree | --to-trees) mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
	--output) mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
	esac
}

_skt() {
	local tool=${1##*/} line=${COMP_LINE:0:COMP_POINT} word before options i

	# The word as it stands: bash has cut it at each = and :.
	word=${line##*[[:space:]]}
	COMPREPLY=()

	# After -- stands a command of sockreplay's.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if ((i == COMP_CWORD - 1)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$word")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
			fi
			return
		fi
	done

	options=$("$1" --help 2>/dev/null | sed -n 's/^ *\(-[^ ]*, \)*\(--[a-z-]*\)\[*\(=*\).*/\2\3/p')
	case $word in
	--*=*)
		_skt_values "$tool" "${word%%=*}" "${word#*=}" "$line"
		return
		;;
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
		return
		;;
	esac
	# the value may stand behind a blank, too
	before=${line%"$word"}
	before=${before%"${before##*[![:space:]]}"}
	before=${before##*[[:space:]]}
	[[ $before != -o ]] || before=--output
	if [[ $before == --?* && $before != --verify && $'\n'$options$'\n' == *$'\n'"$before="$'\n'* ]]; then
		_skt_values "$tool" "$before" "$word" "$line"
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -X '!*.skt' -- "$word" && compgen -d -- "$word")
	compopt -o filenames 2>/dev/null
}

complete -F _skt sockrec sockdiff sockreplay sockquery

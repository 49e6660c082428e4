# SPDX-License-Identifier: MIT
# Completion of sockrec, sockdiff, sockreplay and sockquery for bash. Options are asked of the tool itself (--help), and
# fields of sockquery (--list-fields), so that nothing here goes out of date; the words that some options take stand below.
# shellcheck shell=bash

# The words after --OPTION=; nothing: it takes something of one's own.
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
	*:--tz) echo UTC host local ;;
	*:--from | *:--to) echo first last today yesterday ;;
	*:--fields | *:--sort | *:--count-by) sockquery --list-fields 2>/dev/null | sed -n 's/^\([a-z][a-z0-9_]*\) .*/\1/p' ;;
	esac
}

_skt() {
	local tool=${1##*/} line=${COMP_LINE:0:COMP_POINT} word option value head i

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

	case $word in
	--*=*)
		option=${word%%=*} value=${word#*=}
		head=''
		case $option in --fields | --sort | --count-by | --tables) [[ $value != *,* ]] || head=${value%,*}, ;; esac
		mapfile -t COMPREPLY < <(compgen -P "$head" -W "$(_skt_words "$tool" "$option")" -- "${value#"$head"}")
		((${#COMPREPLY[@]})) || case $option in
		--proc | --trees | --to-tree | --to-trees) mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
		--output) mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
		esac
		return
		;;
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null |
			sed -n 's/^ *\(-[^ ]*, \)*\(--[a-z-]*\)\[*\(=*\).*/\2\3/p')" -- "$word")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -f -X '!*.skt' -- "$word" && compgen -d -- "$word")
	compopt -o filenames 2>/dev/null
}

complete -F _skt sockrec sockdiff sockreplay sockquery

#!/bin/bash
# SPDX-License-Identifier: MIT
# What TAB offers in bash and in zsh.
. "$(dirname "$0")/../lib.sh"

# The library of bash-completion is not asked for: what is sourced stands alone.
# shellcheck source=/dev/null
. "$TOP/dist/completion.bash"

# bash_offers LINE: what TAB offers at its end, a line each.
bash_offers() {
	# of a shell of its own: that nothing fits is no failure
	trap - ERR
	COMP_LINE=$1 COMP_POINT=${#1}
	# as bash cuts it
	mapfile -t COMP_WORDS < <(grep -o '[^ =]\+\|=' <<<"$1")
	[[ $1 != *[[:space:]] ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_skt "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null || :
	printf '%s\n' "${COMPREPLY[@]}"
}

# in_zsh LINE: what a zsh on a terminal prints after it and a TAB, without escapes, and DONE.
in_zsh() {
	timeout 30 zsh -f /dev/stdin "$1" <<'END' | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | tr -d '\r'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; stty -echo cols 200; unsetopt prompt_cr; fpath=($PWD/functions $fpath); autoload -U compinit'
zpty -w z "compinit -u -D; LISTMAX=1000; bindkey '^I' list-choices; said() { print -r DON''E }; zle -N said; bindkey '^Y' said"
zpty -w z "echo READ''Y"
zpty -r z out '*READY*'
# keys are taken one after the other: what the second one prints comes when the list is there
zpty -w -n z "$1"$'\t\x19'
zpty -r z out '*DONE*'
print -rn -- $out
zpty -d z
END
}

# zsh_offers LINE: what zsh offers at its end is in the file `offers`. Version 5.9 dies of its own heap now and then
# ("malloc(): unsorted double linked list corrupted", once in four hundred times on a busy machine): it is asked again.
zsh_offers() {
	command -v zsh >/dev/null || skip "no zsh"
	mkdir -p functions
	cp "$TOP/dist/completion.zsh" functions/_sockrec
	for _ in 1 2 3; do
		in_zsh "$1" >offers
		! grep -q DONE offers || break
	done
}

t_bash_offers_every_option_that_the_help_has() {
	local tool

	for tool in sockrec sockdiff sockreplay sockquery; do
		"$tool" --help | awk '/^ +-/ && match($0, /--[a-z-]+/) { print substr($0, RSTART, RLENGTH) }' | sort >want
		grep -q . want
		bash_offers "$tool --" | tr -d = | sort >have
		diff want have
	done
	[ "$(bash_offers 'sockquery --coun')" = --count-by= ]
	[ "$(bash_offers 'sockquery --cov')" = --coverage ]
}

t_bash_offers_words_that_the_option_takes() {
	local word tool option offered

	[ "$(bash_offers 'sockquery x.skt --view=f')" = flows ]
	[ "$(bash_offers 'sockdiff --format=')" = "$(printf '%s\n' table json jsonl csv)" ]
	sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o kinds.skt
	for word in $(bash_offers 'sockquery --format='); do
		sockquery --format="$word" kinds.skt@last >/dev/null
	done
	[ "$(bash_offers 'sockquery --fields=table,remote_p')" = table,remote_port ]
	# all of them, of all tools: none is refused
	for tool in sockrec sockdiff sockreplay sockquery; do
		for option in $(bash_offers "$tool --" | grep '=$'); do
			case $option in --from= | --to= | --proc= | --trees= | --output= | --to-tree* | --fields= | --sort= | --count-by=) continue ;; esac
			mapfile -t offered < <(bash_offers "$tool $option" | head -n 40)
			for word in "${offered[@]}"; do
				[ -n "$word" ] || continue
				"$tool" "$option$word" nowhere.skt >/dev/null 2>said || :
				fails grep -q -e "'$word'" said
			done
		done
	done
}

t_bash_offers_values_behind_a_blank_too() {
	[ "$(bash_offers 'sockquery --view f')" = flows ]
	[ "$(bash_offers 'sockdiff --count-by comm,remote_p')" = comm,remote_port ]
	mkdir directory
	touch a.skt b.txt
	[ "$(bash_offers 'sockreplay --to-tree ')" = directory ]
	[ "$(bash_offers 'sockrec -o b')" = b.txt ]
	# what takes none, or only behind a sign
	[ "$(bash_offers 'sockquery --info ' | sort)" = "$(printf '%s\n' a.skt directory)" ]
	[ "$(bash_offers 'sockquery --verify ' | sort)" = "$(printf '%s\n' a.skt directory)" ]
}

t_fields_offered_are_those_of_the_view() {
	[ "$(bash_offers 'sockquery --view=processes --fields=first_s')" = first_seen ]
	[ "$(bash_offers 'sockquery --view=sockets --fields=first_s')" = '' ]
	[ "$(bash_offers 'sockquery --view changes --sort=hand')" = hands ]
	# without a view they are sockets', and flows' where there is an expression
	[ "$(bash_offers 'sockquery --fields=first_s')" = first_seen ]
	[ "$(bash_offers 'sockdiff --count-by=first_s')" = '' ]
}

t_bash_offers_recordings_and_after_two_dashes_commands() {
	mkdir directory
	touch a.skt b.txt
	[ "$(bash_offers 'sockquery ' | sort)" = "$(printf '%s\n' a.skt directory)" ]
	bash_offers 'sockreplay a.skt -- ca' | grep -qx cat
	[ "$(bash_offers 'sockreplay a.skt -- cat b')" = b.txt ]
}

t_zsh_offers_options_with_what_they_mean() {
	zsh_offers 'sockquery --fo'
	grep -q -- '--follow *-- print changes as they are recorded' offers
	grep -q -- '--format *-- table' offers
}

t_zsh_offers_words_fields_recordings_and_commands() {
	touch a.skt b.txt
	zsh_offers 'sockquery --format='
	grep -q netstat offers
	zsh_offers 'sockdiff --format='
	grep -q jsonl offers
	fails grep netstat offers
	zsh_offers 'sockquery --view='
	grep -q 'changes.*flows.*processes' offers
	zsh_offers 'sockquery --view=processes --fields=first_'
	grep -q 'first_seen *-- ' offers
	zsh_offers 'sockquery --fields=table,remote_'
	grep -q 'remote_port *-- ' offers
	zsh_offers 'sockquery '
	grep -q 'a\.skt' offers
	! grep -q 'b\.txt' offers || false
	zsh_offers 'sockreplay a.skt -- dif'
	grep -q diff offers
}

run_tests

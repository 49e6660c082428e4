#compdef sockrec sockdiff sockreplay sockquery
# SPDX-License-Identifier: MIT
# Completion of the four tools for zsh. Options and what they mean are asked of the tool itself (--help), and fields of
# sockquery (--list-fields), so that nothing here goes out of date; the words that some options take stand below.

# Those of the view that the line asks for; where it names none, an expression makes flows of sockets.
_skt_fields() {
	local -a fields views
	views=(${${(M)words:#--view=*}#--view=})
	if [[ $service != sockquery ]]; then
		views=(sockets)
	elif (( ! $#views )); then
		views=(sockets flows)
	fi
	fields=(${(fu)"$(for view in $views; do
		sockquery --list-fields --view=$view 2>/dev/null
	done | sed -n 's/^\([a-z][a-z0-9_]*\)  *[a-z]*  *[a-z]*  *\(.*\)/\1:\2/p')"})
	compset -P '*,'
	compset -P '-'
	_describe field fields
}

_skt_zones() {
	_alternative 'own:zone of the tools:(UTC host)' 'zones:time zone:_time_zone'
}

# A command of sockreplay's follows --.
local dashes=${words[(i)--]}
if [[ $service == sockreplay ]] && (( dashes < CURRENT )); then
	shift $dashes words
	(( CURRENT -= dashes ))
	_normal
	return
fi

_arguments -s -S \
	'*:recording:_files -g "*.skt"' -- \
	"*=FORMAT*:format:(table json jsonl csv${${(M)service:#sockquery}:+ netstat})" \
	'*=VIEW*:view:(sockets flows changes processes snapshots)' \
	'--from=*:time:(first last today yesterday)' \
	'--to=*:time:(first last today yesterday)' \
	'--ticks=*:how:(random exact)' \
	'--netns=*:which:(all own)' \
	'--sync=*:when:(block group none)' \
	'--cmdline=*:how:(full argv0 none)' \
	'--events=*:events:(auto none)' \
	'--tables=*:tables:_values -s , table tcp tcp6 udp udp6 udplite udplite6 raw raw6' \
	'*=ZONE*:zone:_skt_zones' \
	'--fields=*:fields:_skt_fields' \
	'--sort=*:fields:_skt_fields' \
	'--count-by=*:fields:_skt_fields' \
	'*=DIR*:directory:_files -/' \
	'*=FILE*:file:_files'

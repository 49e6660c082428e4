# SPDX-License-Identifier: MIT
# The rules of scripts/lint that are about the text of one C file, comments and the insides of literals set aside.
# Variables: `owner` says which folder of lib/ implements each public header ("err=base time=base"), `twice` lists
# public headers with more than one candidate, `have` every header there is. Prints file:line: what.

BEGIN {
	split("base=0 model=1 proc=2 record=2 query=3 render=3", pair, " ")
	for (i in pair) {
		split(pair[i], part, "=")
		layer[part[1]] = part[2]
	}
	n = split(owner, pair, " ")
	for (i = 1; i <= n; i++) {
		split(pair[i], part, "=")
		owned_by[part[1]] = part[2]
	}
	n = split(have, list, " ")
	for (i = 1; i <= n; i++)
		exists[list[i]] = 1

	# Only cmd/ prints and exits; the library reads no clock; no function whose allocation the tests cannot
	# make fail, or whose result cannot be checked.
	n = split("printf vprintf puts putchar perror psignal exit _exit _Exit quick_exit abort " \
		  "sscanf vsscanf scanf vscanf fscanf vfscanf strtok strtok_r atoi atol atoll atof " \
		  "strdup strndup strdupa strndupa asprintf vasprintf alloca " \
		  "clock_gettime clock gettimeofday time ftime", list, " ")
	for (i = 1; i <= n; i++)
		forbidden[list[i]] = 1
	forbidden_word["stdin"] = forbidden_word["stdout"] = forbidden_word["stderr"] = 1
}

function say(what) {
	print FILENAME ":" FNR ": " what
}

# The line without comments, and with literals emptied; the literals' texts go to literal[1..literals].
function strip(line,	out, c, two, text) {
	out = ""
	literals = 0
	while (line != "") {
		c = substr(line, 1, 1)
		two = substr(line, 1, 2)
		if (in_comment) {
			if (!(i = index(line, "*/")))
				return out
			line = substr(line, i + 2)
			in_comment = 0
			out = out " "
		} else if (two == "/*") {
			in_comment = 1
			line = substr(line, 3)
		} else if (two == "//") {
			return out
		} else if (c == "\"" || c == "'") {
			text = ""
			line = substr(line, 2)
			while (line != "" && substr(line, 1, 1) != c) {
				i = substr(line, 1, 1) == "\\" ? 2 : 1
				text = text substr(line, 1, i)
				line = substr(line, i + 1)
			}
			line = substr(line, 2)
			if (c == "\"")
				literal[++literals] = text
			out = out c c
		} else {
			out = out c
			line = substr(line, 2)
		}
	}
	return out
}

# What stands between the marks of an #include line.
function target(line) {
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", line)
	return substr(line, 2, match(substr(line, 2), /[">]/) - 1)
}

function name_of(path) {
	sub(/.*\//, "", path)
	sub(/\.[ch]$/, "", path)
	return path
}

# The folder of lib/ that an included header belongs to; "" for the system's.
function home(header,	name) {
	if (header ~ /^skt\//) {
		name = name_of(header)
		return (name in owned_by) ? owned_by[name] : "" # said once, at the header itself
	}
	name = header
	sub(/\/.*/, "", name)
	return (name in layer) ? name : ""
}

function check_include(line,	header, quoted, to) {
	header = target(line)
	quoted = line ~ /include[ \t]*"/
	if (header ~ /\.\./)
		say("'" header "' climbs out of its folder")
	if (quoted && header ~ /^skt\//)
		say("write <" header ">, it is a public header")
	if (in_lib && quoted && header !~ /\//)
		say("write \"" folder "/" header "\", with the folder")
	if (!quoted && header !~ /^skt\// && home(header) != "")
		say("write \"" header "\", it is a private header")
	if (!folder)
		return
	to = home(header)
	if (public && to != "" && header !~ /^skt\//)
		say("a public header includes the private '" header "'")
	else if (to != "" && to != folder && layer[to] >= layer[folder])
		say(folder " (layer " layer[folder] ") must not include '" header "' of " to " (layer " layer[to] ")")
	if (!first++ && in_lib && FILENAME ~ /\.c$/) {
		if (own_public own_private == "" && to != folder)
			say("includes '" header "' first, not the header of " folder " that declares what it has")
		else if (own_public own_private != "" && header != own_public && header != own_private)
			say("includes '" header "' first, not its own header")
	}
}

FNR == 1 {
	in_comment = first = 0
	public = FILENAME ~ /^include\//
	in_lib = FILENAME ~ /^lib\//
	folder = own_public = own_private = ""
	self = name_of(FILENAME)
	if (in_lib) {
		split(FILENAME, path, "/")
		folder = path[2]
		if (exists["include/skt/" self ".h"] && owned_by[self] == folder)
			own_public = "skt/" self ".h"
		if (exists["lib/" folder "/" self ".h"])
			own_private = folder "/" self ".h"
		if (!(folder in layer))
			say("lib/" folder " is in no layer of scripts/lint.awk")
	} else if (public) {
		if (self in owned_by)
			folder = owned_by[self]
		else if (index(" " twice " ", " " self " "))
			say("more than one folder of lib/ has a " self ".c: name its owner in the table in scripts/lint")
		else
			say("no folder of lib/ has a " self ".c: name its owner in the table in scripts/lint")
	}
}

{
	code = strip($0)
	if (code ~ /^[ \t]*#[ \t]*include/) {
		check_include($0)
		next
	}
	if (!in_lib)
		next
	for (i = 1; i <= literals; i++)
		if (literal[i] ~ /^\/(proc|etc|sys|dev|run|usr|var|tmp)(\/|$)/)
			say("the library knows no absolute path: \"" literal[i] "\"")
	rest = code
	while (match(rest, /[A-Za-z_][A-Za-z_0-9]*/)) {
		word = substr(rest, RSTART, RLENGTH)
		before = substr(rest, 1, RSTART - 1)
		rest = substr(rest, RSTART + RLENGTH)
		if (before ~ /(\.|->)[ \t]*$/)
			continue
		if (word in forbidden_word)
			say("'" word "' is not for the library")
		else if (word in forbidden && rest ~ /^[ \t]*\(/)
			say(word "() is not for the library")
	}
}

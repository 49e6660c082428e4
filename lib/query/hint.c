/* SPDX-License-Identifier: MIT */
#include "query/hint.h"

#include "query/filter.h"

#include <string.h>

struct hint {
	const char *words; /* with a blank on either side */
	const char *expected;
};

static const struct hint tests[] = {
	{ " port ports portrange ",
	  "sport, the local one, or dport, the remote one; either: '( sport = :80 or dport = :80 )'" },
	{ " lport laddr_port srcport source_port ", "sport, the local port: 'sport = :80'" },
	{ " rport peer_port dstport destination_port ", "dport, the remote port: 'dport = :443'" },
	{ " ip addr address ipaddr net network ",
	  "src, the local end, or dst, the remote one; either: '( src = 10.0.0.0/8 or dst = 10.0.0.0/8 )'" },
	{ " laddr lip local local_ip local_addr saddr sip srcip ", "src, the local end: 'src = 10.0.0.5'" },
	{ " raddr rip remote remote_ip remote_addr daddr dip destination dstip foreign peer ",
	  "dst, the remote end: 'dst = 10.0.0.0/8'" },
	{ " proto protocol netid family type tcp tcp6 udp udp6 udplite udplite6 raw raw6 ",
	  "the table: 'table = udp', or 'table in (tcp, tcp6)' for both IPv4 and IPv6" },
	{ " process proc name program prog command cmd args argv path ",
	  "comm, the name, cmdline, the arguments, or exe, the program's file: 'comm = nginx', 'cmdline ~ http'" },
	{ " username login ", "user, to whom the socket belongs, or process_user, who runs its holder" },
	{ " netns namespace ", "net_namespace, a number" },
	{ " status ", "state: 'state established', 'state = LISTEN'" },
	{ " owners ", "a field of the owners: pid, comm, cmdline, exe, fd, process_user" },
	{ " candidates ", "something that is known: of candidates only who they are, and no test of them is true" },
	{ " states ", "'state': a flow is meant by each that it was seen in" },
};

static const struct hint ends[] = {
	{ " port ports portrange ",
	  "an address; ports are 'sport = :80', the local one, and 'dport = :443', the remote one" },
	{ " host net ", "the address itself, as in 'dst 10.0.0.0/8'" },
};

static const char *find(const struct hint *hints, size_t n, struct word word)
{
	char sought[32];

	if (word.len > sizeof(sought) - 3)
		return NULL;
	sought[0] = ' ';
	memcpy(sought + 1, word.text, word.len);
	memcpy(sought + 1 + word.len, " ", 2);
	for (size_t i = 0; i < n; i++)
		if (strcasestr(hints[i].words, sought))
			return hints[i].expected;
	return NULL;
}

const char *hint_of(struct word word)
{
	const char *expected = find(tests, sizeof(tests) / sizeof(*tests), word);
	uint32_t states;

	if (!expected && !value_states(word.text, word.len, &states))
		return "a test: of states 'state established', 'state = LISTEN' or 'exclude time-wait'";
	return expected;
}

const char *hint_of_end(struct word word)
{
	return find(ends, sizeof(ends) / sizeof(*ends), word);
}

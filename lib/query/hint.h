/* SPDX-License-Identifier: MIT */
#ifndef QUERY_HINT_H
#define QUERY_HINT_H

#include "query/lex.h"

/*
 * What a word means that begins no test here, but does elsewhere (tcpdump, lsof, netstat, osquery, Wireshark) or is a
 * value: what is expected instead of it, or NULL. Case is nothing.
 */
const char *hint_of(struct word word);

/* The same of a word where an address is expected: tcpdump has 'dst port 443' and 'src host 10.0.0.5'. */
const char *hint_of_end(struct word word);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef QUERY_FILTER_H
#define QUERY_FILTER_H

#include <skt/filter.h>

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A filter as it is kept: a tree of lists and tests in one array. `a or ! (b and c)` is
 *
 *	[0] list ---> [1] a ---> [2] list, negated
 *	                          |
 *	                         [3] b ---> [4] c
 *
 * Each node knows its first child and its next sibling, and how it is joined to what stands before it: `and` and `or`
 * bind alike, so a list is evaluated in one walk.
 */

enum test_kind {
	TEST_STATES, /* one of these states */
	TEST_HOST,   /* an end's address and port */
	TEST_PORT,   /* an end's port */
	TEST_FIELD,  /* any field, by its type */
};

enum operator{ OP_EQ, OP_LT, OP_LE, OP_GT, OP_GE, OP_REGEX };

/* What a field is compared with. Of a set there are several, and one of them must do. */
struct value {
	const char *text; /* in the filter's pool, NUL behind it */
	size_t len;
	uint64_t number;
	int64_t time;
	uint8_t address[16];
	uint8_t family; /* 0 any address, 4, 6 */
	uint8_t bits;	/* of the address that count */
	bool negative;	/* as in struct skt_value */
	bool any_port;
	uint16_t ports[2]; /* TCP's and that of the others: a service's name may mean two */
};

struct test {
	enum test_kind kind;
	enum operator op;
	bool negated;	 /* != !~ not in */
	bool remote;	 /* which end */
	uint32_t states; /* 1 << enum skt_state; 1 for numbers without a bit */
	uint32_t first_value;
	uint32_t n_values;
	const struct skt_field_info *field;
	regex_t *regex;
};

#define NO_NODE UINT32_MAX

struct node {
	bool negated; /* by `not` in front of it */
	bool joined_by_or;
	bool is_list;
	bool of_socket; /* there is a test of sockets in it ... */
	bool of_flow;	/* ... and one of flows */
	uint32_t first; /* child of a list */
	uint32_t next;	/* sibling */
	/*
	 * where it stands in the text; of a value that was a word of its own, which need not be quoted there, from
	 * where
	 */
	size_t from, len, whole;
	struct test test;
};

struct skt_filter {
	char *text; /* the words, a NUL behind each */
	size_t len;
	char *pool; /* values' texts, unquoted */
	size_t pooled;
	struct node *nodes; /* nodes[0] is the outermost list */
	size_t n_nodes, room_nodes;
	struct value *values;
	size_t n_values, room_values;
	uint8_t family; /* 4 or 6: `inet:` or `inet6:` stands somewhere, and as in ss is about all of it */
	bool mixed;
	bool escaped;
	bool of_events; /* it asks for what only events tell */
	unsigned needs;
	uint32_t named; /* 1 << enum skt_state: those that are asked for by name */
};

/* ---- values (value.c). Each returns what was expected where this is none, or NULL. ---- */

/* A state or a group of states, by ss's names or the kernel's, in upper or lower case, as a mask. */
const char *value_states(const char *text, size_t len, uint32_t *ret);

/* HOST SYNTAX of ss(8): an address with perhaps a prefix length and a port; `family` is set where its text says one. */
const char *value_host(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret,
		       uint8_t *family);

/* The same of a port alone. */
const char *value_port(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret,
		       uint8_t *family);

/* What a field of this type is compared with; text has a NUL behind it. */
const char *value_of_field(const struct skt_field_info *field, const struct skt_filter_names *names, struct value *ret);

/* ---- regex.c ---- */

/*
 * A regular expression for texts of this field; one that could take all time or memory is refused. What was expected,
 * in room where regcomp(3) said it; NULL with *ret NULL: no memory.
 */
const char *regex_compile(const struct skt_field_info *field, const struct value *pattern, regex_t **ret,
			  char room[128]);
void regex_free(regex_t *regex);

/* Whether it is found in the text. SKT_UNKNOWN without memory. */
enum skt_truth regex_find(const regex_t *regex, const char *text, size_t len);

/* ---- tests (test.c) ---- */

/* Whether the socket passes, before the negation; row NULL: what is known of any row of such a table. */
enum skt_truth test_socket(const struct skt_filter *filter, const struct test *test, const struct skt_row *row,
			   unsigned kind);

/* ---- services.c ---- */

/*
 * The ports of a service: TCP's and UDP's, -1 where there is none by that name or alias. The first line that has it
 * counts, as for getservbyname(3).
 */
void services_find(const char *services, size_t services_len, const char *name, size_t len, int32_t ret[2]);

#endif

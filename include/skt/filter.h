/* SPDX-License-Identifier: MIT */
#ifndef SKT_FILTER_H
#define SKT_FILTER_H

#include <skt/buf.h>
#include <skt/err.h>
#include <skt/field.h>
#include <skt/record.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which sockets are meant: ss's expressions, and tests of every field. The language is described in skt-filter(7). A
 * filter is made once, of the words of a command line, and does not change any more: threads may share it.
 */
struct skt_filter;

/* What the expression's words are read with. NULL in its place: no services, UTC. */
struct skt_filter_names {
	const char *services; /* text of a services(5) file, borrowed for the call; NULL: port names are refused */
	size_t services_len;
	enum skt_zone zone; /* of instants without an offset */
	int64_t now;	    /* ns since 1970, for "yesterday" and "2h ago" */
	bool flows;	    /* it is asked of flows (skt/flow.h), whose own fields may be asked about, too */
};

/* Limits: an expression is read from a command line, and what the kernel takes for one is 2 MiB. */
#define SKT_FILTER_TEXT_MAX (1u << 20)
#define SKT_FILTER_DEPTH    64	 /* brackets within brackets: nobody reads more, and evaluation recurses */
#define SKT_FILTER_REGEX    1024 /* signs of a regular expression, also once regcomp(3) has written out its {n} */

/*
 * The filter that n words are, given to the caller (skt_filter_free()). They are joined by a blank each; a word that
 * stands behind an operator is its value as a whole, whatever is in it. No words: the filter that everything passes.
 * -EINVAL with the column in that text, what stands there and what was expected; -E2BIG; -ENOMEM.
 */
int skt_filter_parse(char *const *words, size_t n, const struct skt_filter_names *names, struct skt_filter **ret,
		     struct skt_err *err);
void skt_filter_free(struct skt_filter *filter);

/* Numbered so that `and` is the smaller, `or` the greater of two, and `not` what is left of SKT_TRUE. */
enum skt_truth { SKT_FALSE, SKT_UNKNOWN, SKT_TRUE };

/*
 * Whether the row's socket is meant. Its owners are looked for in the row's snapshot; row->process and row->fd are not
 * looked at. SKT_UNKNOWN: what is asked is not known of it, such as its owners where owner_gaps is not empty. Nothing
 * is allocated, but by regexec(3) in the C library; without memory there it is SKT_UNKNOWN.
 */
enum skt_truth skt_filter_test(const struct skt_filter *filter, const struct skt_row *row);

/*
 * What is asked of a flow, such as its direction, is known only when all of it was seen: skt_filter_test() takes it for
 * true, and this is whether it is, of the row of a flow. That is enough since such tests are joined to those of sockets
 * by `and` alone, which the parser sees to. SKT_TRUE where nothing is asked of flows.
 */
enum skt_truth skt_filter_test_flow(const struct skt_filter *filter, const struct skt_row *row);

/*
 * Whether no row of this socket was or will be meant, by its table and both ends and by what the row's event tells. Of
 * what only events tell nothing is known while a socket lives: this is how that is known afterwards.
 */
bool skt_filter_is_never(const struct skt_filter *filter, const struct skt_row *row);

/* What of a recording is needed to evaluate it. Table, ends, state, uid, inode and owner state always are. */
enum {
	SKT_NEEDS_OWNERS = 1, /* it asks about processes or descriptors */
	SKT_NEEDS_STATE = 2,  /* it asks for counters: SKT_WANT_STATE of a cursor (skt/record.h) */
	SKT_NEEDS_FLOW = 4,   /* it asks about flows: skt_filter_test_flow() */
	SKT_NEEDS_EVENTS = 8, /* it asks for what only events tell */
	/* it asks for what each snapshot says anew of a row that did not change: `time > 14:00` */
	SKT_NEEDS_LOOKS = 16,
};
unsigned skt_filter_needs(const struct skt_filter *filter);

/* Tables that may have rows that are meant, 1 << enum skt_table_kind: `table = tcp` says nothing of udp's absence. */
uint32_t skt_filter_kinds(const struct skt_filter *filter);

/*
 * Whether it asks for a state by name: `state time-wait`, `state bucket`, `state = TIME_WAIT`. What is excluded is not
 * asked for, nor does one that is among all that are connected stand for itself.
 */
bool skt_filter_names_state(const struct skt_filter *filter, enum skt_state state);

/*
 * Whether each socket that the filter means, or may mean, is one that `wider` means, or may. Told from how the two are
 * written: one that is `wider` with more to it (and), or of addresses and states within those of `wider`. False where
 * that is not seen.
 */
bool skt_filter_implies(const struct skt_filter *filter, const struct skt_filter *wider);

/*
 * What a recording knows its groups by (skt/record.h): keys of which every row has at least one that is meant, or of
 * which that is not known. ret_doubts is which groups are to be read all the same. So only rows with one of these keys,
 * and those of such groups, are anything but SKT_FALSE. How many, at most SKT_FILTER_KEYS; 0: no keys tell.
 */
#define SKT_FILTER_KEYS 64 /* each is looked up; a longer list is that of somebody who wants most of it */
size_t skt_filter_keys(const struct skt_filter *filter, struct skt_key ret[SKT_FILTER_KEYS], unsigned *ret_doubts);

/*
 * The expression with every bracket that it is read with, which is read as the same filter again. As in ss `and` and
 * `or` bind alike, from left to right, and states in front are about all that follows; skt_filter_is_mixed() is whether
 * that decided anything, and somebody who thinks otherwise should be shown how it was read.
 */
void skt_filter_format(const struct skt_filter *filter, struct skt_buf *out);
bool skt_filter_is_mixed(const struct skt_filter *filter);

/*
 * Between " a text is written as skt_escape() prints it, with a \ before each ". Whether a text that is not has what
 * would be \xNN or \\ there: it means these signs, and somebody who thinks otherwise should be told.
 */
bool skt_filter_is_escaped(const struct skt_filter *filter);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef QUERY_LEX_H
#define QUERY_LEX_H

#include "query/filter.h"

/*
 * The words and signs of an expression, taken one after the other. ss separates all of them by blanks; here signs need
 * none. In memory the command line's words are separated by NUL, so that a value which is one of them is known from
 * several that stand in one.
 */
struct parser {
	struct skt_filter *filter;
	const struct skt_filter_names *names;
	const char *at;
	const char *end;
	unsigned depth;
	struct skt_err *err;
};

struct word {
	const char *text;
	size_t len;
};

enum sign {
	SIGN_NONE,
	SIGN_AND,
	SIGN_OR,
	SIGN_NOT,
	SIGN_EQ,
	SIGN_NE,
	SIGN_LT,
	SIGN_LE,
	SIGN_GT,
	SIGN_GE,
	SIGN_LIKE,
	SIGN_UNLIKE,
	SIGN_IN,
	SIGN_NOT_IN
};

void lex_blanks(struct parser *p);

/* The name (a field's, ss's words) that stands here, of length 0 where none does; and whether a name is this. */
struct word lex_see_name(const struct parser *p);
bool lex_is(struct word word, const char *text);

/* Take this sign, `and` or `or`, `not` or `!`, or an operator, if one stands here, perhaps behind blanks. */
bool lex_take(struct parser *p, char sign);
enum sign lex_take_join(struct parser *p);
bool lex_take_not(struct parser *p);
enum sign lex_take_operator(struct parser *p);

/* A value into the filter's pool: in quotes, or up to a blank or one of stop; stop NULL: the rest of the word. */
int lex_take_quoted(struct parser *p, struct value *value);
void lex_take_plain(struct parser *p, struct value *value, const char *stop);

/* What stands at `at` is wrong, and that was expected: -EINVAL. */
int lex_fail(struct parser *p, const char *at, const char *expected);

/* -ENOMEM */
int lex_no_memory(struct parser *p);

/* ---- parse_value.c. Each 0, -EINVAL or -ENOMEM. ---- */

/* What a value ends at where it is not in quotes. */
#define PARSE_STOPS "()|&"

/*
 * The value that stands here becomes one of the node's, which ends at one of stop; stop NULL: where it begins a word of
 * the command line, it is all of that word, whatever is in it.
 */
int parse_value(struct parser *p, struct node *node, const char *stop);

/* A bracket of them. */
int parse_set(struct parser *p, struct node *node);

/* A pattern, compiled. */
int parse_regex(struct parser *p, struct node *node);

/* Whether what is tested is text, or words. */
bool test_is_text(const struct test *test);

/* ---- parse_test.c ---- */

/* The test that stands here, into the node. 0, -EINVAL or -ENOMEM. */
int parse_test(struct parser *p, struct node *node);

#endif

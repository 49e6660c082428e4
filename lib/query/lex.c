/* SPDX-License-Identifier: MIT */
#include "query/lex.h"

#include <skt/escape.h>

#include <errno.h>
#include <string.h>

/* ---- words ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || !c;
}

void lex_blanks(struct parser *p)
{
	while (p->at < p->end && is_blank(*p->at))
		p->at++;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The name that stands here, of length 0 where none does. */
struct word lex_see_name(const struct parser *p)
{
	struct word word = { .text = p->at };

	while (p->at + word.len < p->end && is_name(p->at[word.len]))
		word.len++;
	return word;
}

bool lex_is(struct word word, const char *text)
{
	return word.len == strlen(text) && !memcmp(word.text, text, word.len);
}

static bool take_name(struct parser *p, const char *name)
{
	if (!lex_is(lex_see_name(p), name))
		return false;
	p->at += strlen(name);
	return true;
}

bool lex_take(struct parser *p, char sign)
{
	lex_blanks(p);
	if (p->at == p->end || *p->at != sign)
		return false;
	p->at++;
	return true;
}

/* So much of what is wrong is shown; its column says where it is. */
#define SHOWN 40

int lex_fail(struct parser *p, const char *at, const char *expected)
{
	/* the NUL behind the last word is no column */
	size_t column = (size_t)(at - p->filter->text) + (at < p->end);
	size_t len = 0;

	if (at == p->end)
		return skt_err_set(p->err, -EINVAL, "column %zu: the expression ends, expected %s", column, expected);
	while (at + len < p->end && !is_blank(at[len]) && len < SHOWN)
		len++;
	return skt_err_set(p->err, -EINVAL, "column %zu: '%.*s' found, expected %s", column, (int)len, at, expected);
}

/* ---- operators ---- */

struct spelling {
	const char *text;
	enum sign sign;
};

/* Longer ones first. */
static const struct spelling joins[] = {
	{ "&&", SIGN_AND }, { "&", SIGN_AND }, { "and", SIGN_AND },
	{ "||", SIGN_OR },  { "|", SIGN_OR },  { "or", SIGN_OR },
};
static const struct spelling operators[] = {
	{ "==", SIGN_EQ },  { "=~", SIGN_LIKE }, { "=", SIGN_EQ },   { "!=", SIGN_NE },	 { "!~", SIGN_UNLIKE },
	{ "~", SIGN_LIKE }, { "<=", SIGN_LE },	 { "<", SIGN_LT },   { ">=", SIGN_GE },	 { ">", SIGN_GT },
	{ "eq", SIGN_EQ },  { "ne", SIGN_NE },	 { "neq", SIGN_NE }, { "lt", SIGN_LT },	 { "le", SIGN_LE },
	{ "leq", SIGN_LE }, { "gt", SIGN_GT },	 { "ge", SIGN_GE },  { "geq", SIGN_GE }, { "in", SIGN_IN },
};

static bool stands_here(const struct parser *p, const char *text)
{
	size_t len = strlen(text);

	if (is_name(*text))
		return lex_is(lex_see_name(p), text);
	return (size_t)(p->end - p->at) >= len && !memcmp(p->at, text, len);
}

static enum sign take_sign(struct parser *p, const struct spelling *spellings, size_t n)
{
	lex_blanks(p);
	for (size_t i = 0; i < n; i++) {
		if (!stands_here(p, spellings[i].text))
			continue;
		p->at += strlen(spellings[i].text);
		return spellings[i].sign;
	}
	return SIGN_NONE;
}

enum sign lex_take_join(struct parser *p)
{
	return take_sign(p, joins, sizeof(joins) / sizeof(*joins));
}

enum sign lex_take_operator(struct parser *p)
{
	enum sign sign = take_sign(p, operators, sizeof(operators) / sizeof(*operators));
	const char *before = p->at;

	if (sign == SIGN_NONE && take_name(p, "not")) {
		lex_blanks(p);
		if (take_name(p, "in"))
			return SIGN_NOT_IN;
		p->at = before;
	}
	return sign;
}

bool lex_take_not(struct parser *p)
{
	return lex_take(p, '!') || take_name(p, "not");
}

/* ---- values ---- */

/*
 * As sh(1) has it: between ' everything is itself, between " a \ takes its meaning from " and \. There \xNN is a byte,
 * too, so that what skt_escape() printed means what it was made of.
 */
int lex_take_quoted(struct parser *p, struct value *value)
{
	struct skt_filter *filter = p->filter;
	const char *start = p->at;
	char quote = *p->at++;
	char *to = filter->pool + filter->pooled;

	value->text = to;
	while (p->at < p->end && *p->at != quote) {
		unsigned char byte;
		size_t n = quote == '"' ? skt_escape_read(p->at, (size_t)(p->end - p->at), &byte) : 0;

		if (n) {
			*to++ = (char)byte;
			p->at += n;
			continue;
		}
		if (quote == '"' && *p->at == '\\' && p->end - p->at > 1 && p->at[1] == '"')
			p->at++;
		/* between words of the command line stands a blank */
		*to++ = *p->at ? *p->at : ' ';
		p->at++;
	}
	if (p->at == p->end)
		return lex_fail(p, start, quote == '"' ? "another \" behind it" : "another ' behind it");
	p->at++;
	value->len = (size_t)(to - value->text);
	*to = '\0';
	filter->pooled += value->len + 1;
	return 0;
}

void lex_take_plain(struct parser *p, struct value *value, const char *stop)
{
	struct skt_filter *filter = p->filter;
	char *to = filter->pool + filter->pooled;

	value->text = to;
	while (p->at < p->end && (stop ? !is_blank(*p->at) && !strchr(stop, *p->at) : *p->at != '\0'))
		*to++ = *p->at++;
	value->len = (size_t)(to - value->text);
	*to = '\0';
	filter->pooled += value->len + 1;
}

int lex_no_memory(struct parser *p)
{
	return skt_err_set(p->err, -ENOMEM, "out of memory");
}

/* SPDX-License-Identifier: MIT */
/* What stands behind an operator, as what it is compared with. */
#include "query/lex.h"

#include "base/array.h"
#include "query/hint.h"

#include <skt/escape.h>

#include <errno.h>
#include <string.h>

/* One of a set ends at a comma, too. */
#define STOPS_SET PARSE_STOPS ","

static int add_value(struct parser *p, struct test *test, const struct value *value)
{
	struct skt_filter *filter = p->filter;

	if (array_room(&filter->values, &filter->room_values, filter->n_values + 1, sizeof(*filter->values)))
		return lex_no_memory(p);
	filter->values[filter->n_values++] = *value;
	test->n_values++;
	return 0;
}

/* Read as what it is compared with; its text stands at `at` in the expression, for the message. */
static int read_value(struct parser *p, const struct test *test, struct value *value, const char *at)
{
	const char *expected, *hint;

	switch (test->kind) {
	case TEST_HOST:
		expected = value_host(value->text, value->len, p->names, value, &p->filter->family);
		hint = expected ? hint_of_end((struct word){ value->text, value->len }) : NULL;
		if (hint)
			expected = hint;
		break;
	case TEST_PORT:
		expected = value_port(value->text, value->len, p->names, value, &p->filter->family);
		if (!expected && value->any_port && test->op != OP_EQ)
			expected = "a port that others are above or below";
		break;
	default:
		expected = test->op == OP_REGEX ? NULL : value_of_field(test->field, p->names, value);
	}
	return expected ? lex_fail(p, at, expected) : 0;
}

static int read_states(struct parser *p, struct test *test, const struct value *value, const char *at)
{
	uint32_t states;
	const char *expected = value_states(value->text, value->len, &states);

	if (expected)
		return lex_fail(p, at, expected);
	test->states |= states;
	return 0;
}

bool test_is_text(const struct test *test)
{
	if (!test->field)
		return false;
	switch (test->field->type) {
	case SKT_TYPE_WORD:
	case SKT_TYPE_BYTES:
	case SKT_TYPE_ARGV:
		return true;
	default:
		return false;
	}
}

/* Whether the value is the bytes of a text: all may be in it. A pattern would end at one that is 0. */
static bool is_bytes(const struct test *test)
{
	return test_is_text(test) && test->op != OP_REGEX;
}

/* Signs of a text that are taken as they stand, and look as if they had been printed: then they mean another text. */
static void note_escapes(struct parser *p, const struct test *test, const struct value *value)
{
	unsigned char byte;

	for (size_t i = 0; is_bytes(test) && i < value->len; i++)
		p->filter->escaped |= skt_escape_read(value->text + i, value->len - i, &byte) != 0;
}

int parse_value(struct parser *p, struct node *node, const char *stop)
{
	struct value value = { .bits = 0 };
	bool begins_word = p->at < p->end && !*p->at;
	const char *at;
	int rc;

	/* that word may be empty */
	p->at += begins_word;
	if (!begins_word || stop)
		lex_blanks(p);
	at = p->at;
	if (at == p->end)
		return lex_fail(p, at, "a value");
	if (*at == '"' || *at == '\'') {
		rc = lex_take_quoted(p, &value);
		if (!rc && memchr(value.text, '\0', value.len) && !is_bytes(&node->test))
			rc = lex_fail(p, at, "a value without \\x00");
		if (rc)
			return rc;
	} else if (begins_word && !stop) {
		lex_take_plain(p, &value, NULL);
		node->whole = (size_t)(at - p->filter->text);
	} else {
		lex_take_plain(p, &value, stop ? stop : PARSE_STOPS);
		if (!value.len)
			return lex_fail(p, at, "a value, in quotes where it has blanks or signs");
	}
	if (*at != '"' && *at != '\'')
		note_escapes(p, &node->test, &value);
	if (node->test.kind == TEST_STATES)
		return read_states(p, &node->test, &value, at);
	rc = read_value(p, &node->test, &value, at);
	return rc ? rc : add_value(p, &node->test, &value);
}

int parse_set(struct parser *p, struct node *node)
{
	int rc;

	if (!lex_take(p, '('))
		return lex_fail(p, p->at, "a set in brackets, as (80, 443)");
	do {
		rc = parse_value(p, node, STOPS_SET);
		if (!rc)
			lex_take(p, ',');
	} while (!rc && !lex_take(p, ')'));
	return rc;
}

int parse_regex(struct parser *p, struct node *node)
{
	const struct value *pattern;
	struct parser before = *p;
	const char *expected;
	char room[128];
	int rc;

	lex_blanks(&before);
	rc = parse_value(p, node, NULL);
	if (rc)
		return rc;
	pattern = &p->filter->values[node->test.first_value];
	expected = regex_compile(node->test.field, pattern, &node->test.regex, room);
	if (expected == room)
		return skt_err_set(p->err, -EINVAL, "column %zu: not a regular expression: %s",
				   (size_t)(before.at - p->filter->text) + 1, room);
	if (expected)
		return lex_fail(p, before.at, expected);
	return node->test.regex ? 0 : lex_no_memory(p);
}

/* SPDX-License-Identifier: MIT */
/*
 *	test  := end [op] value | field op value | field [not] in (value, ...) | state name | exclude name
 */
#include "query/flow.h"
#include "query/hint.h"
#include "query/lex.h"

#include <skt/nearest.h>

#include <stdio.h>
#include <string.h>

/* ---- tests ---- */

static bool has_order(const struct test *test)
{
	if (test->kind != TEST_FIELD)
		return test->kind == TEST_PORT;
	return test->field->type == SKT_TYPE_NUMBER || test->field->type == SKT_TYPE_TIME;
}

/* What stands behind a field or an end: an operator and a value. ss lets `=` be left out behind its own words. */
static int take_comparison(struct parser *p, struct node *node, bool may_lack)
{
	struct test *test = &node->test;
	const char *at;
	enum sign sign;

	lex_blanks(p);
	at = p->at;
	sign = lex_take_operator(p);
	if (sign == SIGN_NONE && !may_lack)
		return lex_fail(
			p, at,
			test->field && !strcmp(test->field->name, "host")
				? "an operator, and the name of a recorded machine (of the ends of a connection: "
				  "'( src = 10.0.0.5 or dst = 10.0.0.5 )')"
				: "an operator: = != < <= > >= ~ !~ in");
	test->negated = sign == SIGN_NE || sign == SIGN_UNLIKE || sign == SIGN_NOT_IN;
	switch (sign) {
	case SIGN_LIKE:
	case SIGN_UNLIKE:
		if (!test_is_text(test))
			return lex_fail(p, at, "= or another operator, for this is no text");
		test->op = OP_REGEX;
		test->kind = TEST_FIELD;
		return parse_regex(p, node);
	case SIGN_IN:
	case SIGN_NOT_IN:
		return parse_set(p, node);
	case SIGN_LT:
	case SIGN_LE:
	case SIGN_GT:
	case SIGN_GE:
		if (!has_order(test))
			return lex_fail(p, at, "= or !=, for this has no order");
		test->op = sign == SIGN_LT ? OP_LT : sign == SIGN_LE ? OP_LE : sign == SIGN_GT ? OP_GT : OP_GE;
		break;
	default:
		break;
	}
	return parse_value(p, node, test->kind == TEST_FIELD ? NULL : PARSE_STOPS);
}

/*
 * Who asks for a group with the established ones asks for what is connected, and not for each state that is among them.
 */
static void note_named(struct parser *p, uint32_t states)
{
	if (!(states & 1u << SKT_ESTABLISHED) || states == 1u << SKT_ESTABLISHED)
		p->filter->named |= states;
}

/* `state` or `exclude` in front of a name of states. `state = X` is a test of the field. */
static bool take_states_word(struct parser *p, bool *adds)
{
	const char *before = p->at, *behind;
	struct word word;
	bool is_field;

	lex_blanks(p);
	word = lex_see_name(p);
	*adds = lex_is(word, "state");
	p->at += word.len;
	behind = p->at;
	is_field = *adds && lex_take_operator(p) != SIGN_NONE;
	if (!is_field && (*adds || lex_is(word, "exclude") || lex_is(word, "excl"))) {
		p->at = behind;
		return true;
	}
	p->at = before;
	return false;
}

/* state A state B exclude C: one set, as in ss, which begins with all of them where the first word takes away. */
static int take_states(struct parser *p, struct node *node, bool adds)
{
	struct test *test = &node->test;
	uint32_t states = adds ? 0 : UINT32_MAX;

	test->kind = TEST_STATES;
	do {
		int rc;

		test->states = 0;
		rc = parse_value(p, node, PARSE_STOPS);
		if (rc)
			return rc;
		states = adds ? states | test->states : states & ~test->states;
		if (adds)
			note_named(p, test->states);
	} while (take_states_word(p, &adds));
	test->states = states;
	return 0;
}

/* Fields of which a recording's identity streams know; all others are counters or owners. */
static bool is_identity(const struct skt_field_info *field)
{
	static const char *const names[] = { "time",	       "host",		"table",
					     "table_status",   "net_namespace", "local_address",
					     "remote_address", "local_port",	"remote_port",
					     "state",	       "uid",		"user",
					     "inode",	       "owner",		"owner_gaps" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(field->name, names[i]))
			return true;
	return false;
}

/* Of flows: their own, but for lists, and for what a socket has by the same name. */
static const struct skt_field_info *find_flow_field(struct word word)
{
	const struct skt_field_info *field = flow_field(word.text, word.len);

	return field && field->type != SKT_TYPE_WORDS ? field : NULL;
}

static const struct skt_field_info *find_field(struct word word)
{
	struct skt_view view;

	skt_view_testable(&view);
	for (size_t i = 0; i < view.n; i++)
		if (lex_is(word, view.fields[i]->name))
			return view.fields[i];
	return NULL;
}

/* Of all that a test may begin with; ss's own words first. */
static const char *nearest_beginnings(const struct parser *p, struct word word, char room[SKT_NEAREST_ROOM])
{
	static const char *const words[] = { "dst", "src", "dport", "sport", "exclude" };
	struct skt_view fields, flows = { .n = 0 };
	struct skt_nearest nearest;

	skt_view_testable(&fields);
	if (p->names && p->names->flows)
		skt_view_flows(&flows, false);
	skt_nearest_begin(&nearest, word.text, word.len);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		skt_nearest_offer(&nearest, words[i]);
	for (size_t i = 0; i < fields.n; i++)
		skt_nearest_offer(&nearest, fields.fields[i]->name);
	for (size_t i = 0; i < flows.n; i++) {
		const char *name = flows.fields[i]->name;

		if (find_flow_field((struct word){ name, strlen(name) }))
			skt_nearest_offer(&nearest, name);
	}
	return skt_nearest_text(&nearest, "", room);
}

static int no_field(struct parser *p, struct word word)
{
	char expected[80 + SKT_NEAREST_ROOM], nearest[SKT_NEAREST_ROOM];
	const char *hint = hint_of(word);

	if (hint)
		return lex_fail(p, word.text, hint);
	if (find_flow_field(word))
		return lex_fail(p, word.text, "a test of sockets (this one is of flows: sockquery --view=flows)");
	snprintf(expected, sizeof(expected), "a test, as 'dst 10.0.0.0/8', 'state established' or 'comm = nginx'%s",
		 nearest_beginnings(p, word, nearest));
	return lex_fail(p, word.text, expected);
}

static int take_field(struct parser *p, struct node *node, struct word word)
{
	struct test *test = &node->test;
	int rc;

	test->field = find_field(word);
	if (!test->field && p->names && p->names->flows) {
		test->field = find_flow_field(word);
		node->of_flow = test->field;
	}
	if (!test->field)
		return no_field(p, word);
	p->at += word.len;
	test->kind = TEST_FIELD;
	if (node->of_flow) {
		p->filter->needs |= SKT_NEEDS_FLOW;
		return take_comparison(p, node, false);
	}
	if (!strcmp(test->field->name, "state"))
		test->kind = TEST_STATES;
	if (!strncmp(test->field->name, "remote_", 7) || !strncmp(test->field->name, "local_", 6)) {
		test->kind = test->field->type == SKT_TYPE_NUMBER ? TEST_PORT : TEST_HOST;
		test->remote = test->field->name[0] == 'r';
	}
	p->filter->of_events |= test->field->of_event;
	p->filter->needs |= test->field->moves ? SKT_NEEDS_LOOKS : 0;
	if (test->field->of_process)
		p->filter->needs |= SKT_NEEDS_OWNERS;
	else if (!test->field->of_event && !is_identity(test->field))
		p->filter->needs |= SKT_NEEDS_STATE;
	/* which is a word of ss's, too */
	rc = take_comparison(p, node, lex_is(word, "cgroup"));
	if (!rc && test->kind == TEST_STATES && !test->negated)
		note_named(p, test->states);
	return rc;
}

int parse_test(struct parser *p, struct node *node)
{
	static const struct {
		const char *name;
		enum test_kind kind;
		bool remote;
	} ends[] = { { "dst", TEST_HOST, true },
		     { "src", TEST_HOST, false },
		     { "dport", TEST_PORT, true },
		     { "sport", TEST_PORT, false } };
	static const char *const not_recorded[] = { "autobound", "dev", "fwmark" };
	struct word word = lex_see_name(p);
	bool adds;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (!lex_is(word, ends[i].name))
			continue;
		p->at += word.len;
		node->test.kind = ends[i].kind;
		node->test.remote = ends[i].remote;
		return take_comparison(p, node, true);
	}
	for (size_t i = 0; i < sizeof(not_recorded) / sizeof(*not_recorded); i++)
		if (lex_is(word, not_recorded[i]))
			return lex_fail(p, p->at, "something that is recorded: of this /proc says nothing");
	if (take_states_word(p, &adds))
		return take_states(p, node, adds);
	return take_field(p, node, word);
}

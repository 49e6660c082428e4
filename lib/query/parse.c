/* SPDX-License-Identifier: MIT */
/*
 *	list  := piece { [and | or] piece }
 *	piece := { not } ( "(" list ")" | test )
 *
 * States that a list begins with are about all of it, as in ss, which takes them before it reads an expression.
 */
#include "query/lex.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static struct node *add_node(struct parser *p)
{
	struct skt_filter *filter = p->filter;
	struct node *node;

	if (array_room(&filter->nodes, &filter->room_nodes, filter->n_nodes + 1, sizeof(*filter->nodes)))
		return NULL;
	node = &filter->nodes[filter->n_nodes++];
	*node = (struct node){ .first = NO_NODE, .next = NO_NODE };
	return node;
}

static int take_list(struct parser *p, uint32_t list);

static int take_piece(struct parser *p, uint32_t *ret)
{
	struct node node = { .first = NO_NODE, .next = NO_NODE };
	int rc;

	if (!add_node(p))
		return lex_no_memory(p);
	*ret = (uint32_t)(p->filter->n_nodes - 1);
	while (lex_take_not(p))
		node.negated = !node.negated;
	if (lex_take(p, '(')) {
		const char *open = p->at - 1;

		if (++p->depth > SKT_FILTER_DEPTH)
			return lex_fail(p, open, "at most 64 brackets within each other");
		node.is_list = true;
		p->filter->nodes[*ret] = node;
		rc = take_list(p, *ret);
		if (!rc && !lex_take(p, ')'))
			rc = lex_fail(p, p->at, "and, or, another test, or the ) of a bracket that is open");
		p->depth--;
		return rc;
	}
	node.from = (size_t)(p->at - p->filter->text);
	node.test.first_value = (uint32_t)p->filter->n_values;
	rc = parse_test(p, &node);
	node.len = (size_t)(p->at - p->filter->text) - node.from;
	node.of_socket = !node.of_flow;
	/* also where it failed: the filter owns what it has of it */
	p->filter->nodes[*ret] = node;
	return rc;
}

/*
 * `state X` and `exclude X`, and `not state X`, which ss refuses and is the same as the second; `state = X` is a test
 * like others.
 */
static bool is_states_word(const struct node *node)
{
	return !node->is_list && node->test.kind == TEST_STATES && !node->test.field;
}

/* All that stands behind the first piece becomes a bracket. */
static int hold_together(struct parser *p, uint32_t list)
{
	struct node *rest = add_node(p);
	struct node *first;

	if (!rest)
		return lex_no_memory(p);
	first = &p->filter->nodes[p->filter->nodes[list].first];
	rest->is_list = true;
	rest->first = first->next;
	first->next = (uint32_t)(rest - p->filter->nodes);
	for (uint32_t i = rest->first; i != NO_NODE; i = p->filter->nodes[i].next) {
		rest->of_socket |= p->filter->nodes[i].of_socket;
		rest->of_flow |= p->filter->nodes[i].of_flow;
	}
	return 0;
}

static int take_list(struct parser *p, uint32_t list)
{
	uint32_t last = NO_NODE, node = NO_NODE;
	bool joined_by_or = false, had_or = false, states_lead = false;
	int rc;

	for (;;) {
		enum sign join;

		rc = take_piece(p, &node);
		if (rc)
			return rc;
		p->filter->nodes[node].joined_by_or = joined_by_or;
		p->filter->nodes[list].of_socket |= p->filter->nodes[node].of_socket;
		p->filter->nodes[list].of_flow |= p->filter->nodes[node].of_flow;
		if (last == NO_NODE)
			p->filter->nodes[list].first = node;
		else
			p->filter->nodes[last].next = node;
		/* elsewhere this `and` would bind what stands on both of its sides before the `or` */
		p->filter->mixed |= had_or && !joined_by_or;
		had_or |= joined_by_or;
		join = lex_take_join(p);
		lex_blanks(p);
		if (join == SIGN_NONE && (p->at == p->end || *p->at == ')'))
			break;
		if (last == NO_NODE)
			states_lead = join == SIGN_NONE && is_states_word(&p->filter->nodes[node]);
		last = node;
		joined_by_or = join == SIGN_OR;
	}
	if (!states_lead || !had_or)
		return 0;
	p->filter->mixed = true;
	return hold_together(p, list);
}

/* Where the first test of flows in it stands. */
static const char *flow_test_in(const struct parser *p, const struct node *node)
{
	while (node->is_list) {
		uint32_t i = node->first;

		while (!p->filter->nodes[i].of_flow)
			i = p->filter->nodes[i].next;
		node = &p->filter->nodes[i];
	}
	return p->filter->text + node->from;
}

/*
 * Sockets are tested while they are there, flows when they are over: both must hold, and so all that asks of the one
 * stands beside all that asks of the other.
 */
static int check_flows(struct parser *p, const struct node *list)
{
	bool had_flow = false;

	if (!list->of_flow || !list->of_socket)
		return 0;
	for (uint32_t i = list->first; i != NO_NODE; i = p->filter->nodes[i].next) {
		const struct node *node = &p->filter->nodes[i];
		bool mixed = node->of_flow && node->of_socket;
		int rc;

		had_flow |= node->of_flow;
		if ((had_flow && node->joined_by_or) || (mixed && node->negated))
			return lex_fail(
				p, flow_test_in(p, list),
				"tests of flows to be joined to those of sockets by 'and', in brackets perhaps");
		rc = mixed ? check_flows(p, node) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static int parse(struct parser *p)
{
	struct node *root = add_node(p);
	int rc;

	if (!root)
		return lex_no_memory(p);
	root->is_list = true;
	lex_blanks(p);
	if (p->at == p->end)
		return 0;
	rc = take_list(p, 0);
	if (!rc && p->at < p->end)
		rc = lex_fail(p, p->at, "a ( before it");
	return rc ? rc : check_flows(p, &p->filter->nodes[0]);
}

/* The words with a NUL behind each. */
static int join_words(struct skt_filter *filter, char *const *words, size_t n, struct skt_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		filter->len += strlen(words[i]) + 1;
		if (filter->len > SKT_FILTER_TEXT_MAX)
			return skt_err_set(err, -E2BIG, "an expression of more than %u bytes", SKT_FILTER_TEXT_MAX);
	}
	/* of each value there is a copy with a NUL behind it, and no value without a byte */
	filter->text = malloc(filter->len + 1);
	filter->pool = malloc(2 * filter->len + 1);
	if (!filter->text || !filter->pool)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]) + 1;

		memcpy(filter->text + at, words[i], len);
		at += len;
	}
	return 0;
}

int skt_filter_parse(char *const *words, size_t n, const struct skt_filter_names *names, struct skt_filter **ret,
		     struct skt_err *err)
{
	struct skt_filter *filter = calloc(1, sizeof(*filter));
	struct parser parser = { .filter = filter, .names = names, .err = err };
	int rc;

	if (!filter)
		return skt_err_set(err, -ENOMEM, "out of memory");
	rc = join_words(filter, words, n, err);
	if (!rc) {
		parser.at = filter->text;
		parser.end = filter->text + filter->len;
		rc = parse(&parser);
	}
	if (!rc) {
		*ret = filter;
		filter = NULL;
	}
	skt_filter_free(filter);
	return rc;
}

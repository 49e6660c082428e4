/* SPDX-License-Identifier: MIT */
#include "query/filter.h"

#include <string.h>

/*
 * Whether whatever one filter means another means as well. What is found is so; what is not found may be so: it is
 * looked at how the two are written, and at states and addresses. In each case the truth of the first is at most that
 * of the second, so what holds of true holds of unknown.
 */

/*
 * Filters come out of recordings, too: pairs that are compared, after which it is not found. A person writes a few
 * hundred at most.
 */
#define PAIRS_MAX 100000

struct pair {
	const struct skt_filter *filter;
	const struct skt_filter *wider;
	uint32_t left;
};

/* Of ends the text does not count: names of ports, and spaces. */
static bool same_value(const struct test *test, const struct value *a, const struct value *b)
{
	bool same_text = a->len == b->len && (!a->len || !memcmp(a->text, b->text, a->len));

	return (same_text || test->kind != TEST_FIELD) && a->number == b->number && a->time == b->time &&
	       !memcmp(a->address, b->address, sizeof(a->address)) && a->family == b->family && a->bits == b->bits &&
	       a->negative == b->negative && a->any_port == b->any_port && a->ports[0] == b->ports[0] &&
	       a->ports[1] == b->ports[1];
}

static bool is_equal(const struct test *test)
{
	return test->op == OP_EQ;
}

/* Whether an end that is the first is the second. */
static bool is_within(const struct value *a, const struct value *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;

	if (!b->any_port && (a->any_port || a->ports[0] != b->ports[0] || a->ports[1] != b->ports[1]))
		return false;
	if (!b->family)
		return true;
	if (a->family != b->family || a->bits < b->bits || memcmp(a->address, b->address, whole) != 0)
		return false;
	return !rest || !((a->address[whole] ^ b->address[whole]) & (uint8_t)(0xff00 >> rest));
}

/* Whether each value of the first is one of the second. */
static bool is_among(const struct pair *pair, const struct test *a, const struct test *b)
{
	bool ends = a->kind == TEST_HOST && is_equal(a);

	for (uint32_t i = 0; i < a->n_values; i++) {
		const struct value *value = &pair->filter->values[a->first_value + i];
		bool found = false;

		for (uint32_t k = 0; k < b->n_values && !found; k++) {
			const struct value *other = &pair->wider->values[b->first_value + k];

			found = same_value(a, value, other) || (ends && is_within(value, other));
		}
		if (!found)
			return false;
	}
	return true;
}

static bool same_values(const struct pair *pair, const struct test *a, const struct test *b)
{
	if (a->n_values != b->n_values)
		return false;
	for (uint32_t i = 0; i < a->n_values; i++)
		if (!same_value(a, &pair->filter->values[a->first_value + i], &pair->wider->values[b->first_value + i]))
			return false;
	return true;
}

static bool test_implies(const struct pair *pair, const struct node *x, const struct node *y)
{
	const struct test *a = &x->test, *b = &y->test;
	bool not = a->negated != x->negated;

	if (a->kind != b->kind || a->op != b->op || a->remote != b->remote || a->field != b->field ||
	    not != (b->negated != y->negated))
		return false;
	if (a->kind == TEST_STATES)
		return not ? !(b->states & ~a->states) : !(a->states & ~b->states);
	/* a set means what one of its values does; `!=` of a set, none of them */
	return not ? same_values(pair, a, b) : is_among(pair, a, b);
}

/* A list that is joined by one word only: what is said of it is said of all its children. */
static bool is_joined(const struct skt_filter *filter, const struct node *list, bool by_or)
{
	uint32_t i = list->first;

	if (!list->is_list || list->negated || i == NO_NODE)
		return false;
	while ((i = filter->nodes[i].next) != NO_NODE)
		if (filter->nodes[i].joined_by_or != by_or)
			return false;
	return true;
}

static bool implies(struct pair *pair, uint32_t x, uint32_t y);

/* Whether one of the children, or all, of x imply y. */
static bool children_imply(struct pair *pair, uint32_t x, uint32_t y, bool all)
{
	for (uint32_t i = pair->filter->nodes[x].first; i != NO_NODE; i = pair->filter->nodes[i].next)
		if (implies(pair, i, y) != all)
			return !all;
	return all;
}

static bool implies_children(struct pair *pair, uint32_t x, uint32_t y, bool all)
{
	for (uint32_t i = pair->wider->nodes[y].first; i != NO_NODE; i = pair->wider->nodes[i].next)
		if (implies(pair, x, i) != all)
			return !all;
	return all;
}

/* Written in the same way. */
static bool is_same(struct pair *pair, uint32_t x, uint32_t y)
{
	const struct node *a = &pair->filter->nodes[x], *b = &pair->wider->nodes[y];
	uint32_t i = a->first, k = b->first;

	if (!pair->left || a->is_list != b->is_list || a->negated != b->negated)
		return false;
	pair->left--;
	if (!a->is_list)
		return a->test.kind == b->test.kind && a->test.negated == b->test.negated && a->test.op == b->test.op &&
		       a->test.remote == b->test.remote && a->test.states == b->test.states &&
		       a->test.field == b->test.field && same_values(pair, &a->test, &b->test);
	for (; i != NO_NODE && k != NO_NODE; i = pair->filter->nodes[i].next, k = pair->wider->nodes[k].next)
		if (pair->filter->nodes[i].joined_by_or != pair->wider->nodes[k].joined_by_or || !is_same(pair, i, k))
			return false;
	return i == k;
}

/* Recursion is as deep as the brackets of both, which the parser limits. */
static bool implies(struct pair *pair, uint32_t x, uint32_t y)
{
	const struct node *a = &pair->filter->nodes[x], *b = &pair->wider->nodes[y];

	if (!pair->left)
		return false;
	pair->left--;
	if (!a->is_list && !b->is_list)
		return test_implies(pair, a, b);
	if (is_joined(pair->wider, b, false))
		return implies_children(pair, x, y, true);
	if (is_joined(pair->filter, a, true) && a->first != NO_NODE && pair->filter->nodes[a->first].next != NO_NODE)
		return children_imply(pair, x, y, true);
	if (is_same(pair, x, y))
		return true;
	if (is_joined(pair->wider, b, true) && implies_children(pair, x, y, false))
		return true;
	return is_joined(pair->filter, a, false) && children_imply(pair, x, y, false);
}

bool skt_filter_implies(const struct skt_filter *filter, const struct skt_filter *wider)
{
	struct pair pair = { .filter = filter, .wider = wider, .left = PAIRS_MAX };

	if (wider->family && wider->family != filter->family)
		return false;
	return wider->nodes[0].first == NO_NODE || implies(&pair, 0, 0);
}

/* SPDX-License-Identifier: MIT */
#include "query/filter.h"

#include <string.h>

/* Which keys of a recording's groups an expression asks for: one of them has every row that it is not false of. */
struct key_set {
	bool usable;
	bool owners; /* it is false only of rows whose holders are known */
	size_t n;
	struct skt_key keys[SKT_FILTER_KEYS];
};

static const struct key_set none = { .usable = false };

static void add(struct key_set *set, bool is_key, const struct skt_key *key)
{
	set->usable = set->usable && is_key && set->n < SKT_FILTER_KEYS;
	if (set->usable)
		set->keys[set->n++] = *key;
}

static void add_port(struct key_set *set, const struct value *value, bool remote)
{
	struct skt_key key;

	/* TCP's, and that of the others: a service's name may mean two */
	for (unsigned i = 0; i < 2; i++)
		if (!i || value->ports[1] != value->ports[0])
			add(set, skt_key_of_port(value->ports[i], remote, &key), &key);
}

/* A whole remote address, or else a port. */
static void add_end(struct key_set *set, const struct test *test, const struct value *value)
{
	bool whole = value->family && value->bits == (value->family == 6 ? 128 : 32);
	struct skt_key key;

	if (test->kind == TEST_HOST && test->remote && whole &&
	    skt_key_of_address(value->address, value->family == 6, &key))
		add(set, true, &key);
	else if (!value->any_port)
		add_port(set, value, test->remote);
	else
		set->usable = false;
}

static void add_process(struct key_set *set, const struct test *test, const struct value *value)
{
	bool is_pid = !strcmp(test->field->name, "pid");
	struct skt_key key;

	set->owners = true;
	if (is_pid)
		add(set,
		    !value->negative && value->number <= UINT32_MAX && skt_key_of_pid((uint32_t)value->number, &key),
		    &key);
	else
		add(set, skt_key_of_comm(value->text, value->len, &key), &key);
}

static void of_test(const struct skt_filter *filter, const struct test *test, struct key_set *ret)
{
	const struct value *values = test->n_values ? &filter->values[test->first_value] : NULL;
	bool of_end = test->kind == TEST_HOST || test->kind == TEST_PORT;
	bool of_process =
		test->kind == TEST_FIELD && (!strcmp(test->field->name, "pid") || !strcmp(test->field->name, "comm"));

	*ret = none;
	if (test->negated || test->op != OP_EQ || !(of_end || of_process))
		return;
	ret->usable = true;
	for (uint32_t i = 0; i < test->n_values && ret->usable; i++)
		if (of_end)
			add_end(ret, test, &values[i]);
		else
			add_process(ret, test, &values[i]);
}

/* Of two that must both hold either will do: the smaller one, and of two alike the one that no doubt touches. */
static void join_and(struct key_set *set, const struct key_set *more)
{
	if (!more->usable)
		return;
	if (!set->usable || more->n < set->n || (more->n == set->n && set->owners && !more->owners))
		*set = *more;
}

static void join_or(struct key_set *set, const struct key_set *more)
{
	set->usable &= more->usable;
	set->owners |= more->owners;
	for (size_t i = 0; i < more->n && set->usable; i++)
		add(set, true, &more->keys[i]);
}

/* Recursion is as deep as brackets are, which the parser limits; a set has 4 KiB. */
static void of_list(const struct skt_filter *filter, const struct node *list, struct key_set *ret)
{
	struct key_set one;

	*ret = none;
	for (uint32_t i = list->first; i != NO_NODE; i = filter->nodes[i].next) {
		const struct node *node = &filter->nodes[i];

		if (node->negated)
			one = none;
		else if (node->is_list)
			of_list(filter, node, &one);
		else
			of_test(filter, &node->test, &one);
		if (node->joined_by_or)
			join_or(ret, &one);
		else
			join_and(ret, &one);
	}
}

size_t skt_filter_keys(const struct skt_filter *filter, struct skt_key ret[SKT_FILTER_KEYS], unsigned *ret_doubts)
{
	struct key_set set;

	of_list(filter, &filter->nodes[0], &set);
	*ret_doubts = SKT_DOUBT_TABLES | (set.owners ? SKT_DOUBT_OWNERS : 0);
	if (!set.usable)
		return 0;
	memcpy(ret, set.keys, set.n * sizeof(*ret));
	return set.n;
}

/* SPDX-License-Identifier: MIT */
#include <skt/filter.h>

#include "query/filter.h"

#include <stdlib.h>

void skt_filter_free(struct skt_filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->n_nodes; i++)
		regex_free(filter->nodes[i].test.regex);
	free(filter->nodes);
	free(filter->values);
	free(filter->pool);
	free(filter->text);
	free(filter);
}

unsigned skt_filter_needs(const struct skt_filter *filter)
{
	return filter->needs | (filter->of_events ? SKT_NEEDS_EVENTS : 0);
}

bool skt_filter_names_state(const struct skt_filter *filter, enum skt_state state)
{
	return filter->named & 1u << state;
}

bool skt_filter_is_mixed(const struct skt_filter *filter)
{
	return filter->mixed;
}

bool skt_filter_is_escaped(const struct skt_filter *filter)
{
	return filter->escaped;
}

/* ---- evaluation ---- */

static enum skt_truth negate(enum skt_truth truth, bool negated)
{
	return negated ? SKT_TRUE - truth : truth;
}

/* Which tests are asked: those of sockets, or those of flows. Others are taken for true. */
enum part { PART_SOCKET, PART_FLOW };

/* Recursion is as deep as brackets are, which the parser limits, and what states in front of it hold together. */
static enum skt_truth walk(const struct skt_filter *filter, const struct node *list, enum part part,
			   const struct skt_row *row, unsigned kind)
{
	enum skt_truth truth = SKT_TRUE;

	for (uint32_t i = list->first; i != NO_NODE; i = filter->nodes[i].next) {
		const struct node *node = &filter->nodes[i];
		enum skt_truth one;

		if (part == PART_FLOW ? !node->of_flow : !node->of_socket)
			continue;
		/* what cannot change the outcome is not asked */
		if (truth == (node->joined_by_or ? SKT_TRUE : SKT_FALSE))
			continue;
		one = node->is_list ? walk(filter, node, part, row, kind)
				    : negate(test_socket(filter, &node->test, row, kind), node->test.negated);
		one = negate(one, node->negated);
		if (node->joined_by_or)
			truth = one > truth ? one : truth;
		else
			truth = one < truth ? one : truth;
	}
	return truth;
}

static bool is_family(const struct skt_filter *filter, unsigned kind)
{
	return !filter->family || (filter->family == 6) == skt_table_kind_is_ipv6(kind);
}

enum skt_truth skt_filter_test(const struct skt_filter *filter, const struct skt_row *row)
{
	unsigned kind = row->snapshot->tables[row->sock->table].kind;

	return is_family(filter, kind) ? walk(filter, &filter->nodes[0], PART_SOCKET, row, kind) : SKT_FALSE;
}

enum skt_truth skt_filter_test_flow(const struct skt_filter *filter, const struct skt_row *row)
{
	return walk(filter, &filter->nodes[0], PART_FLOW, row, 0);
}

bool skt_filter_is_never(const struct skt_filter *filter, const struct skt_row *row)
{
	struct skt_row of_ends = *row;

	of_ends.ends_only = true;
	return filter->of_events && skt_filter_test(filter, &of_ends) == SKT_FALSE;
}

uint32_t skt_filter_kinds(const struct skt_filter *filter)
{
	uint32_t kinds = 0;

	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (is_family(filter, kind) && walk(filter, &filter->nodes[0], PART_SOCKET, NULL, kind) != SKT_FALSE)
			kinds |= 1u << kind;
	return kinds;
}

/* ---- as text ---- */

static void format_text(const struct skt_filter *filter, size_t from, size_t len, struct skt_buf *out)
{
	for (size_t i = 0; i < len; i++)
		skt_buf_byte(out, (unsigned char)(filter->text[from + i] ? filter->text[from + i] : ' '));
}

/* A value that was a word of its own would be several in the line: in quotes it is one again. */
static void format_test(const struct skt_filter *filter, const struct node *node, struct skt_buf *out)
{
	if (!node->whole) {
		format_text(filter, node->from, node->len, out);
		return;
	}
	format_text(filter, node->from, node->whole - node->from, out);
	skt_buf_byte(out, '"');
	for (size_t i = node->whole; i < node->from + node->len; i++) {
		if (filter->text[i] == '"' || filter->text[i] == '\\')
			skt_buf_byte(out, '\\');
		skt_buf_byte(out, (unsigned char)filter->text[i]);
	}
	skt_buf_byte(out, '"');
}

/* How often a list goes from `and` to `or` or back: what stands before is a bracket then. */
static size_t count_turns(const struct skt_filter *filter, const struct node *list)
{
	size_t turns = 0;
	uint32_t i = filter->nodes[list->first].next;

	for (; i != NO_NODE && filter->nodes[i].next != NO_NODE; i = filter->nodes[i].next)
		turns += filter->nodes[i].joined_by_or != filter->nodes[filter->nodes[i].next].joined_by_or;
	return turns;
}

static void format_list(const struct skt_filter *filter, const struct node *list, struct skt_buf *out)
{
	const struct node *node = NULL;

	for (size_t turns = count_turns(filter, list); turns; turns--)
		skt_buf_text(out, "( ");
	for (uint32_t i = list->first; i != NO_NODE; i = node->next) {
		bool bracketed;

		if (i != list->first) {
			if (node != &filter->nodes[list->first] && node->joined_by_or != filter->nodes[i].joined_by_or)
				skt_buf_text(out, " )");
			skt_buf_text(out, filter->nodes[i].joined_by_or ? " or " : " and ");
		}
		node = &filter->nodes[i];
		if (node->negated)
			skt_buf_text(out, "not ");
		bracketed = node->is_list && filter->nodes[node->first].next != NO_NODE;
		bracketed |= node->is_list && filter->nodes[node->first].negated && node->negated;
		if (bracketed)
			skt_buf_text(out, "( ");
		if (node->is_list)
			format_list(filter, node, out);
		else
			format_test(filter, node, out);
		if (bracketed)
			skt_buf_text(out, " )");
	}
}

void skt_filter_format(const struct skt_filter *filter, struct skt_buf *out)
{
	if (filter->nodes[0].first != NO_NODE)
		format_list(filter, &filter->nodes[0], out);
}

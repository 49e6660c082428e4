/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"
#include "render/lines.h"

#include <skt/escape.h>
#include <skt/time.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What differs, for a person, in groups of one program each:
 *
 *	nginx: nginx -g daemon off;
 *	  + opened    tcp   0.0.0.0:8443          0.0.0.0:*             LISTEN      nginx 991/8
 *	  > restarted tcp   0.0.0.0:80            0.0.0.0:*             LISTEN      nginx 720/6 > nginx 991/6  x4
 *
 * Signs as in lib/render/changes.c; * came and went. Groups are ordered by what their headings say, lines within them by table
 * and ends.
 */

/* A difference, and what it is sorted by. */
struct entry {
	const struct skt_difference *item;
	const struct skt_sock *sock; /* as it is, or was */
	uint64_t net_namespace;
	uint32_t group;
	uint8_t kind; /* of its table */
};

/* The heading of each process that is the first to hold something; those of one text are one group. */
struct heading {
	size_t at, len; /* in the text of all */
	uint32_t side;	/* 0 before, 1 after, 2 between */
	uint32_t process;
	uint32_t group;
};

struct grouping {
	struct skt_buf text;
	struct heading *headings;
	size_t n;
	uint32_t *of_process[3];   /* for each process of a side its heading, plus 1; 0: none yet */
	struct heading **of_group; /* one of each group's; those of NO_HOLDER there are none */
};

#define NO_HOLDER 0 /* the group of those that nobody is known to hold: the first */

static const struct skt_diff_side *side_of(const struct skt_diff_sides *sides, unsigned side)
{
	return side == 0 ? &sides->before : side == 1 ? &sides->after : &sides->between;
}

/* The process that a difference is listed under, and on which side: that with the lowest pid, of now, or of before. */
static bool first_holder(const struct skt_diff_sides *sides, const struct skt_difference *item, uint32_t *ret_side,
			 uint32_t *ret_process)
{
	for (unsigned after = 2; after-- > 0;) {
		unsigned side = item->kind == SKT_DIFF_TRANSIENT ? 2 : after;
		uint32_t slot = after ? item->after : item->before;
		const struct skt_snapshot *snapshot = side_of(sides, side)->snapshot;
		const struct skt_sock *sock;
		bool last;

		if (slot == SKT_NO_SLOT || !snapshot)
			continue;
		sock = &snapshot->socks[slot];
		last = !sock->n_owners && sock->owner == SKT_OWNER_UNKNOWN;
		if (!(last ? sock->n_last : sock->n_owners))
			continue;
		*ret_side = side;
		*ret_process = snapshot->owners[last ? sock->first_last : sock->first_owner].process;
		return true;
	}
	return false;
}

static void put_heading(const struct skt_render *render, const struct skt_diff_side *side, uint32_t process,
			struct skt_buf *out)
{
	struct skt_row row = { .render = render,
			       .snapshot = side->snapshot,
			       .process = &side->snapshot->processes[process] };
	const char *comm;
	size_t len;

	if (row.process->has & SKT_BIT(SKT_P_COMM)) {
		comm = skt_strtab_get(side->snapshot->strings, row.process->comm, &len);
		skt_escape(out, comm, len);
	} else {
		skt_buf_byte(out, '?');
	}
	if (row.process->has & (SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXE))) {
		skt_buf_text(out, ": ");
		cell_command(&row, out);
	}
}

static int add_heading(const struct skt_render *render, const struct skt_diff_sides *sides, struct grouping *grouping,
		       uint32_t side, uint32_t process, size_t room)
{
	struct heading *heading = &grouping->headings[grouping->n];

	if (grouping->n == room)
		return -ENOMEM;
	*heading = (struct heading){ .at = grouping->text.len, .side = side, .process = process };
	put_heading(render, side_of(sides, side), process, &grouping->text);
	heading->len = grouping->text.len - heading->at;
	grouping->of_process[side][process] = (uint32_t)++grouping->n;
	return 0;
}

static int compare_texts(const void *x, const void *y, void *data)
{
	const struct heading *a = *(struct heading *const *)x, *b = *(struct heading *const *)y;
	const struct skt_buf *text = data;
	int order = memcmp(text->data + a->at, text->data + b->at, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* Give headings their groups, those of the same text the same, in the order of the texts. */
static int number_groups(struct grouping *grouping)
{
	struct heading **order = malloc((grouping->n + 1) * sizeof(struct heading *));
	uint32_t group = NO_HOLDER;

	grouping->of_group = order;
	if (!order || grouping->text.failed)
		return -ENOMEM;
	/* groups are counted from 1, and no more than those before are written over */
	order++;
	for (size_t i = 0; i < grouping->n; i++)
		order[i] = &grouping->headings[i];
	if (grouping->n > 1)
		qsort_r(order, grouping->n, sizeof(*order), compare_texts, &grouping->text);
	for (size_t i = 0; i < grouping->n; i++) {
		struct heading *heading = order[i];

		if (!i || compare_texts(&grouping->of_group[group], &heading, &grouping->text) != 0)
			grouping->of_group[++group] = heading;
		heading->group = group;
	}
	return 0;
}

static void grouping_release(struct grouping *grouping)
{
	skt_buf_release(&grouping->text);
	free(grouping->headings);
	free(grouping->of_group);
	for (unsigned side = 0; side < 3; side++)
		free(grouping->of_process[side]);
}

static int find_groups(const struct skt_render *render, const struct skt_diff_sides *sides, struct entry *entries,
		       size_t n, struct grouping *grouping)
{
	size_t room = 0;
	int rc = 0;

	for (unsigned side = 0; side < 3; side++) {
		const struct skt_snapshot *snapshot = side_of(sides, side)->snapshot;
		size_t processes = snapshot ? snapshot->n_processes : 0;

		grouping->of_process[side] = calloc(processes + 1, sizeof(uint32_t));
		if (!grouping->of_process[side])
			return -ENOMEM;
		room += processes;
	}
	grouping->headings = malloc((room + 1) * sizeof(*grouping->headings));
	if (!grouping->headings)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		uint32_t side, process;

		if (first_holder(sides, entries[i].item, &side, &process) && !grouping->of_process[side][process])
			rc = add_heading(render, sides, grouping, side, process, room);
	}
	if (!rc)
		rc = number_groups(grouping);
	for (size_t i = 0; !rc && i < n; i++) {
		uint32_t side, process;

		entries[i].group = NO_HOLDER;
		if (first_holder(sides, entries[i].item, &side, &process))
			entries[i].group = grouping->headings[grouping->of_process[side][process] - 1].group;
	}
	return rc;
}

#define COMPARE(member)             \
	if (a->member != b->member) \
	return a->member < b->member ? -1 : 1

static int compare_entries(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int order;

	COMPARE(group);
	COMPARE(net_namespace);
	COMPARE(kind);
	order = memcmp(a->sock->local_address, b->sock->local_address, sizeof(a->sock->local_address));
	if (order)
		return order;
	COMPARE(sock->local_port);
	order = memcmp(a->sock->remote_address, b->sock->remote_address, sizeof(a->sock->remote_address));
	if (order)
		return order;
	COMPARE(sock->remote_port);
	COMPARE(item->kind);
	/* in the order given */
	return (a->item > b->item) - (a->item < b->item);
}

/* Whether nothing but the process would be another in the second one's line. */
static bool are_alike(const struct entry *a, const struct entry *b)
{
	const struct skt_difference *x = a->item, *y = b->item;

	return a->group == b->group && a->net_namespace == b->net_namespace && a->kind == b->kind &&
	       a->sock->local_port == b->sock->local_port && a->sock->remote_port == b->sock->remote_port &&
	       !memcmp(a->sock->local_address, b->sock->local_address, sizeof(a->sock->local_address)) &&
	       !memcmp(a->sock->remote_address, b->sock->remote_address, sizeof(a->sock->remote_address)) &&
	       x->kind == y->kind && x->hands == y->hands && x->executed == y->executed && x->fields == y->fields &&
	       skt_difference_is_quiet(x) == skt_difference_is_quiet(y) && a->sock->state == b->sock->state &&
	       x->kind != SKT_DIFF_CHANGED && x->kind != SKT_DIFF_TRANSIENT;
}

/* ---- a line ---- */

static const char *what_of(const struct skt_difference *item)
{
	if (item->kind == SKT_DIFF_REPLACED && skt_difference_is_quiet(item))
		return "restarted";
	if (item->executed && item->hands == SKT_HANDS_SAME)
		return "executed";
	return item->hands != SKT_HANDS_SAME ? skt_hands_name(item->hands) : skt_difference_name(item->kind);
}

static char sign_of(const struct skt_difference *item)
{
	static const char signs[] = " +-~>>*";

	return item->hands != SKT_HANDS_SAME ? '>' : signs[item->kind];
}

static const char *colour_of(const struct skt_render *render, const struct skt_difference *item)
{
	static const char *const colours[] = {
		"", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[36m", "\x1b[35m",
	};

	if (!render->colour)
		return "";
	if (skt_difference_is_quiet(item))
		return "\x1b[2m";
	return colours[item->hands != SKT_HANDS_SAME ? SKT_DIFF_PASSED : item->kind];
}

static void put_endpoint(const uint8_t address[16], bool ipv6, uint16_t port, struct skt_buf *line)
{
	size_t start = line->len;

	cell_endpoint(address, ipv6, port, line);
	line_pad(line, start, ENDPOINT_WIDTH);
}

/* Which fields differ, from what to what; the state and the holders have columns of their own. */
static void put_fields(const struct skt_difference *item, const struct skt_row *before, const struct skt_row *after,
		       struct skt_buf *line)
{
	uint32_t fields = item->fields & ~(SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_OWNERS));
	struct skt_view view;

	/* that another socket is another one goes without saying */
	if (item->kind == SKT_DIFF_REPLACED || item->hands == SKT_HANDS_ORPHANED || item->hands == SKT_HANDS_ACCEPTED)
		fields &= ~(SKT_BIT(SKT_F_INODE) | SKT_BIT(SKT_F_SK));
	if (!fields)
		return;
	skt_view_within_change(&view, fields);
	for (size_t i = 0; i < view.n; i++) {
		skt_buf_printf(line, "  %s ", view.fields[i]->name);
		line_value(view.fields[i], before, line);
		skt_buf_byte(line, '>');
		line_value(view.fields[i], after, line);
	}
}

/* What it was, where the program is another: its name may be the same. */
static void put_program(const struct skt_render *render, const struct skt_diff_sides *sides,
			const struct skt_difference *item, struct skt_buf *line)
{
	struct skt_difference before = *item;
	uint32_t side, process;

	before.after = SKT_NO_SLOT;
	if (!item->executed && (item->kind != SKT_DIFF_REPLACED || !item->programs_known || item->same_programs))
		return;
	if (!first_holder(sides, &before, &side, &process))
		return;
	skt_buf_text(line, "  was ");
	put_heading(render, side_of(sides, side), process, line);
}

static void put_lived(const struct skt_difference *item, struct skt_buf *line)
{
	/* to the millisecond, for nobody reads more */
	int64_t least = item->lived_least / SKT_NS_PER_MS * SKT_NS_PER_MS;
	int64_t most = (item->lived_most + SKT_NS_PER_MS - 1) / SKT_NS_PER_MS * SKT_NS_PER_MS;

	skt_buf_text(line, "  lived ");
	if (least) {
		skt_duration_format(line, least);
		skt_buf_text(line, " to ");
	} else {
		skt_buf_text(line, "at most ");
	}
	skt_duration_format(line, most);
}

static void put_entry(const struct skt_render *render, const struct skt_diff_sides *sides, const struct entry *entry,
		      size_t alike, struct skt_buf *scratch, struct skt_buf *line)
{
	const struct skt_difference *item = entry->item;
	struct skt_row before, after;
	bool was = difference_side(render, sides, item, false, &before);
	bool is = difference_side(render, sides, item, true, &after);
	bool ipv6 = skt_table_kind_is_ipv6(entry->kind);
	size_t start;

	skt_buf_printf(line, "  %c ", sign_of(item));
	start = line->len;
	skt_buf_text(line, what_of(item));
	line_pad(line, start, WHAT_WIDTH);
	start = line->len;
	skt_buf_text(line, skt_table_kind_name(entry->kind));
	line_pad(line, start, TABLE_WIDTH);
	put_endpoint(entry->sock->local_address, ipv6, entry->sock->local_port, line);
	put_endpoint(entry->sock->remote_address, ipv6, entry->sock->remote_port, line);
	start = line->len;
	if (was && is && before.sock->state != after.sock->state) {
		line_state(before.sock->state, line);
		skt_buf_byte(line, '>');
	}
	line_state(entry->sock->state, line);
	line_pad(line, start, STATE_WIDTH);
	if (was && is && item->fields & SKT_BIT(SKT_F_OWNERS)) {
		line_holders(&before, scratch, line);
		skt_buf_text(line, " > ");
	}
	line_holders(is ? &after : &before, scratch, line);
	if (was && is)
		put_fields(item, &before, &after, line);
	put_program(render, sides, item, line);
	if (item->kind == SKT_DIFF_TRANSIENT)
		put_lived(item, line);
	if (alike > 1)
		skt_buf_printf(line, "  x%zu", alike);
	if (item->twins_before != item->twins_after && (item->twins_before > 1 || item->twins_after > 1))
		skt_buf_printf(line, "  twins %u>%u", item->twins_before, item->twins_after);
}

static void put_group(const struct skt_render *render, const struct grouping *grouping, uint32_t group,
		      struct skt_buf *line, struct skt_buf *out)
{
	skt_buf_clear(line);
	if (group == NO_HOLDER) {
		skt_buf_text(line, "no known holder");
	} else {
		const struct heading *heading = grouping->of_group[group];

		skt_buf_add(line, grouping->text.data + heading->at, heading->len);
	}
	line_end_coloured(line, render->width, render->colour ? "\x1b[1m" : "", out);
}

static void put_all(const struct skt_render *render, const struct skt_diff_sides *sides, const struct entry *entries,
		    size_t n, const struct grouping *grouping, struct skt_buf *out)
{
	bool namespaces = line_needs_namespaces(sides->before.snapshot) || line_needs_namespaces(sides->after.snapshot);
	struct skt_buf line, scratch;
	size_t alike;

	skt_buf_init(&line);
	skt_buf_init(&scratch);
	for (size_t i = 0; i < n; i += alike) {
		for (alike = 1; i + alike < n && are_alike(&entries[i], &entries[i + alike]);)
			alike++;
		if (!i || entries[i].group != entries[i - 1].group)
			put_group(render, grouping, entries[i].group, &line, out);
		skt_buf_clear(&line);
		put_entry(render, sides, &entries[i], alike, &scratch, &line);
		if (namespaces && entries[i].net_namespace)
			skt_buf_printf(&line, "  netns %llu", (unsigned long long)entries[i].net_namespace);
		line_end_coloured(&line, render->width, colour_of(render, entries[i].item), out);
	}
	skt_buf_release(&scratch);
	skt_buf_release(&line);
}

int table_differences(const struct skt_render *render, const struct skt_diff_sides *sides,
		      const struct skt_difference *items, size_t n, struct skt_buf *out)
{
	struct entry *entries = malloc((n + 1) * sizeof(*entries));
	struct grouping grouping = { .headings = NULL };
	int rc = entries ? 0 : -ENOMEM;

	skt_buf_init(&grouping.text);
	for (size_t i = 0; !rc && i < n; i++) {
		struct skt_row row;

		if (!difference_side(render, sides, &items[i], true, &row))
			difference_side(render, sides, &items[i], false, &row);
		entries[i].item = &items[i];
		entries[i].sock = row.sock;
		entries[i].kind = row.snapshot->tables[row.sock->table].kind;
		entries[i].net_namespace = row.snapshot->tables[row.sock->table].net_namespace;
	}
	if (!rc)
		rc = find_groups(render, sides, entries, n, &grouping);
	if (!rc && n > 1)
		qsort(entries, n, sizeof(*entries), compare_entries);
	if (!rc)
		put_all(render, sides, entries, n, &grouping, out);
	grouping_release(&grouping);
	free(entries);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"
#include "render/groups.h"
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

#define COMPARE(member)             \
	if (a->member != b->member) \
	return a->member < b->member ? -1 : 1

static int compare_entries(const void *x, const void *y)
{
	const struct group_entry *a = x, *b = y;
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
static bool are_alike(const struct group_entry *a, const struct group_entry *b)
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
	if (!groups_holder(sides, &before, &side, &process))
		return;
	skt_buf_text(line, "  was ");
	groups_put_program(render, sides, side, process, line);
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

static void put_entry(const struct skt_render *render, const struct skt_diff_sides *sides,
		      const struct group_entry *entry, size_t alike, struct skt_buf *scratch, struct skt_buf *line)
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

static void put_all(const struct skt_render *render, const struct skt_diff_sides *sides,
		    const struct group_entry *entries, size_t n, const struct groups *groups, struct skt_buf *out)
{
	bool namespaces = line_needs_namespaces(sides->before.snapshot) || line_needs_namespaces(sides->after.snapshot);
	struct skt_buf line, scratch;
	size_t alike;

	skt_buf_init(&line);
	skt_buf_init(&scratch);
	for (size_t i = 0; i < n; i += alike) {
		for (alike = 1; i + alike < n && are_alike(&entries[i], &entries[i + alike]);)
			alike++;
		if (!i || entries[i].group != entries[i - 1].group) {
			skt_buf_clear(&line);
			groups_put_heading(groups, entries[i].group, &line);
			line_end_coloured(&line, render->width, render->colour ? "\x1b[1m" : "", out);
		}
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
	struct group_entry *entries = malloc((n + 1) * sizeof(*entries));
	struct groups groups;
	int rc = entries ? 0 : -ENOMEM;

	groups_init(&groups);
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
		rc = groups_find(render, sides, entries, n, &groups);
	if (!rc && n > 1)
		qsort(entries, n, sizeof(*entries), compare_entries);
	if (!rc)
		put_all(render, sides, entries, n, &groups, out);
	groups_release(&groups);
	free(entries);
	return rc;
}

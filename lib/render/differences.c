/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"
#include "render/groups.h"
#include "render/lines.h"
#include "render/wrap.h"

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
 * On a terminal the columns are fitted, and what does not fit stands below: nothing that differs is cut.
 * Signs as in lib/render/changes.c; * came and went. Groups are ordered by what their headings say, lines within them
 * by table and ends.
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
	       x->kind != SKT_DIFF_CHANGED && !x->passing && !y->passing && x->process_fields == y->process_fields;
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

/* How wide the columns are: as wide as what mostly stands in them, or on a terminal as what does. */
struct widths {
	size_t what, table, local, remote, state;
	bool namespaces; /* sockets are of several */
};

static void put_end(const struct skt_sock *sock, bool local, bool ipv6, size_t width, struct skt_buf *line)
{
	size_t start = line->len;

	cell_end(sock, local, ipv6, line);
	line_pad(line, start, width);
}

static void widen(size_t *width, const struct skt_buf *cell, size_t most)
{
	size_t len = cell->len < most ? cell->len : most;

	if (*width < len)
		*width = len;
}

static void widen_to_end(size_t *width, const struct skt_sock *sock, bool local, bool ipv6, struct skt_buf *cell)
{
	skt_buf_clear(cell);
	cell_end(sock, local, ipv6, cell);
	widen(width, cell, ENDPOINT_WIDTH);
}

static void widen_to_text(size_t *width, const char *text, size_t most, struct skt_buf *cell)
{
	skt_buf_clear(cell);
	skt_buf_text(cell, text);
	widen(width, cell, most);
}

static struct widths fit(const struct skt_render *render, const struct group_entry *entries, size_t n,
			 struct skt_buf *out)
{
	struct widths widths = { .what = WHAT_WIDTH,
				 .table = TABLE_WIDTH,
				 .local = ENDPOINT_WIDTH,
				 .remote = ENDPOINT_WIDTH,
				 .state = STATE_WIDTH };
	struct skt_buf cell;

	if (!render->width)
		return widths;
	memset(&widths, 0, sizeof(widths));
	skt_buf_init(&cell);
	for (size_t i = 0; i < n; i++) {
		const struct skt_sock *sock = entries[i].sock;
		bool ipv6 = skt_table_kind_is_ipv6(entries[i].kind);

		widen_to_text(&widths.what, what_of(entries[i].item), WHAT_WIDTH, &cell);
		widen_to_text(&widths.table, skt_table_kind_name(entries[i].kind), TABLE_WIDTH, &cell);
		widen_to_end(&widths.local, sock, true, ipv6, &cell);
		widen_to_end(&widths.remote, sock, false, ipv6, &cell);
		skt_buf_clear(&cell);
		line_state(sock->state, &cell);
		widen(&widths.state, &cell, STATE_WIDTH);
	}
	out->failed |= cell.failed;
	skt_buf_release(&cell);
	return widths;
}

/* Which fields differ, from what to what; the state and the holders have columns of their own. */
static void put_fields(const struct skt_difference *item, const struct skt_row *before, const struct skt_row *after,
		       struct wrap *wrap, struct skt_buf *line)
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
		wrap_part(wrap, line);
	}
}

static bool holder_of(const struct skt_diff_sides *sides, const struct skt_difference *item, bool after,
		      uint32_t *ret_side, uint32_t *ret_process)
{
	struct skt_difference side = *item;

	if (item->executed) {
		*ret_side = after;
		*ret_process = after ? item->is_process : item->was_process;
		return true;
	}
	if (after)
		side.before = SKT_NO_SLOT;
	else
		side.after = SKT_NO_SLOT;
	return groups_holder(sides, &side, ret_side, ret_process);
}

/*
 * What it was, where the program is another: its name may be the same, and its command line, too. The executable comes
 * first, for the end may be cut.
 */
static void put_program(const struct skt_render *render, const struct skt_diff_sides *sides,
			const struct skt_difference *item, struct wrap *wrap, struct skt_buf *line)
{
	const struct skt_snapshot *before = sides->before.snapshot, *after = sides->after.snapshot;
	const struct skt_process *was, *is;
	uint32_t was_side, was_slot, is_side, is_slot;
	const char *was_exe, *is_exe;
	size_t was_len, is_len;

	if (!item->executed && (item->kind != SKT_DIFF_REPLACED || !item->programs_known || item->same_programs))
		return;
	if (!holder_of(sides, item, false, &was_side, &was_slot) || !holder_of(sides, item, true, &is_side, &is_slot))
		return;
	was = &before->processes[was_slot];
	is = &after->processes[is_slot];
	was_exe = skt_strtab_get(before->strings, was->exe, &was_len);
	is_exe = skt_strtab_get(after->strings, is->exe, &is_len);
	if (was->has & is->has & SKT_BIT(SKT_P_EXE) && (was_len != is_len || memcmp(was_exe, is_exe, is_len) != 0)) {
		skt_buf_text(line, "  exe ");
		skt_escape(line, was_exe, was_len);
		skt_buf_byte(line, '>');
		skt_escape(line, is_exe, is_len);
		wrap_part(wrap, line);
	}
	skt_buf_text(line, "  was ");
	groups_put_program(render, sides, was_side, was_slot, line);
	wrap->cut = true;
}

static void put_lived(const struct skt_difference *item, struct skt_buf *line)
{
	/* to the millisecond, for nobody reads more */
	int64_t least = item->lived_least / SKT_NS_PER_MS * SKT_NS_PER_MS;
	int64_t most = (item->lived_most + SKT_NS_PER_MS - 1) / SKT_NS_PER_MS * SKT_NS_PER_MS;

	skt_buf_text(line, "  lived ");
	if (least && least == most) {
		skt_duration_format(line, least);
		return;
	}
	if (least) {
		skt_duration_format(line, least);
		skt_buf_text(line, " to ");
	} else {
		skt_buf_text(line, "at most ");
	}
	skt_duration_format(line, most);
}

static void put_columns(const struct group_entry *entry, const struct widths *widths, const struct skt_row *before,
			const struct skt_row *after, struct skt_buf *line)
{
	bool ipv6 = skt_table_kind_is_ipv6(entry->kind);
	size_t start;

	skt_buf_printf(line, "  %c ", sign_of(entry->item));
	start = line->len;
	skt_buf_text(line, what_of(entry->item));
	line_pad(line, start, widths->what);
	start = line->len;
	skt_buf_text(line, skt_table_kind_name(entry->kind));
	line_pad(line, start, widths->table);
	put_end(entry->sock, true, ipv6, widths->local, line);
	put_end(entry->sock, false, ipv6, widths->remote, line);
	start = line->len;
	if (before && after && before->sock->state != after->sock->state) {
		line_state(before->sock->state, line);
		skt_buf_byte(line, '>');
	}
	line_state(entry->sock->state, line);
	line_pad(line, start, widths->state);
}

static void put_entry(const struct skt_render *render, const struct skt_diff_sides *sides,
		      const struct group_entry *entry, const struct widths *widths, size_t alike,
		      struct skt_buf *scratch, struct wrap *wrap, struct skt_buf *line)
{
	const struct skt_difference *item = entry->item;
	struct skt_row before, after;
	bool was = difference_side(render, sides, item, false, &before);
	bool is = difference_side(render, sides, item, true, &after);

	put_columns(entry, widths, was ? &before : NULL, is ? &after : NULL, line);
	wrap_part(wrap, line);
	if (was && is && item->fields & SKT_BIT(SKT_F_OWNERS)) {
		line_holders(&before, scratch, line);
		wrap_part(wrap, line);
		skt_buf_text(line, " > ");
	}
	line_holders(is ? &after : &before, scratch, line);
	wrap_part(wrap, line);
	if (alike > 1)
		skt_buf_printf(line, "  x%zu", alike);
	wrap_part(wrap, line);
	if (item->twins_before != item->twins_after && (item->twins_before > 1 || item->twins_after > 1))
		skt_buf_printf(line, "  twins %u>%u", item->twins_before, item->twins_after);
	wrap_part(wrap, line);
	if (item->passing)
		put_lived(item, line);
	wrap_part(wrap, line);
	line_told(is ? &after : &before, line);
	wrap_part(wrap, line);
	if (widths->namespaces && entry->net_namespace)
		skt_buf_printf(line, "  netns %llu", (unsigned long long)entry->net_namespace);
	wrap_part(wrap, line);
	if (was && is)
		put_fields(item, &before, &after, wrap, line);
	put_program(render, sides, item, wrap, line);
}

static void put_all(const struct skt_render *render, const struct skt_diff_sides *sides,
		    const struct group_entry *entries, size_t n, const struct groups *groups, struct skt_buf *out)
{
	struct widths widths = fit(render, entries, n, out);
	struct skt_buf line, scratch;
	size_t alike;

	widths.namespaces =
		line_needs_namespaces(sides->before.snapshot) || line_needs_namespaces(sides->after.snapshot);
	skt_buf_init(&line);
	skt_buf_init(&scratch);
	for (size_t i = 0; i < n; i += alike) {
		struct wrap wrap = { .n = 0 };

		for (alike = 1; i + alike < n && are_alike(&entries[i], &entries[i + alike]);)
			alike++;
		if (!i || entries[i].group != entries[i - 1].group) {
			skt_buf_clear(&line);
			groups_put_heading(groups, entries[i].group, &line);
			line_end_coloured(&line, render->width, render->colour ? "\x1b[1m" : "", out);
		}
		skt_buf_clear(&line);
		put_entry(render, sides, &entries[i], &widths, alike, &scratch, &wrap, &line);
		wrap_end(&wrap, &line, render->width, colour_of(render, entries[i].item), out);
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

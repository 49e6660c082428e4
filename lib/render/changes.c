/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>
#include <skt/render.h>
#include <skt/time.h>

#include "render/cells.h"
#include "render/lines.h"
#include "render/wrap.h"

#include <string.h>

/*
 * A change a line, for a person who looks on:
 *
 *	TIME            WHAT      TABLE LOCAL           REMOTE           STATE        PROCESS PID/FD
 *	14:03:07.500Z + listening tcp   0.0.0.0:80      0.0.0.0:*        LISTEN       nginx 720/6
 *	14:03:07.600Z > shared    tcp   0.0.0.0:80      0.0.0.0:*        LISTEN       nginx 720/6 > nginx 720/6 721/6
 *	14:03:08.100Z + opened    tcp   10.0.0.5:41998  203.0.113.9:443  ESTABLISHED  curl 991/5
 *	14:03:09.100Z ~ changed   tcp   10.0.0.5:41998  203.0.113.9:443  ESTABLISHED>CLOSE_WAIT  curl 991/5
 *	14:03:09.200Z - closed    tcp   10.0.0.5:41998  203.0.113.9:443  CLOSE_WAIT   curl 991/5
 *	14:03:09.310Z - closed    tcp   10.0.0.5:80     203.0.113.4:4711 CLOSE        (unseen) perhaps nginx 720
 *
 * Columns are as wide as what mostly stands in them; what is longer pushes the rest to the right. A sign says at a
 * glance what kind of change it is: + came, - went, > other hands, ~ another state. On a narrow terminal, so that who
 * held it is still seen:
 *
 *	TIME     WHAT        TABLE LOCAL   REMOTE             STATE   PROCESS PID/FD
 *	14:03:08 + opened    tcp   :41998  203.0.113.9:443    ESTAB   curl 991/5
 *
 * What does not fit stands below: nothing of it is cut.
 */

struct layout {
	bool narrow;
	size_t clock; /* of its characters */
	size_t table;
	size_t local;
	size_t remote;
	size_t state;
};

#define NARROW 112

static const struct layout wide = { false, 12, TABLE_WIDTH, ENDPOINT_WIDTH, ENDPOINT_WIDTH, STATE_WIDTH };
static const struct layout narrow = { true, 8, TABLE_WIDTH - 1, 7, 18, 7 };

static const struct layout *layout_of(const struct skt_row *row)
{
	return row->render->width && row->render->width < NARROW ? &narrow : &wide;
}

/* Of "2026-11-22T14:03:07.123456789Z" the clock to the millisecond, and where the zone begins. */
#define CLOCK_AT 11
#define ZONE_AT	 29

static void put_clock(const struct skt_row *row, struct skt_buf *line)
{
	const struct layout *layout = layout_of(row);
	size_t start = line->len, len;
	unsigned char *at;

	int64_t when = row->event ? row->event->when : row->snapshot ? row->snapshot->time : 0;

	/* where only the heading is asked for, any time has a zone */
	skt_time_format(line, when, row->render->zone);
	if (line->failed || line->len - start < ZONE_AT)
		return;
	at = line->data + start;
	len = line->len - start - ZONE_AT;
	memmove(at, at + CLOCK_AT, layout->clock);
	line->len = start + layout->clock;
	if (!layout->narrow) {
		memmove(at + layout->clock, at + ZONE_AT, len);
		line->len += len;
	}
	skt_buf_byte(line, ' ');
}

static void put_what(const struct skt_row *row, enum skt_hands hands, struct skt_buf *line)
{
	const struct skt_sock_change *change = row->change;
	const char *what = skt_change_name(change->change);
	char sign = '~';
	size_t start;

	if (change->change == SKT_OPENED || change->change == SKT_PRESENT)
		sign = '+';
	else if (change->change == SKT_CLOSED || change->change == SKT_LOST)
		sign = '-';
	else if (hands != SKT_HANDS_SAME)
		sign = '>';
	if (hands != SKT_HANDS_SAME)
		what = skt_hands_name(hands);
	else if (change->change == SKT_OPENED && change->now.state == SKT_LISTEN)
		what = "listening";
	skt_buf_byte(line, (unsigned char)sign);
	skt_buf_byte(line, ' ');
	start = line->len;
	skt_buf_text(line, what);
	line_pad(line, start, WHAT_WIDTH);
}

static void put_state(const struct layout *layout, unsigned state, struct skt_buf *line)
{
	const char *name = skt_state_name(state);

	if (layout->narrow && name)
		cell_short_state(name, strlen(name), line);
	else
		line_state(state, line);
}

static void put_states(const struct layout *layout, const struct skt_sock_change *change, const struct skt_sock *sock,
		       struct skt_buf *line)
{
	size_t start = line->len;

	if (change->change == SKT_CHANGED && change->before.state != change->now.state) {
		put_state(layout, change->before.state, line);
		skt_buf_byte(line, '>');
	}
	put_state(layout, sock->state, line);
	line_pad(line, start, layout->state);
}

/* Of one with another end its port is enough, where there is little room. */
static void put_end(const struct layout *layout, const struct skt_sock *sock, bool local, bool ipv6,
		    struct skt_buf *line)
{
	if (layout->narrow && local && (sock->remote_port || !skt_sock_has_remote_port(sock)))
		cell_port(sock->local_port, line);
	else if (!layout->narrow || !cell_short_end(sock, local, ipv6, line))
		cell_end(sock, local, ipv6, line);
}

/* Where there is little room, what a listener has more in front it has less behind. */
static void put_ends(const struct layout *layout, const struct skt_sock *sock, bool ipv6, struct skt_buf *line)
{
	size_t start = line->len, remote = layout->remote;

	put_end(layout, sock, true, ipv6, line);
	line_pad(line, start, layout->local);
	if (layout->narrow)
		remote += layout->local + 1;
	else
		start = line->len;
	put_end(layout, sock, false, ipv6, line);
	line_pad(line, start, remote);
}

/*
 * What else changed, before and after, each a part of the line: all of it where nothing else happened, and else what is
 * no matter of course.
 */
static void put_others(const struct skt_row *row, enum skt_hands hands, struct wrap *wrap, struct skt_buf *line)
{
	uint32_t fields = skt_change_fields(row->change);
	uint32_t others = fields & ~(SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_OWNERS));
	struct skt_row before, after;
	struct skt_view view;

	if (!skt_change_is_quiet(row->snapshot, row->change))
		others &= SKT_BIT(SKT_F_UID) | SKT_BIT(SKT_F_INODE);
	/* an orphan has no inode, and with it no uid; who accepts makes both */
	if (hands == SKT_HANDS_ORPHANED || hands == SKT_HANDS_ACCEPTED)
		others = 0;
	if (!others || !skt_row_of_change(row, false, &before) || !skt_row_of_change(row, true, &after))
		return;
	skt_view_within_change(&view, others);
	for (size_t i = 0; i < view.n; i++) {
		skt_buf_printf(line, "  %s ", view.fields[i]->name);
		line_value(view.fields[i], &before, line);
		skt_buf_byte(line, '>');
		line_value(view.fields[i], &after, line);
		wrap_part(wrap, line);
	}
}

static void put_lasted(uint64_t us, struct skt_buf *line)
{
	skt_duration_format(line, us > INT64_MAX / 1000 ? INT64_MAX : (int64_t)us * 1000);
}

static void put_change(const struct skt_row *row, bool many_namespaces, struct skt_buf *scratch, struct wrap *wrap,
		       struct skt_buf *line)
{
	enum skt_hands hands = skt_change_hands(row->snapshot, row->change);
	const struct layout *layout = layout_of(row);
	struct skt_row before, side = *row;
	const struct skt_table *table;
	size_t start;
	bool ipv6, was = skt_row_of_change(row, false, &before);

	if (!skt_row_of_change(row, true, &side))
		side = before;
	table = &row->snapshot->tables[side.sock->table];
	ipv6 = skt_table_kind_is_ipv6(table->kind);
	put_clock(row, line);
	put_what(row, hands, line);
	start = line->len;
	skt_buf_text(line, skt_table_kind_name(table->kind));
	line_pad(line, start, layout->table);
	put_ends(layout, side.sock, ipv6, line);
	put_states(layout, row->change, side.sock, line);
	wrap_part(wrap, line);
	/* whose it was is told by those who carry it, too */
	if (was && before.sock->n_owners && hands != SKT_HANDS_SAME && hands != SKT_HANDS_ORPHANED) {
		line_holders(&before, scratch, line);
		wrap_part(wrap, line);
		skt_buf_text(line, " > ");
	}
	line_holders(&side, scratch, line);
	wrap_part(wrap, line);
	put_others(row, hands, wrap, line);
	line_told(row, line);
	if (row->event && row->event->has & SKT_BIT(SKT_E_DURATION)) {
		skt_buf_text(line, "  lasted ");
		put_lasted(row->event->duration_us, line);
	}
	wrap_part(wrap, line);
	if (many_namespaces && table->net_namespace)
		skt_buf_printf(line, "  netns %llu", (unsigned long long)table->net_namespace);
	if (row->render->several && row->recording) {
		skt_buf_text(line, "  recording ");
		skt_escape(line, row->recording, strlen(row->recording));
	}
}

void table_changes_heading(const struct skt_row *row, struct skt_buf *out)
{
	const struct layout *layout = layout_of(row);
	struct skt_buf line;

	skt_buf_init(&line);
	/* the clock is as wide as the zone is long */
	put_clock(row, &line);
	skt_buf_fill(&line, ' ', 2);
	if (!line.failed) {
		memset(line.data, ' ', line.len);
		memcpy(line.data, "TIME", 4);
	}
	skt_buf_printf(&line, "%-*s %-*s %-*s %-*s %-*s PROCESS PID/FD", WHAT_WIDTH, "WHAT", (int)layout->table,
		       layout->narrow ? "TBL" : "TABLE", (int)layout->local, "LOCAL", (int)layout->remote, "REMOTE",
		       (int)layout->state, "STATE");
	line_end(&line, row->render->width, out);
	skt_buf_release(&line);
}

void table_change(const struct skt_row *row, struct skt_buf *out)
{
	struct wrap wrap = { .n = 0 };
	struct skt_buf scratch, line;

	skt_buf_init(&scratch);
	skt_buf_init(&line);
	put_change(row, line_needs_namespaces(row->snapshot), &scratch, &wrap, &line);
	wrap_end(&wrap, &line, row->render->width, "", out);
	skt_buf_release(&line);
	skt_buf_release(&scratch);
}

void table_changes(const struct skt_row *about, struct skt_changes *changes, const uint32_t *which, size_t n,
		   struct skt_buf *out)
{
	bool many = line_needs_namespaces(about->snapshot);
	struct skt_sock_change room;
	struct skt_row row = *about;
	struct skt_buf scratch, line;

	skt_buf_init(&scratch);
	skt_buf_init(&line);
	for (size_t i = 0; i < n; i++) {
		struct wrap wrap = { .n = 0 };

		skt_changes_whole_row(changes, which[i], &room, &row);
		skt_buf_clear(&line);
		put_change(&row, many, &scratch, &wrap, &line);
		wrap_end(&wrap, &line, about->render->width, "", out);
	}
	skt_buf_release(&line);
	skt_buf_release(&scratch);
}

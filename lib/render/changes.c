/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>
#include <skt/render.h>
#include <skt/time.h>

#include "render/cells.h"
#include "render/holders.h"

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
 *
 * Columns are as wide as what mostly stands in them; what is longer pushes the rest to the right. A sign says at a glance what
 * kind of change it is: + came, - went, > other hands, ~ another state.
 */

#define WHAT_WIDTH     9
#define TABLE_WIDTH    5
#define ENDPOINT_WIDTH 21 /* 255.255.255.255:65535 */
#define STATE_WIDTH    11 /* ESTABLISHED */

/* Of "2026-11-22T14:03:07.123456789Z" the clock to the millisecond, and where the zone begins. */
#define CLOCK_AT 11
#define CLOCK_MS 12
#define ZONE_AT	 29

/* Blanks up to the next column, from where this one began. */
static void pad(struct skt_buf *line, size_t start, size_t width)
{
	size_t has = line->len - start;

	skt_buf_fill(line, ' ', has < width ? width - has + 1 : 1);
}

static void put_clock(const struct skt_row *row, struct skt_buf *line)
{
	size_t start = line->len, len;
	unsigned char *at;

	skt_time_format(line, row->snapshot->time, row->render->zone);
	if (line->failed || line->len - start < ZONE_AT)
		return;
	at = line->data + start;
	len = line->len - start;
	memmove(at, at + CLOCK_AT, CLOCK_MS);
	memmove(at + CLOCK_MS, at + ZONE_AT, len - ZONE_AT);
	line->len = start + CLOCK_MS + len - ZONE_AT;
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
	pad(line, start, WHAT_WIDTH);
}

static void put_state(unsigned state, struct skt_buf *line)
{
	const char *name = skt_state_name(state);

	if (name)
		skt_buf_text(line, name);
	else
		skt_buf_printf(line, "0x%02X", state);
}

static void put_states(const struct skt_sock_change *change, const struct skt_sock *sock, struct skt_buf *line)
{
	size_t start = line->len;

	if (change->change == SKT_CHANGED && change->before.state != change->now.state) {
		put_state(change->before.state, line);
		skt_buf_byte(line, '>');
	}
	put_state(sock->state, line);
	pad(line, start, STATE_WIDTH);
}

/* Where it is not known who holds it, there is the word for that, and who did when it last was. */
static void put_holders(const struct skt_row *about, struct skt_buf *scratch, struct skt_buf *line)
{
	struct skt_sock sock = *about->sock;
	struct skt_row row = *about;
	const struct holder *list;

	if (!sock.n_owners && sock.owner == SKT_OWNER_UNKNOWN) {
		sock.first_owner = sock.first_last;
		sock.n_owners = sock.n_last;
	}
	row.sock = &sock;
	holders_put_state(&sock, line);
	if (!sock.n_owners)
		return;
	list = holders_list(&row, scratch);
	if (!list) {
		line->failed = true;
		return;
	}
	holders_put(&row, list, line);
	if (sock.owner_gaps)
		skt_buf_text(line, " +?");
}

/* A value as it stands in other tables; nothing where it is unknown. */
static void put_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *line)
{
	struct skt_value value;

	if (field->type == SKT_TYPE_OWNERS || !skt_field_get(field, row, &value))
		return;
	if (field->type == SKT_TYPE_NUMBER)
		put_number_value(line, &value);
	else if (field->type == SKT_TYPE_GAPS)
		json_gaps(value.number, line);
	else
		skt_escape(line, value.text, value.len);
}

/* What else changed, before and after: all of it where nothing else happened, and else what is no matter of course. */
static void put_others(const struct skt_row *row, enum skt_hands hands, struct skt_buf *line)
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
		put_value(view.fields[i], &before, line);
		skt_buf_byte(line, '>');
		put_value(view.fields[i], &after, line);
	}
}

static void put_change(const struct skt_row *row, bool many_namespaces, struct skt_buf *scratch, struct skt_buf *line)
{
	enum skt_hands hands = skt_change_hands(row->snapshot, row->change);
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
	pad(line, start, TABLE_WIDTH);
	start = line->len;
	cell_endpoint(side.sock->local_address, ipv6, side.sock->local_port, line);
	pad(line, start, ENDPOINT_WIDTH);
	start = line->len;
	cell_endpoint(side.sock->remote_address, ipv6, side.sock->remote_port, line);
	pad(line, start, ENDPOINT_WIDTH);
	put_states(row->change, side.sock, line);
	/* whose it was is told by those who carry it, too */
	if (was && before.sock->n_owners && hands != SKT_HANDS_SAME && hands != SKT_HANDS_ORPHANED) {
		put_holders(&before, scratch, line);
		skt_buf_text(line, " > ");
	}
	put_holders(&side, scratch, line);
	put_others(row, hands, line);
	if (many_namespaces && table->net_namespace)
		skt_buf_printf(line, "  netns %llu", (unsigned long long)table->net_namespace);
}

/* No wider than the terminal, and no blanks at its end. */
static void put_line(const struct skt_buf *line, unsigned width, struct skt_buf *out)
{
	const char *text = (const char *)line->data;
	size_t len = line->len;
	bool cut = width && !line->failed && skt_escape_width(text, len) > width;

	if (line->failed) {
		out->failed = true;
		return;
	}
	if (cut)
		len = skt_escape_fit(text, len, width - 1);
	while (len && text[len - 1] == ' ')
		len--;
	skt_buf_add(out, text, len);
	skt_buf_text(out, cut ? "\xe2\x80\xa6\n" : "\n");
}

static bool has_many_namespaces(const struct skt_snapshot *snapshot)
{
	uint64_t first = 0;

	for (size_t i = 0; i < snapshot->n_tables; i++) {
		uint64_t one = snapshot->tables[i].net_namespace;

		if (snapshot->tables[i].gone || !one)
			continue;
		if (first && one != first)
			return true;
		first = one;
	}
	return false;
}

void table_changes_heading(const struct skt_row *row, struct skt_buf *out)
{
	struct skt_buf line;

	skt_buf_init(&line);
	/* the clock is as wide as the zone is long */
	put_clock(row, &line);
	skt_buf_fill(&line, ' ', 2);
	if (!line.failed) {
		memset(line.data, ' ', line.len);
		memcpy(line.data, "TIME", 4);
	}
	skt_buf_printf(&line, "%-*s %-*s %-*s %-*s %-*s PROCESS PID/FD", WHAT_WIDTH, "WHAT", TABLE_WIDTH, "TABLE",
		       ENDPOINT_WIDTH, "LOCAL", ENDPOINT_WIDTH, "REMOTE", STATE_WIDTH, "STATE");
	put_line(&line, row->render->width, out);
	skt_buf_release(&line);
}

void table_changes(const struct skt_row *about, const uint32_t *which, size_t n, struct skt_buf *out)
{
	bool many = has_many_namespaces(about->snapshot);
	struct skt_row row = *about;
	struct skt_buf scratch, line;

	skt_buf_init(&scratch);
	skt_buf_init(&line);
	for (size_t i = 0; i < n; i++) {
		row.change = &about->step->socks[which[i]];
		skt_buf_clear(&line);
		put_change(&row, many, &scratch, &line);
		put_line(&line, about->render->width, out);
	}
	skt_buf_release(&line);
	skt_buf_release(&scratch);
}

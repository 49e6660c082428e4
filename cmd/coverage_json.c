/* SPDX-License-Identifier: MIT */
#include "query_coverage.h"

#include "cli.h"

#include <skt/escape.h>

#include <string.h>

static void put_name(struct skt_buf *out, const char *name)
{
	skt_buf_printf(out, ",\"%s\":", name);
}

static void put_text(struct skt_buf *out, const char *name, const char *text)
{
	put_name(out, name);
	skt_buf_byte(out, '"');
	skt_escape_json(out, text, strlen(text));
	skt_buf_byte(out, '"');
}

static void put_number(struct skt_buf *out, const char *name, uint64_t number)
{
	put_name(out, name);
	skt_buf_number(out, number);
}

static void put_time(struct skt_buf *out, const char *name, int64_t when, enum skt_zone zone, bool known)
{
	put_name(out, name);
	if (!known) {
		skt_buf_text(out, "null");
		return;
	}
	skt_buf_byte(out, '"');
	skt_time_format(out, when, zone);
	skt_buf_byte(out, '"');
}

static void json_hole(const struct skt_hole *hole, enum skt_zone zone, struct skt_buf *out)
{
	static const char *const names[] = { [SKT_HOLE_LOST] = "lost",
					     [SKT_HOLE_TABLE] = "table",
					     [SKT_HOLE_UNREAD] = "unread",
					     [SKT_HOLE_EVENTS] = "events",
					     [SKT_HOLE_OUTSIDE] = "outside" };
	bool table = hole->kind == SKT_HOLE_TABLE || hole->kind == SKT_HOLE_UNREAD;

	skt_buf_printf(out, "{\"hole\":\"%s\"", names[hole->kind]);
	if (table)
		put_text(out, "table", skt_table_kind_name(hole->table));
	else
		skt_buf_text(out, ",\"table\":null");
	if (table && hole->net_namespace)
		put_number(out, "net_namespace", hole->net_namespace);
	else
		skt_buf_text(out, ",\"net_namespace\":null");
	if (hole->error)
		put_text(out, "error", strerror(-hole->error));
	else
		skt_buf_text(out, ",\"error\":null");
	put_time(out, "time_after", hole->after, zone, hole->after != INT64_MIN);
	put_time(out, "time_until", hole->until, zone, hole->until != INT64_MAX);
	skt_buf_byte(out, '}');
}

static void json_kinds(const char *name, uint32_t kinds, struct skt_buf *out)
{
	const char *separator = "";

	put_name(out, name);
	skt_buf_byte(out, '[');
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		skt_buf_printf(out, "%s\"%s\"", separator, skt_table_kind_name(kind));
		separator = ",";
	}
	skt_buf_byte(out, ']');
}

/* What is not there, all the time: table is as JSON has it. */
static void json_never(const char *hole, const char *table, bool *first, struct skt_buf *out)
{
	skt_buf_printf(out,
		       "%s{\"hole\":\"%s\",\"table\":%s,\"net_namespace\":null,\"error\":null,"
		       "\"time_after\":null,\"time_until\":null}",
		       *first ? "" : ",", hole, table);
	*first = false;
}

/* Tables that were not recorded, and what a slice left out. */
static void json_left_out(const struct query *query, const struct skt_file *file, const struct walk *walk, bool first,
			  struct skt_buf *out)
{
	uint32_t unrecorded = query_kinds(query) & ~walk_tables(walk);
	struct skt_buf which;

	skt_buf_init(&which);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		if (!(unrecorded & 1u << kind))
			continue;
		skt_buf_clear(&which);
		skt_buf_printf(&which, "\"%s\"", skt_table_kind_name(kind));
		skt_buf_byte(&which, '\0');
		json_never("unrecorded", which.failed ? "null" : (char *)which.data, &first, out);
	}
	skt_buf_clear(&which);
	if (query_lacks(query, file, &which))
		json_never("slice", "null", &first, out);
	skt_buf_release(&which);
}

void coverage_json(struct query *query, const struct skt_file *file, const struct walk *walk,
		   const struct answer *answer, const char *verdict)
{
	const struct skt_coverage *coverage = &walk->coverage;
	enum skt_zone zone = query->render.zone;
	struct skt_buf *out = &query->out;
	bool blind = skt_coverage_blind(coverage) != 0;
	bool array = query->render.format == SKT_FORMAT_JSON;

	if (array)
		skt_buf_text(out, query->render.rows++ ? ",\n" : "\n");
	skt_buf_printf(out, "{\"answer\":\"%s\"", verdict);
	put_text(out, "file", skt_file_name(file));
	if (query->host[0])
		put_text(out, "host", query->host);
	else
		skt_buf_text(out, ",\"host\":null");
	put_text(out, "view", query_view_name(query->view));
	put_time(out, "time_from", walk->from, zone, walk->from != INT64_MIN);
	put_time(out, "time_to", walk->to, zone, walk->to != INT64_MAX);
	put_number(out, "matched", answer->matched);
	put_number(out, "unknown", answer->unknown);
	put_time(out, "unknown_first", answer->unknown_first, zone, answer->unknown != 0);
	put_time(out, "unknown_last", answer->unknown_last, zone, answer->unknown != 0);
	put_number(out, "snapshots", coverage->snapshots);
	put_time(out, "time_first", coverage->first, zone, coverage->snapshots != 0);
	put_time(out, "time_last", coverage->last, zone, coverage->snapshots != 0);
	put_number(out, "blind_ns", (uint64_t)skt_coverage_blind(coverage));
	put_time(out, "blind_after", coverage->blind_after, zone, blind);
	put_time(out, "blind_until", coverage->blind_until, zone, blind);
	json_kinds("blind_tables", coverage->blind_kinds, out);
	json_kinds("told_tables", coverage->heard_kinds & ~coverage->blind_kinds, out);
	put_name(out, "damaged");
	skt_buf_text(out, walk->lost || query_is_damaged(query, file) ? "true" : "false");
	put_number(out, "missed", coverage->missed);
	put_number(out, "denied", coverage->denied);
	put_number(out, "netns_denied", coverage->netns_denied);
	put_name(out, "holes");
	skt_buf_byte(out, '[');
	for (size_t i = 0; i < coverage->n_holes; i++) {
		if (i)
			skt_buf_byte(out, ',');
		json_hole(&coverage->holes[i], zone, out);
	}
	json_left_out(query, file, walk, !coverage->n_holes, out);
	skt_buf_byte(out, ']');
	put_number(out, "more_holes", coverage->more_holes);
	skt_buf_text(out, array ? "}" : "}\n");
	cli_write(out);
}

/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "slice_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *query_view_name(enum query_view view)
{
	static const char *const names[VIEWS] = { [VIEW_SOCKETS] = "sockets",
						  [VIEW_FLOWS] = "flows",
						  [VIEW_CHANGES] = "changes",
						  [VIEW_PROCESSES] = "processes",
						  [VIEW_SNAPSHOTS] = "snapshots" };

	return view < VIEWS ? names[view] : "";
}

/* Whether it is asked about time, and not about an instant. */
static bool has_stretch(const struct query *query)
{
	return query->n_words || query->from || query->to || query->coverage || query->every;
}

enum query_view query_view_of(const struct query *query, const char *time)
{
	if (query->view != VIEW_UNTOLD)
		return query->view;
	if (query->follow)
		return VIEW_CHANGES;
	return !time && has_stretch(query) ? VIEW_FLOWS : VIEW_SOCKETS;
}

uint32_t query_kinds(const struct query *query)
{
	return query->kinds & (query->filter ? skt_filter_kinds(query->filter) : UINT32_MAX);
}

enum skt_truth query_wants(const struct query *query, const struct skt_row *row)
{
	unsigned kind = row->snapshot->tables[row->sock->table].kind;

	if (!(query->kinds & 1u << kind) || (query->listening && !skt_sock_is_listening(row->sock, kind)))
		return SKT_FALSE;
	return query->filter ? skt_filter_test(query->filter, row) : SKT_TRUE;
}

struct skt_row query_row(const struct query *query, const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	return (struct skt_row){ .host = query->render.host,
				 .recording = query->render.recording,
				 .boot_time = query->render.boot_time,
				 .snapshot = snapshot,
				 .sock = sock };
}

/* NULL: no memory. */
static const char *keep_text(struct query *query, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	struct text *kept;

	if (size <= 1)
		return "";
	for (kept = query->texts; kept; kept = kept->next)
		if (!strcmp(kept->bytes, text))
			return kept->bytes;
	kept = malloc(sizeof(*kept) + size);
	if (!kept)
		return NULL;
	memcpy(kept->bytes, text, size);
	kept->next = query->texts;
	query->texts = kept;
	return kept->bytes;
}

void query_release_texts(struct query *query)
{
	for (struct text *text = query->texts, *next; text; text = next) {
		next = text->next;
		free(text);
	}
	query->texts = NULL;
}

int query_take_run(struct query *query, const struct skt_header *header, struct skt_err *err)
{
	const char *host = keep_text(query, skt_header_fact(header, "host.name"));
	const char *boot_id = keep_text(query, skt_header_fact(header, "host.boot_id"));

	if (!host || !boot_id)
		return skt_err_set(err, -ENOMEM, "out of memory");
	query->render.host = host;
	query->render.boot_time = header->boot_time;
	query->boot_id = boot_id;
	return 0;
}

struct skt_origin query_origin(const struct query *query)
{
	return (struct skt_origin){ .host = query->render.host,
				    .boot_id = query->boot_id,
				    .boot_time = query->render.boot_time };
}

int query_next(struct query *query, struct walk *walk, const struct skt_snapshot **ret_snapshot,
	       struct skt_step **ret_step, struct skt_err *err)
{
	int rc = walk_next(walk, ret_snapshot, ret_step, err);
	int taken = 0;

	if (rc > 0 && (!*ret_step || (*ret_step)->from == INT64_MIN))
		taken = query_take_run(query, skt_cursor_header(walk->cursor), err);
	return taken ? taken : rc;
}

/* Take the run that is in force at this instant, if one is; NULL: no memory, else the name of its host. */
static const char *host_at(struct query *query, const struct skt_file *file, const struct skt_time *time,
			   struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	int64_t when;
	int rc = skt_cursor_new(file, &cursor, err);

	if (!rc && !skt_cursor_seek(cursor, time, query->render.zone, &when, NULL))
		rc = query_take_run(query, skt_cursor_header(cursor), err);
	skt_cursor_free(cursor);
	return rc ? NULL : query->render.host;
}

/* Whose recording it is, over all that is asked about; a directory may have runs of several hosts. */
static int find_host(struct query *query, const struct skt_file *file, const struct walk *walk, struct skt_err *err)
{
	struct skt_time time = { .kind = walk->from == INT64_MIN ? SKT_TIME_FIRST : SKT_TIME_INSTANT,
				 .ns = walk->from };
	const char *first, *last;

	query->host = query->render.host;
	if (skt_file_span(file).runs <= 1)
		return 0;
	if (walk->pending) {
		if (query_take_run(query, skt_cursor_header(walk->cursor), err))
			return -ENOMEM;
		first = query->render.host;
	} else {
		first = host_at(query, file, &time, err);
	}
	last = first;
	if (first && !walk->instant) {
		time.kind = walk->to == INT64_MAX ? SKT_TIME_LAST : SKT_TIME_INSTANT;
		time.ns = walk->to;
		last = host_at(query, file, &time, err);
	}
	if (!first || !last)
		return -ENOMEM;
	query->host = strcmp(first, last) ? "" : first;
	return 0;
}

int query_walk(struct query *query, const struct skt_file *file, const char *instant, struct walk *walk,
	       struct skt_err *err)
{
	const struct walk_range range = { .instant = instant,
					  .from = query->from,
					  .to = query->to,
					  .zone = query->render.zone,
					  .now = query->now,
					  .follow = query->follow,
					  .alone = !query->several };
	int rc = walk_begin(walk, file, &range, query_kinds(query), err);
	int taken = query_take_run(query, skt_file_header(file), rc ? NULL : err);

	query->host = "";
	rc = rc ? rc : taken;
	return rc ? rc : find_host(query, file, walk, err);
}

void query_put_count(enum query_view view, uint64_t n, struct skt_buf *line)
{
	const char *name = query_view_name(view);
	size_t len = strlen(name);

	if (n == 1)
		len -= view == VIEW_PROCESSES ? 2 : 1;
	skt_buf_printf(line, "%llu %.*s", (unsigned long long)n, (int)len, name);
}

/* As it was asked for, where it was; else what there is. */
static void put_stretch(const struct query *query, const struct skt_file *file, const struct walk *walk,
			struct skt_buf *line)
{
	struct skt_span span = skt_file_span(file);
	const struct skt_coverage *coverage = &walk->coverage;
	int64_t first = coverage->snapshots ? coverage->first : span.first;
	int64_t last = coverage->snapshots ? coverage->last : span.last;

	if (!span.snapshots) {
		skt_buf_text(line, "of nothing");
		return;
	}
	if (walk->instant) {
		skt_time_format(line, first, query->render.zone);
		return;
	}
	/* who follows stands at the last snapshot there is: none before it is shown */
	if (query->follow)
		first = span.last;
	skt_buf_text(line, "from ");
	skt_time_format(line, walk->from != INT64_MIN ? walk->from : first, query->render.zone);
	if (query->follow && walk->to == INT64_MAX) {
		skt_buf_text(line, " on");
		return;
	}
	skt_buf_text(line, " to ");
	skt_time_format(line, walk->to != INT64_MAX ? walk->to : last, query->render.zone);
}

void query_tell_line(struct query *query, const struct skt_file *file, const struct skt_buf *about)
{
	/* without a host's name nothing else says whose sockets these are */
	bool named = query->several || !query->host[0];
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_printf(&line, "%s%s%s%s%.*s", named ? skt_file_name(file) : "", named ? ": " : "", query->host,
		       query->host[0] ? " " : "", (int)about->len, about->data ? (char *)about->data : "");
	skt_buf_byte(&line, '\0');
	if (line.failed || about->failed)
		query->trouble = true;
	else if (query->render.format == SKT_FORMAT_TABLE && query->render.heading && !query->coverage)
		cli_line(&query->out, (char *)line.data);
	else
		cli_say("%s%s%s", named ? "" : skt_file_name(file), named ? "" : ": ", (char *)line.data);
	skt_buf_release(&line);
}

void query_tell_stretch(struct query *query, const struct skt_file *file, enum query_view view, const struct walk *walk,
			const struct answer *counted)
{
	struct skt_buf line;

	/* one line is of all of them */
	if (query->merge)
		return;
	skt_buf_init(&line);
	skt_buf_printf(&line, "%s ", query_view_name(view));
	put_stretch(query, file, walk, &line);
	if (counted && view != VIEW_SNAPSHOTS) {
		skt_buf_text(&line, ", ");
		query_put_count(VIEW_SNAPSHOTS, walk->coverage.snapshots, &line);
	}
	if (counted) {
		skt_buf_text(&line, ", ");
		query_put_count(view, counted->matched, &line);
	}
	query_tell_line(query, file, &line);
	skt_buf_release(&line);
}

const struct skt_damage *query_damage(const struct query *query, const struct skt_file *file, size_t *ret_n)
{
	const struct skt_damage *damage = skt_file_damage(file, ret_n);

	/* what was not finished when it was opened has been followed to its end */
	while (query->follow && *ret_n && damage[*ret_n - 1].torn)
		--*ret_n;
	return damage;
}

bool query_is_damaged(const struct query *query, const struct skt_file *file)
{
	size_t n;
	const struct skt_damage *damage = query_damage(query, file, &n);

	for (size_t i = 0; i < n; i++)
		if (!damage[i].restart && !damage[i].gap)
			return true;
	return false;
}

bool query_lacks(const struct query *query, const struct skt_file *file, struct skt_buf *ret)
{
	return slice_is_too_small(skt_file_header(file), query->filter, query_kinds(query), query->listening, ret);
}

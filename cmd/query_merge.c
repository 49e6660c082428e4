/* SPDX-License-Identifier: MIT */
#include "query_merge.h"

#include "cli.h"
#include "query_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What goes from one process to the other, in the numbers of this machine:
 *
 *	struct letter	then, of counts, groups, each with its length in 4 bytes before it; or of rows what runs_write()
 *			writes
 */
struct letter {
	uint32_t view;
	uint32_t counted;
	uint64_t recordings;
	uint64_t matched;
	int64_t first;
	int64_t last;
};

/* A group is a few values and their stretches of time: 1 GiB of them is no answer. */
#define GROUP_MOST ((uint32_t)1 << 30)

int merge_new(struct query *query, struct merge **ret)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (!merge)
		return -ENOMEM;
	merge->query = query;
	merge->view = VIEWS;
	*ret = merge;
	return 0;
}

void merge_free(struct merge *merge)
{
	if (!merge)
		return;
	runs_free(merge->runs);
	shape_release(&merge->shape);
	free(merge);
}

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

/* Rows of this view come. */
static int use_view(struct merge *merge, enum query_view view, struct skt_err *err)
{
	struct skt_kind kind;
	int rc;

	if (merge->view == view)
		return 0;
	if (merge->view != VIEWS)
		return skt_err_set(err, -EINVAL,
				   "it has %s, and the others have %s: name what is meant for all with --view",
				   query_view_name(view), query_view_name(merge->view));
	kind = shape_kind_of(merge->query, view);
	rc = shape_begin(&merge->shape, merge->query, &kind, err);
	if (!rc && !merge->shape.counts && runs_new(&merge->shape.order, merge->query->top, &merge->runs))
		rc = no_memory(err);
	if (!rc)
		merge->view = view;
	return rc;
}

static void note(struct merge *merge, uint64_t recordings, uint64_t matched, int64_t first, int64_t last)
{
	if (!recordings)
		return;
	if (!merge->recordings || first < merge->first)
		merge->first = first;
	if (!merge->recordings || last > merge->last)
		merge->last = last;
	merge->recordings += recordings;
	merge->matched += matched;
}

int merge_note(struct query *query, enum query_view view, uint64_t matched, int64_t first, int64_t last,
	       struct skt_err *err)
{
	int rc = use_view(query->merge, view, err);

	if (!rc)
		note(query->merge, 1, matched, first, last);
	return rc;
}

int merge_note_walk(struct query *query, const struct walk *walk, uint64_t matched, struct skt_err *err)
{
	if (!query->merge || !walk->coverage.snapshots)
		return 0;
	return merge_note(query, query->view, matched, walk->coverage.first, walk->coverage.last, err);
}

int merge_rows(struct shape *shape, const struct skt_row *rows, size_t n, struct skt_err *err)
{
	const struct query *query = shape->query;
	struct merge *merge = query->merge;
	struct skt_row *own = NULL;
	size_t own_n = 0;
	int rc = use_view(merge, query->view, err);

	if (rc)
		return rc;
	if (shape_spread(shape, rows, n, &own, &own_n))
		rc = no_memory(err);
	else
		rc = rows_keep(merge->runs, &merge->shape.order, &query->render, &shape->kind, own, own_n, err);
	free(own);
	return rc;
}

/* ---- counts ---- */

static int add_group(struct merge *merge, const void *group, size_t len, struct skt_err *err)
{
	int rc = skt_counts_merge(merge->shape.counts, group, len);

	if (rc == -EBADMSG)
		return skt_err_set(err, rc, "a count is not what was written");
	return rc ? skt_err_set(err, rc, rc == -E2BIG ? "too many groups to be counted" : "out of memory") : 0;
}

int merge_counts(struct shape *shape, struct skt_err *err)
{
	struct merge *merge = shape->query->merge;
	struct skt_counts_place place = { 0 };
	struct skt_buf group;
	int rc = use_view(merge, shape->query->view, err);

	skt_buf_init(&group);
	while (!rc) {
		skt_buf_clear(&group);
		skt_counts_save(shape->counts, &place, &group);
		if (group.failed)
			rc = no_memory(err);
		else if (!group.len)
			break;
		else
			rc = add_group(merge, group.data, group.len, err);
	}
	skt_buf_release(&group);
	return rc;
}

static int send_counts(struct merge *merge, FILE *file)
{
	struct skt_counts_place place = { 0 };
	struct skt_buf group;
	int rc = 0;

	skt_buf_init(&group);
	while (!rc) {
		uint32_t len;

		skt_buf_clear(&group);
		skt_counts_save(merge->shape.counts, &place, &group);
		if (!group.len)
			break;
		len = (uint32_t)group.len;
		if (group.failed || group.len > GROUP_MOST)
			rc = group.failed ? -ENOMEM : -E2BIG;
		else if (fwrite(&len, sizeof(len), 1, file) != 1 || fwrite(group.data, 1, len, file) != len)
			rc = -EIO;
	}
	rc = group.failed ? -ENOMEM : rc;
	skt_buf_release(&group);
	return rc;
}

static int receive_counts(struct merge *merge, FILE *file, struct skt_err *err)
{
	struct skt_buf group;
	uint32_t len;
	int rc = 0;

	skt_buf_init(&group);
	while (!rc && fread(&len, sizeof(len), 1, file) == 1) {
		void *at = NULL;

		skt_buf_clear(&group);
		if (len <= GROUP_MOST)
			at = skt_buf_room(&group, len);
		if (!at)
			rc = no_memory(err);
		else if (fread(at, 1, len, file) != len)
			rc = skt_err_set(err, -EBADMSG, "a count is not what was written");
		else
			rc = add_group(merge, at, len, err);
	}
	skt_buf_release(&group);
	return rc;
}

/* ---- from one process to the other ---- */

int merge_send(struct merge *merge, FILE *file, struct skt_err *err)
{
	struct letter letter = { .view = (uint32_t)merge->view,
				 .counted = merge->shape.counts != NULL,
				 .recordings = merge->recordings,
				 .matched = merge->matched,
				 .first = merge->first,
				 .last = merge->last };
	int rc = 0;

	if (fwrite(&letter, sizeof(letter), 1, file) != 1)
		rc = -EIO;
	if (!rc && merge->shape.counts)
		rc = send_counts(merge, file);
	else if (!rc && merge->runs)
		rc = runs_write(merge->runs, file);
	if (!rc && fflush(file))
		rc = -errno;
	return rc ? rows_failed(rc, err) : 0;
}

int merge_receive(struct merge *merge, FILE *file, struct skt_err *err)
{
	struct letter letter;
	int rc = 0;

	rewind(file);
	if (fread(&letter, sizeof(letter), 1, file) != 1 || letter.view > VIEWS)
		rc = skt_err_set(err, -EBADMSG, "its answer is not what was written");
	else if (letter.view < VIEWS)
		rc = use_view(merge, (enum query_view)letter.view, err);
	if (rc || letter.view == VIEWS) {
		fclose(file);
		return rc;
	}
	note(merge, letter.recordings, letter.matched, letter.first, letter.last);
	if (!letter.counted) {
		rc = runs_add_file(merge->runs, file);
		return rc ? rows_failed(rc, err) : 0;
	}
	rc = receive_counts(merge, file, err);
	fclose(file);
	return rc;
}

/* ---- all of it ---- */

/* In a table's first line, or on stderr: what it is about. */
static void tell(struct merge *merge)
{
	struct query *query = merge->query;
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_printf(&line, "%llu recording%s: %s", (unsigned long long)merge->recordings,
		       merge->recordings == 1 ? "" : "s", query_view_name(merge->view));
	if (merge->recordings) {
		skt_buf_text(&line, " from ");
		skt_time_format(&line, merge->first, query->render.zone);
		skt_buf_text(&line, " to ");
		skt_time_format(&line, merge->last, query->render.zone);
	}
	skt_buf_text(&line, ", ");
	query_put_count(merge->view, merge->matched, &line);
	skt_buf_byte(&line, '\0');
	query->trouble |= line.failed;
	if (!line.failed && query->render.format == SKT_FORMAT_TABLE && query->render.heading)
		cli_line(&query->out, (char *)line.data);
	else if (!line.failed)
		cli_say("%s", (char *)line.data);
	skt_buf_release(&line);
}

int merge_show(struct merge *merge, struct skt_err *err)
{
	struct query *query = merge->query;
	int rc = 0;

	if (merge->view == VIEWS)
		return 0;
	tell(merge);
	if (!merge->matched)
		return 0;
	if (merge->shape.counts)
		rc = shape_show_counts(&merge->shape, err);
	else
		rc = rows_show(merge->runs, &query->render, &merge->shape.kind, &query->out, err);
	cli_write(&query->out);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "info.h"
#include "query.h"
#include "query_many.h"
#include "query_merge.h"
#include "query_options.h"
#include "query_shape.h"
#include "recording.h"
#include "verifying.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is shown of a recording that is open. */
static int view(struct query *query, const struct skt_file *file, const char *time, struct skt_err *err)
{
	enum query_view asked = query->view, by;
	int rc;

	if (query->output)
		return query_slice(query, file, time, err);
	query->view = query_view_of(query, time);
	by = query->view;
	/* what is at an instant, the last one unless told, is what flows see at it */
	if (query->coverage && by == VIEW_SOCKETS) {
		by = VIEW_FLOWS;
		time = time ? time : "last";
	}
	switch (by) {
	case VIEW_FLOWS:
	case VIEW_PROCESSES:
		rc = query_flows(query, file, time, err);
		break;
	case VIEW_CHANGES:
		rc = query_changes(query, file, time, err);
		break;
	case VIEW_SNAPSHOTS:
		rc = query_snapshots(query, file, time, err);
		break;
	default:
		rc = query->every && !time ? query_sockets_by_time(query, file, err)
					   : query_sockets(query, file, time, err);
	}
	query->view = asked;
	return rc;
}

/* What was asked for of a recording that is open: 0, 1 no, or a negative errno. */
static int answer(struct query *query, const struct skt_file *file, const char *time, struct skt_err *err)
{
	const struct skt_damage *damage;
	size_t n;
	int rc;

	query->render.recording = skt_file_name(file);
	if (query->zone && !strcmp(query->zone, "host")) {
		query->render.zone = recording_zone(file);
		if (query->n_words)
			query_read_expression(query);
	}
	if (query->info)
		rc = show_info(file, query->render.zone, &query->out, err);
	else
		rc = view(query, file, time, err);
	cli_write(&query->out);
	damage = query_damage(query, file, &n);
	recording_tell_damage(skt_file_name(file), damage, n, query->render.zone);
	/* what was found stands; that it is all does not */
	query->trouble |= query_is_damaged(query, file);
	query->trouble |= rc != 0;
	return rc;
}

/* A path, opened: what was asked for of it. -ENOTUNIQ: a directory of several recordings. */
static int query_opened(struct query *query, int fd, const char *path, const char *time, struct skt_err *err)
{
	struct skt_file *file = NULL;
	int rc = query->open_flags & SKT_OPEN_STRICT ? recording_require_whole(fd, path, err) : 0;

	if (!rc)
		rc = skt_file_open(fd, path, query->open_flags, &file, err);
	if (!rc)
		rc = answer(query, file, time, err);
	skt_file_free(file);
	return rc;
}

/* What was asked of one more recording failed; it may have said something before. */
static void fail(struct query *query, const struct skt_err *err, uint64_t answered)
{
	cli_err(err);
	query->trouble = true;
	if (tally_count(&query->tally) == answered)
		tally_add(&query->tally, VERDICT_UNREAD, 0, 0, 0);
}

/* Each recording of a directory by itself, as if all were named. */
static int query_each(struct query *query, int fd, const char *path, const char *time, struct skt_err *err)
{
	struct skt_listing listing;
	int rc = skt_listing_read(fd, path, &listing, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < listing.n; i++) {
		uint64_t answered = tally_count(&query->tally);
		struct skt_err own;
		int file;

		skt_err_init(&own);
		file = skt_listed_open(fd, &listing.files[i], &own);
		rc = file < 0 ? file : query_opened(query, file, listing.files[i].path, time, &own);
		if (rc < 0)
			fail(query, &own, answered);
		if (file >= 0)
			close(file);
	}
	skt_listing_release(&listing);
	return 0;
}

/* Their answers are one, where that is asked for, unless they are part of that of others. */
static int query_directory(struct query *query, int fd, const char *path, const char *time, struct skt_err *err)
{
	bool alone = !query->merge;
	int rc = 0;

	query->several = query->render.several = true;
	shape_check_merged(query);
	if (alone && shape_is_merged(query) && merge_new(query, &query->merge))
		return skt_err_set(err, -ENOMEM, "out of memory");
	rc = query_each(query, fd, path, time, err);
	if (!rc && alone && query->merge)
		rc = merge_show(query->merge, err);
	if (alone) {
		merge_free(query->merge);
		query->merge = NULL;
	}
	return rc;
}

static int verify_opened(struct query *query, const struct recording *recording, struct skt_err *err)
{
	const uint8_t *chain = query->verify_chain ? query->chain : NULL;
	struct stat status;
	int rc;

	if (!fstat(recording->fd, &status) && S_ISDIR(status.st_mode))
		rc = verify_directory(recording->fd, recording->path, chain, &query->out, query->render.zone, err);
	else
		rc = verify_recording(recording->fd, recording->path, chain, &query->out, query->render.zone, err);
	query->no |= rc == 1;
	/* nothing is wrong with it, and it is not all there is to say */
	query->trouble |= rc == 2;
	return rc;
}

static void query_operand(struct query *query, const char *operand)
{
	struct recording recording = { .fd = -1 };
	uint64_t answered = tally_count(&query->tally);
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = recording_open(operand, &recording, &err);
	if (!rc && query->verify)
		rc = verify_opened(query, &recording, &err);
	else if (!rc)
		rc = query_opened(query, recording.fd, recording.path, recording.time, &err);
	if (rc == -ENOTUNIQ && !query->output) {
		cli_err(&err);
		rc = query_directory(query, recording.fd, recording.path, recording.time, &err);
	}
	if (rc < 0)
		fail(query, &err, answered);
	recording_close(&recording);
}

static void list_the_fields(struct query *query)
{
	if (query->render.format == SKT_FORMAT_NETSTAT)
		cli_usage("--list-fields: not in the look of netstat");
	skt_buf_init(&query->out);
	shape_list_fields(query, query->view == VIEW_UNTOLD ? VIEW_SOCKETS : query->view);
	skt_buf_release(&query->out);
}

int main(int argc, char **argv)
{
	struct query query = { .render = { .heading = true, .host = "", .zone = SKT_ZONE_UTC },
			       .view = VIEW_UNTOLD,
			       .max_blind = -1 };
	struct query_operands operands;
	bool rows;

	query_options(argc, argv, &query, &operands);
	if (query.list_fields) {
		list_the_fields(&query);
		return cli_end(CLI_YES);
	}
	skt_buf_init(&query.out);
	rows = !query.info && !query.verify && !query.output;
	if (rows)
		skt_render_begin(&query.render, &query.out);
	if (operands.n > 1)
		query_many(&query, operands.operands, operands.n, query_operand);
	else
		query_operand(&query, operands.operands[0]);
	query_operands_release(&operands);
	if (rows)
		skt_render_end(&query.render, &query.out);
	cli_write(&query.out);
	skt_buf_release(&query.out);
	query_tell_nothing(&query);
	/* of many, what all of them say to the question */
	if (tally_count(&query.tally) > 1 && (query.n_words || query.coverage))
		tally_tell(&query.tally, query.render.zone);
	skt_filter_free(query.filter);
	query_release_texts(&query);
	query.no |= !query.info && !query.verify && !query.matched;
	query.trouble |= query.no && query.unsure;
	return cli_end(query.trouble ? CLI_TROUBLE : query.no ? CLI_NO : CLI_YES);
}

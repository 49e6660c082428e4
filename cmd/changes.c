/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* How long a reader that takes nothing is waited for before it is seen whether somebody wants to end. */
#define PATIENCE_MS 200

/* One of the signals has come, and waits. */
static bool is_to_end(const struct changes *changes)
{
	sigset_t pending;

	sigpending(&pending);
	for (int signal = 1; signal < NSIG; signal++)
		if (sigismember(&changes->signals, signal) == 1 && sigismember(&pending, signal) == 1)
			return true;
	return false;
}

/* Whether the reader of a pipe has gone, or a terminal: with nothing to write, nothing else would tell. */
static bool is_closed(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && out.revents & POLLERR;
}

/* A terminal that has gone says EIO, as a disk that is broken does; whether that or SIGHUP is seen first is chance. */
static int output_failed(struct changes *changes, int error, struct skt_err *err)
{
	changes->closed = true;
	if (error == EPIPE || (error == EIO && is_closed()))
		return 0;
	return skt_err_sys(err, -error, "cannot write to standard output");
}

/*
 * Into a pipe only what it has room for: a reader that takes nothing (a pager) makes us wait, but must not keep a
 * signal from ending it. What has not been written by then is for nobody.
 */
static int put(struct changes *changes, struct skt_err *err)
{
	const struct skt_buf *text = &changes->text;
	size_t at = 0;

	if (text->failed)
		return skt_err_set(err, -ENOMEM, "out of memory");
	while (at < text->len) {
		struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t left = text->len - at;
		ssize_t n;

		if (!poll(&out, 1, PATIENCE_MS)) {
			if (changes->hurry || is_to_end(changes))
				return 0;
			continue;
		}
		n = write(STDOUT_FILENO, text->data + at, left < PIPE_BUF ? left : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return output_failed(changes, errno, err);
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/*
 * Whether a change is of a socket that is meant, as it is now or as it was: what stops matching is news to those who
 * watch it.
 */
static enum skt_truth is_meant(const struct changes *changes, struct skt_row *row)
{
	enum skt_truth truth = SKT_FALSE;
	struct skt_row side;

	row->host = changes->render.host;
	row->boot_time = changes->render.boot_time;
	if (!changes->filter)
		return SKT_TRUE;
	if (skt_row_of_change(row, true, &side))
		truth = skt_filter_test(changes->filter, &side);
	if (truth != SKT_TRUE && skt_row_of_change(row, false, &side)) {
		enum skt_truth before = skt_filter_test(changes->filter, &side);

		truth = before > truth ? before : truth;
	}
	return truth;
}

/* Which changes are shown, into changes->which; their number, or -ENOMEM. */
static ssize_t choose(struct changes *changes, bool first)
{
	const struct skt_changes *of = &changes->of;
	size_t n = 0;

	if (changes->room < of->n) {
		uint32_t *which = realloc(changes->which, of->n * sizeof(*which));

		if (!which)
			return -ENOMEM;
		changes->which = which;
		changes->room = of->n;
	}
	for (size_t i = 0; i < of->n; i++) {
		struct skt_sock_change room;
		struct skt_row row = { .host = NULL };
		enum skt_truth meant;

		if (!skt_changes_row(of, i, &room, &row))
			continue;
		if (!changes->all && ((first && row.change->change == SKT_PRESENT) || skt_changes_is_quiet(of, i)))
			continue;
		meant = is_meant(changes, &row);
		changes->unknown += meant == SKT_UNKNOWN;
		if (meant == SKT_TRUE)
			changes->which[n++] = (uint32_t)i;
	}
	return (ssize_t)n;
}

void changes_begin(struct changes *changes)
{
	changes->render.heading = true;
	changes->begun = true;
	skt_buf_init(&changes->text);
	skt_render_begin(&changes->render, &changes->text);
}

int changes_take(struct changes *changes, const struct skt_snapshot *now, const struct skt_step *step, bool first,
		 struct skt_err *err)
{
	ssize_t n = skt_changes_take(&changes->of, now, step) ? -ENOMEM : choose(changes, first);

	changes->n = n > 0 ? (size_t)n : 0;
	return n < 0 ? skt_err_set(err, -ENOMEM, "out of memory") : 0;
}

int changes_print(struct changes *changes, size_t from, size_t to, struct skt_err *err)
{
	int rc;

	/* a terminal may have been given another width */
	changes->render.width = cli_width();
	/* where nothing is shown there is a heading, once */
	skt_render_changes(&changes->render, &changes->of, changes->which + from, to - from, &changes->text);
	rc = put(changes, err);
	skt_buf_clear(&changes->text);
	changes->closed |= is_closed();
	return rc;
}

int changes_step(struct changes *changes, const struct skt_snapshot *now, const struct skt_step *step, bool first,
		 struct skt_err *err)
{
	int rc = changes_take(changes, now, step, first, err);

	return rc ? rc : changes_print(changes, 0, changes->n, err);
}

int changes_end(struct changes *changes, int rc, struct skt_err *err)
{
	if (changes->begun && !changes->closed) {
		int ended;

		skt_render_end(&changes->render, &changes->text);
		ended = put(changes, rc ? NULL : err);
		rc = rc ? rc : ended;
	}
	if (changes->unknown)
		cli_say("%llu more change%s may match: what is asked was not known of %s",
			(unsigned long long)changes->unknown, changes->unknown == 1 ? "" : "s",
			changes->unknown == 1 ? "it" : "them");
	skt_buf_release(&changes->text);
	skt_changes_release(&changes->of);
	free(changes->which);
	changes->which = NULL;
	changes->room = 0;
	return rc;
}

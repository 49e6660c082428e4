/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* How long a reader that takes nothing is waited for before it is seen whether somebody wants to end. */
#define PATIENCE_MS 200

/* A signal that ends the recording has come, and waits until the loop asks for it. */
static bool is_to_end(const struct recorder *recorder)
{
	sigset_t pending;

	sigpending(&pending);
	for (int signal = 1; signal < NSIG; signal++)
		if (sigismember(&recorder->signals, signal) == 1 && sigismember(&pending, signal) == 1)
			return true;
	return false;
}

static int output_failed(struct recorder *recorder, int error, struct skt_err *err)
{
	recorder->watch.closed = true;
	return error == EPIPE ? 0 : skt_err_sys(err, -error, "cannot write to standard output");
}

/*
 * Into a pipe only what it has room for: a reader that takes nothing (a pager) makes the recorder wait, but must not keep a
 * signal from ending it. What has not been written by then is for nobody.
 */
static int put(struct recorder *recorder, struct skt_err *err)
{
	const struct skt_buf *text = &recorder->watch.text;
	size_t at = 0;

	if (text->failed)
		return skt_err_set(err, -ENOMEM, "out of memory");
	while (at < text->len) {
		struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t left = text->len - at;
		ssize_t n;

		if (!poll(&out, 1, PATIENCE_MS)) {
			if (is_to_end(recorder))
				return 0;
			continue;
		}
		n = write(STDOUT_FILENO, text->data + at, left < PIPE_BUF ? left : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return output_failed(recorder, errno, err);
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Whether the reader of a pipe has gone: with nothing to write, nothing else would tell. */
static bool is_closed(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && out.revents & POLLERR;
}

/*
 * Whether a change is of a socket that is meant, as it is now or as it was: what stops matching is news to those who
 * watch it.
 */
static enum skt_truth is_meant(const struct recorder *recorder, const struct skt_sock_change *change)
{
	const struct watch *watch = &recorder->watch;
	struct skt_row row = {
		.host = watch->render.host,
		.boot_time = watch->render.boot_time,
		.snapshot = &recorder->now,
		.step = &recorder->step,
		.change = change,
	};
	enum skt_truth truth = SKT_FALSE;
	struct skt_row side;

	if (!watch->filter)
		return SKT_TRUE;
	if (skt_row_of_change(&row, true, &side))
		truth = skt_filter_test(watch->filter, &side);
	if (truth != SKT_TRUE && skt_row_of_change(&row, false, &side)) {
		enum skt_truth before = skt_filter_test(watch->filter, &side);

		truth = before > truth ? before : truth;
	}
	return truth;
}

/* Which changes are shown, into watch.which; their number, or -ENOMEM. */
static ssize_t choose(struct recorder *recorder)
{
	const struct skt_step *step = &recorder->step;
	size_t n = 0;

	if (recorder->watch.room < step->n_socks) {
		uint32_t *which = realloc(recorder->watch.which, step->n_socks * sizeof(*which));

		if (!which)
			return -ENOMEM;
		recorder->watch.which = which;
		recorder->watch.room = step->n_socks;
	}
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];
		bool first = !recorder->snapshots && change->change == SKT_PRESENT;
		enum skt_truth meant;

		if (!recorder->watch.all && (first || skt_change_is_quiet(&recorder->now, change)))
			continue;
		meant = is_meant(recorder, change);
		recorder->watch.unknown += meant == SKT_UNKNOWN;
		if (meant == SKT_TRUE)
			recorder->watch.which[n++] = (uint32_t)i;
	}
	return (ssize_t)n;
}

static void begin(struct recorder *recorder)
{
	const struct skt_host *host = skt_capture_host(recorder->capture);
	struct skt_render *render = &recorder->watch.render;
	size_t listening = 0;

	for (size_t i = 0; i < recorder->now.n_socks; i++) {
		const struct skt_sock *sock = &recorder->now.socks[i];

		listening += sock->table != SKT_NO_TABLE && sock->state == SKT_LISTEN;
	}
	cli_say("watching %zu socket%s, %zu of them listening", recorder->now.live_socks,
		recorder->now.live_socks == 1 ? "" : "s", listening);
	render->heading = true;
	render->host = host->name;
	render->boot_time =
		skt_capture_is_live(recorder->capture) ? recorder->now.time - recorder->now.boottime : host->btime;
	recorder->watch.begun = true;
	skt_buf_init(&recorder->watch.text);
	skt_render_begin(render, &recorder->watch.text);
}

int watch_step(struct recorder *recorder, struct skt_err *err)
{
	struct watch *watch = &recorder->watch;
	ssize_t n;

	if (!watch->begun)
		begin(recorder);
	/* a terminal may have been given another width */
	watch->render.width = cli_width();
	n = choose(recorder);
	if (n < 0)
		return skt_err_set(err, -ENOMEM, "out of memory");
	skt_render_changes(&watch->render, &recorder->now, &recorder->step, watch->which, (size_t)n, &watch->text);
	n = put(recorder, err);
	skt_buf_clear(&watch->text);
	watch->closed |= is_closed();
	return (int)n;
}

int watch_end(struct recorder *recorder, int rc, struct skt_err *err)
{
	struct watch *watch = &recorder->watch;

	if (watch->begun && !watch->closed) {
		int ended;

		skt_render_end(&watch->render, &watch->text);
		ended = put(recorder, rc ? NULL : err);
		rc = rc ? rc : ended;
	}
	if (watch->unknown)
		cli_say("of %llu change%s it was not known whether %s", (unsigned long long)watch->unknown,
			watch->unknown == 1 ? "" : "s", watch->unknown == 1 ? "it matches" : "they match");
	skt_buf_release(&watch->text);
	free(watch->which);
	watch->which = NULL;
	return rc;
}

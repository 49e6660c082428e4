/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "cli.h"

static void begin(struct recorder *recorder)
{
	const struct skt_host *host = skt_capture_host(recorder->capture);
	struct changes *changes = &recorder->watch.changes;
	size_t listening = 0;

	for (size_t i = 0; i < recorder->now.n_socks; i++) {
		const struct skt_sock *sock = &recorder->now.socks[i];

		listening += sock->table != SKT_NO_TABLE && sock->state == SKT_LISTEN;
	}
	cli_say("watching %zu socket%s, %zu of them listening", recorder->now.live_socks,
		recorder->now.live_socks == 1 ? "" : "s", listening);
	changes->render.host = host->name;
	changes->render.boot_time =
		skt_capture_is_live(recorder->capture) ? recorder->now.time - recorder->now.boottime : host->btime;
	changes->signals = recorder->signals;
	changes_begin(changes);
}

int watch_step(struct recorder *recorder, struct skt_err *err)
{
	struct changes *changes = &recorder->watch.changes;

	if (!changes->begun)
		begin(recorder);
	/* behind a gap, too, what is there is no news */
	return changes_step(changes, &recorder->now, &recorder->step, recorder->step.from == INT64_MIN, err);
}

int watch_end(struct recorder *recorder, int rc, struct skt_err *err)
{
	return changes_end(&recorder->watch.changes, rc, err);
}

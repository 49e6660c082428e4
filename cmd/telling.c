/* SPDX-License-Identifier: MIT */
#include "telling.h"

#include "cli.h"
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often the status line moves. */
#define STATUS_NS (SKT_NS_PER_S / 4)

static uint64_t problem_hash(const struct skt_err *problem)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *text = problem->path; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	for (const char *text = problem->message; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ (uint64_t)problem->position) * UINT64_C(0x100000001b3);
}

void tell_problems(struct recorder *recorder)
{
	size_t n;
	uint64_t total;
	const struct skt_err *problems = skt_capture_problems(recorder->capture, &n, &total);

	for (size_t i = 0; i < n; i++) {
		uint64_t hash = problem_hash(&problems[i]);
		size_t at = 0;

		while (at < recorder->n_told && recorder->told[at] != hash)
			at++;
		if (at < recorder->n_told || recorder->n_told == sizeof(recorder->told) / sizeof(*recorder->told))
			continue;
		recorder->told[recorder->n_told++] = hash;
		cli_err(&problems[i]);
		if (recorder->n_told == sizeof(recorder->told) / sizeof(*recorder->told))
			cli_say("more is wrong in %s than is told here; every snapshot counts it", recorder->tree);
	}
	if (total > n && recorder->snapshots == 1)
		cli_say("%s: %llu more things are wrong with it", recorder->tree, (unsigned long long)(total - n));
	recorder->trouble |= total != 0;
}

void tell_denied(const struct recorder *recorder)
{
	uint32_t denied = recorder->now.quality.denied, netns_denied = recorder->now.quality.netns_denied;

	if (recorder->quiet)
		return;
	if (denied)
		cli_say("%u process%s may not be looked into%s: who holds their sockets will be unknown", denied,
			denied == 1 ? "" : "es", geteuid() ? " by this user (root may)" : ", even by root");
	if (netns_denied)
		cli_say("%u process%s may live in other network namespaces%s: the sockets there are not recorded",
			netns_denied, netns_denied == 1 ? "" : "es",
			geteuid() ? ", which this user may not know (root may)" : "");
}

void tell_deaf(const struct recorder *recorder)
{
	uint32_t deaf = recorder->now.quality.events_deaf;
	int why;
	uint32_t told = skt_capture_events(recorder->capture, &why);

	if (why)
		cli_say("the kernel does not tell of sockets that go (%s): what comes and goes between two snapshots will not be seen",
			why == -EOPNOTSUPP ? "it lacks tcp_diag and udp_diag" : strerror(-why));
	else if (told && deaf)
		cli_say("%u other network namespace%s cannot be listened to%s: what comes and goes there between two snapshots will not be seen",
			deaf, deaf == 1 ? "" : "s", geteuid() ? " by this user (root may)" : "");
}

void tell_events(struct recorder *recorder)
{
	if (recorder->now.quality.events_lost_until && !recorder->events_lost_told)
		cli_say("more sockets went than could be told of: some that came and went between two snapshots were not seen (--events-buffer)");
	recorder->events_lost_told |= recorder->now.quality.events_lost_until != 0;
	if ((recorder->now.quality.lived_lost || recorder->now.quality.lived_more) && !recorder->lived_lost_told)
		cli_say("more processes came and went between two snapshots than are recorded (%u of a step)",
			SKT_LIVED_MAX);
	recorder->lived_lost_told |= recorder->now.quality.lived_lost || recorder->now.quality.lived_more;
}

void tell_findings(struct recorder *recorder)
{
	const struct skt_quality *quality = &recorder->now.quality;
	struct skt_buf line;

	if (quality->more_findings && !recorder->more_found_told)
		cli_say("more was found than is told here; the snapshots count it");
	recorder->more_found_told |= quality->more_findings != 0;
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		size_t at = 0;

		while (at < recorder->n_found && !skt_finding_equal(&recorder->found[at], &quality->findings[i]))
			at++;
		if (at < recorder->n_found || at == sizeof(recorder->found) / sizeof(*recorder->found))
			continue;
		recorder->found[recorder->n_found++] = quality->findings[i];
		skt_buf_init(&line);
		skt_finding_text(&quality->findings[i], &line);
		skt_buf_byte(&line, '\0');
		if (!line.failed)
			cli_say("%s", (char *)line.data);
		skt_buf_release(&line);
	}
}

void tell_spending(struct recorder *recorder)
{
	if (!recorder->spending.told)
		cli_say("at this interval it takes more of a processor than --max-cpu allows: ticks are skipped, and counted as missed");
	recorder->spending.told = true;
}

void tell_unsynced(struct recorder *recorder)
{
	struct skt_err err;

	skt_err_init(&err);
	if (!skt_writer_synced(recorder->writer, &err))
		return;
	if (!recorder->sync_failed)
		cli_err(&err);
	recorder->sync_failed = true;
	recorder->trouble = true;
}

void tell_status(struct recorder *recorder, int64_t now)
{
	struct skt_buf line;

	/* most likely what is watched is on the same terminal */
	if (recorder->quiet || recorder->watch.on || now - recorder->status_at < STATUS_NS || !isatty(STDERR_FILENO))
		return;
	recorder->status_at = now;
	skt_buf_init(&line);
	skt_duration_format(&line, (now - recorder->start) / SKT_NS_PER_S * SKT_NS_PER_S);
	skt_buf_printf(&line, "  %llu snapshots  %zu sockets  %llu bytes  %llu missed ticks",
		       (unsigned long long)recorder->snapshots, recorder->now.live_socks,
		       (unsigned long long)skt_writer_bytes(recorder->writer), (unsigned long long)recorder->missed);
	skt_buf_byte(&line, '\0');
	if (!line.failed)
		status_show((char *)line.data);
	skt_buf_release(&line);
}

void tell_end(struct recorder *recorder)
{
	uint8_t chain[SKT_CHAIN_SIZE], file[SKT_CHAIN_SIZE];
	uint64_t lost = skt_writer_lost(recorder->writer);
	char chain_text[2 * SKT_CHAIN_SIZE + 1], file_text[2 * SKT_CHAIN_SIZE + 1];
	struct skt_buf span;

	skt_buf_init(&span);
	skt_duration_format(&span, (recorder->last - recorder->first) / SKT_NS_PER_MS * SKT_NS_PER_MS);
	skt_buf_byte(&span, '\0');
	if (lost)
		cli_say("%s: %llu snapshot%s could not be written", recorder->path, (unsigned long long)lost,
			lost == 1 ? "" : "s");
	if (recorder->quiet)
		goto out;
	/* the terminal may have written ^C where it stands */
	status_show("");
	skt_writer_chain(recorder->writer, chain, file);
	cli_hex(chain, sizeof(chain), chain_text);
	cli_hex(file, sizeof(file), file_text);
	/* written down elsewhere, they prove later that nobody changed the file: sockquery --verify */
	cli_say("%s: %s, %llu snapshot%s, %llu missed tick%s%s, chain %s, sha256 %s", recorder->path,
		span.failed ? "?" : (char *)span.data, (unsigned long long)recorder->snapshots,
		recorder->snapshots == 1 ? "" : "s", (unsigned long long)recorder->missed,
		recorder->missed == 1 ? "" : "s", recorder->pipe_closed ? "; its reader went away" : "", chain_text,
		file_text);
out:
	skt_buf_release(&span);
}

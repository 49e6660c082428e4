/* SPDX-License-Identifier: MIT */
/*
 * A stranger's steps (steps.h), asked what sockquery and sockdiff ask of a recording: sockets, processes and changes at
 * each, and over all of them flows, what was looked at, and what differs from the first to the last. The byte in front
 * says how they are rendered, and by which expression they are picked. Whatever is in them, text comes out: no control
 * byte but the line feed.
 */
#include "steps.h"
#include "taken.h"

/* this directory's targets link nothing but the library */
#include "scene.c"

#include <skt/changes.h>
#include <skt/coverage.h>
#include <skt/diff.h>
#include <skt/filter.h>
#include <skt/flow.h>
#include <skt/render.h>

#include <errno.h>

/* What costs time and shows nothing new. */
enum { PROCESSES_MAX = 100, SOCKS_MAX = 200 };

static const char *const expressions[] = {
	"",
	"pid > 0",
	"owner = unheld or comm ~ '[a-z]+'",
	"bytes_sent > 0 or rtt_us > 1",
	"state connected and dport < 40000",
	"not src 10.0.0.0/8",
	"cmdline ~ a or user = root or exe = /bin/sh",
	"retransmits > 0 or inode = 0 or uid >= 1000",
};

struct asked {
	struct skt_filter *filter;
	struct skt_render render;
	struct skt_flows *flows;
	struct skt_between *between;
	struct skt_coverage coverage;
	struct skt_changes changes;
	struct skt_snapshot first;
	bool has_first;
	struct skt_buf out;
};

/* ---- what comes out ---- */

static void begin(struct asked *asked)
{
	skt_buf_clear(&asked->out);
	skt_render_begin(&asked->render, &asked->out);
}

/* A line of JSON each, and text in every format. */
static void end(struct asked *asked)
{
	const struct skt_buf *out = &asked->out;
	uint64_t lines = 0;

	skt_render_end(&asked->render, &asked->out);
	check(!out->failed, "memory");
	for (size_t i = 0; i < out->len; i++) {
		check(out->data[i] >= ' ' || out->data[i] == '\n' ||
			      (out->data[i] == '\r' && asked->render.format == SKT_FORMAT_CSV),
		      "a control byte");
		check(out->data[i] != 0x7f, "a control byte");
		lines += out->data[i] == '\n';
	}
	check(!out->len || out->data[out->len - 1] == '\n', "a line without an end");
	check(asked->render.format != SKT_FORMAT_JSONL || lines == asked->render.rows, "a row of more lines, or none");
}

static bool is_meant(const struct asked *asked, const struct skt_row *row)
{
	enum skt_truth truth = asked->filter ? skt_filter_test(asked->filter, row) : SKT_TRUE;

	check(truth == SKT_TRUE || truth == SKT_FALSE || truth == SKT_UNKNOWN, "a truth that is none");
	return truth != SKT_FALSE;
}

/* ---- at each step ---- */

static void show_sockets(struct asked *asked, const struct skt_snapshot *now)
{
	uint32_t slots[SOCKS_MAX + PROCESSES_MAX];
	size_t n = 0;

	begin(asked);
	for (size_t t = 0; t < now->n_tables; t++)
		for (size_t i = 0; i < now->tables[t].n_rows; i++) {
			uint32_t slot = now->tables[t].order[i];
			struct skt_row row = { .snapshot = now, .sock = &now->socks[slot], .boot_time = 5 };

			if (is_meant(asked, &row))
				slots[n++] = slot;
		}
	skt_render_sockets(&asked->render, now, slots, n, &asked->out);
	end(asked);
	begin(asked);
	n = 0;
	for (size_t i = 0; i < now->n_processes; i++)
		if (!now->processes[i].exited)
			slots[n++] = (uint32_t)i;
	skt_render_processes(&asked->render, now, slots, n, &asked->out);
	end(asked);
}

static void show_changes(struct asked *asked, const struct skt_snapshot *now, const struct skt_step *step)
{
	struct skt_changes *changes = &asked->changes;
	uint32_t *which;
	size_t n = 0;

	check(!skt_changes_take(changes, now, step), "memory");
	which = malloc((changes->n + 1) * sizeof(*which));
	check(which, "memory");
	for (size_t i = 0; i < changes->n; i++) {
		struct skt_row row = { .snapshot = now, .boot_time = 5 }, side;
		struct skt_sock_change room;

		if (!skt_changes_row(changes, i, &room, &row))
			continue;
		for (int is = 0; is < 2; is++)
			if (skt_row_of_change(&row, is, &side))
				is_meant(asked, &side);
		which[n++] = (uint32_t)i;
	}
	begin(asked);
	skt_render_changes(&asked->render, changes, which, n, &asked->out);
	end(asked);
	free(which);
}

static bool is_an_answer(int rc)
{
	return rc == 0 || rc == -E2BIG;
}

/* False: no more can be asked. */
static bool take(struct asked *asked, const struct skt_snapshot *now, const struct skt_step *step)
{
	int rc = skt_flows_step(asked->flows, now, step, NULL);

	check(is_an_answer(rc), "an answer that is none");
	if (rc)
		return false;
	check(!skt_coverage_step(&asked->coverage, now, step), "memory");
	show_sockets(asked, now);
	show_changes(asked, now, step);
	if (asked->has_first) {
		rc = skt_between_step(asked->between, now, step);
		check(is_an_answer(rc), "an answer that is none");
		return !rc;
	}
	check(!skt_snapshot_copy(now, &asked->first), "memory");
	asked->has_first = true;
	return true;
}

/* ---- and at the end ---- */

static void show_flows(struct asked *asked)
{
	struct skt_kind flows = { .n_columns = 0 }, processes = { .n_columns = 0 };

	check(is_an_answer(skt_flows_end(asked->flows, NULL)), "an answer that is none");
	skt_view_flows(&flows.view, false);
	skt_view_flows(&flows.flat, true);
	skt_view_flow_processes(&processes.view);
	skt_view_flow_processes(&processes.flat);
	begin(asked);
	for (size_t i = 0; i < skt_flows_count(asked->flows); i++) {
		struct skt_row row = skt_flows_row(asked->flows, i);
		int64_t first, last;

		skt_flow_stay(&row, &first, &last);
		is_meant(asked, &row);
		skt_render_rows(&asked->render, &flows, &row, 1, &asked->out);
	}
	end(asked);
	begin(asked);
	for (size_t i = 0; i < skt_flows_processes(asked->flows); i++) {
		struct skt_row row = skt_flows_process_row(asked->flows, i);

		skt_render_rows(&asked->render, &processes, &row, 1, &asked->out);
	}
	end(asked);
}

static void show_differences(struct asked *asked, const struct skt_snapshot *last)
{
	struct skt_diff_options options = { .all = asked->filter != NULL, .boot_time = 5, .tables = UINT32_MAX };
	struct skt_diff_sides sides = { .before = { &asked->first, "a", 5 }, .after = { last, "b", -1 } };
	const struct skt_difference *passing;
	struct skt_diff diff;
	size_t n;
	int rc = skt_between_end(asked->between, last, true);

	check(is_an_answer(rc), "an answer that is none");
	check(!skt_diff_find(&asked->first, last, &options, &diff), "memory");
	sides.between = (struct skt_diff_side){ skt_between_snapshot(asked->between), "b", 5 };
	sides.told = skt_between_told(asked->between);
	begin(asked);
	skt_render_differences(&asked->render, &sides, diff.items, diff.n, &asked->out);
	end(asked);
	passing = skt_between_found(asked->between, &n);
	begin(asked);
	skt_render_differences(&asked->render, &sides, passing, rc ? 0 : n, &asked->out);
	end(asked);
	skt_diff_release(&diff);
}

static void show_coverage(struct asked *asked, const struct skt_snapshot *last)
{
	struct skt_coverage *coverage = &asked->coverage;

	check(!skt_coverage_end(coverage, INT64_MIN, INT64_MAX, last->end), "memory");
	check(coverage->n_holes <= SKT_HOLES_MAX, "more holes than are listed");
	check(coverage->blind_until >= coverage->blind_after, "an interval that ends before it begins");
}

static void ask(struct asked *asked, uint8_t how)
{
	char *words[] = { (char *)expressions[how & 7] };
	struct skt_flows_options options = {
		.kinds = UINT32_MAX, .processes = how & 8, .boot_time = how & 8 ? -1 : 5, .recording = "a.skt"
	};
	struct skt_filter_names names = { .services = "", .zone = SKT_ZONE_UTC, .now = SCENE_TIME };
	struct skt_err err;

	*asked = (struct asked){ .render = { .format = (how >> 4) % (SKT_FORMAT_NETSTAT + 1),
					     .zone = SKT_ZONE_UTC,
					     .width = how & 8 ? 80 : 0,
					     .heading = false,
					     .host = "host",
					     .boot_time = options.boot_time } };
	skt_err_init(&err);
	if (*words[0])
		check(!skt_filter_parse(words, 1, &names, &asked->filter, &err), err.message);
	options.filter = asked->filter;
	asked->between = skt_between_new(1);
	check(asked->between && !skt_flows_new(&options, &asked->flows) &&
		      !skt_coverage_init(&asked->coverage, UINT32_MAX, 1),
	      "memory");
	skt_buf_init(&asked->out);
}

static void release(struct asked *asked)
{
	skt_filter_free(asked->filter);
	skt_flows_free(asked->flows);
	skt_between_free(asked->between);
	skt_coverage_release(&asked->coverage);
	skt_changes_release(&asked->changes);
	skt_buf_release(&asked->out);
	if (asked->has_first)
		skt_snapshot_release(&asked->first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder decoder = { .room = 0 };
	struct cur in, sections[SECTION_END];
	struct skt_snapshot now;
	struct skt_step step;
	struct asked asked;
	bool good = true;

	cur_init(&in, data, size);
	ask(&asked, cur_byte(&in));
	skt_step_init(&step);
	check(!skt_snapshot_init(&now, NULL, 1), "memory");
	for (unsigned i = 0; i < STEPS_MAX && good && split(&in, sections); i++) {
		if (step_decode(&decoder, sections, SKT_WANT_ALL, &now, !i, &step, NULL))
			break;
		step.number = i + 1;
		/* what could not be applied leaves no snapshot */
		good = !skt_apply(&now, &step, NULL) && now.n_processes <= PROCESSES_MAX && now.n_socks <= SOCKS_MAX &&
		       take(&asked, &now, &step);
		if (good)
			taken();
	}
	if (good && asked.has_first) {
		show_flows(&asked);
		show_differences(&asked, &now);
		show_coverage(&asked, &now);
	}
	skt_step_release(&step);
	decoder_release(&decoder);
	skt_snapshot_release(&now);
	release(&asked);
	return 0;
}

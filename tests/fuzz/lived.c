/* SPDX-License-Identifier: MIT */
/*
 * Processes that come and go in any order, and looks between. Three bytes each: what, who, and how much later (some
 * messages are heard after others that are younger). Who has to be told of at a look is found once more, by going along
 * a list.
 */
#include "proc/connector.h"
#include "proc/lived.h"

#include "fuzz.h"
#include "taken.h"

#include <stdlib.h>
#include <string.h>

/* Fewer than may be told of a step, so that nobody is too many. */
#define MOST_BYTES (3 * SKT_LIVED_MAX)

enum { LOOK = CONNECTOR_EXIT + 1, LAST_LOOK, WHATS };

struct one {
	uint32_t pid;
	int64_t began, ended; /* 0: not yet */
};

static struct one ones[MOST_BYTES];
static size_t n_ones;
static int64_t clock_now;

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = clock_now;
}

static int64_t read_monotonic(void *data)
{
	(void)data;
	return clock_now;
}

/* ---- once more ---- */

static void forget(size_t i)
{
	memmove(&ones[i], &ones[i + 1], (--n_ones - i) * sizeof(*ones));
}

static struct one *living(uint32_t pid)
{
	for (size_t i = 0; i < n_ones; i++)
		if (ones[i].pid == pid && !ones[i].ended)
			return &ones[i];
	return NULL;
}

static void note(const struct connector_event *event)
{
	struct one *one = living(event->pid);

	if (event->what == CONNECTOR_EXIT && one)
		one->ended = event->when;
	if (event->what != CONNECTOR_FORK)
		return;
	if (one)
		forget((size_t)(one - ones));
	ones[n_ones++] = (struct one){ .pid = event->pid, .began = event->when };
}

/* How many of this number ended until then. */
static size_t count(uint32_t pid, int64_t until)
{
	size_t n = 0;

	for (size_t i = 0; i < n_ones; i++)
		n += ones[i].pid == pid && ones[i].ended && ones[i].ended <= until;
	return n;
}

static void forget_until(int64_t until)
{
	for (size_t i = n_ones; i-- > 0;)
		if (ones[i].began <= until || (ones[i].ended && ones[i].ended <= until))
			forget(i);
}

/* ---- and as it is done ---- */

static void look(struct lived *lived, bool first, bool last)
{
	int64_t until = last ? INT64_MAX : clock_now;
	size_t told[256] = { 0 };
	struct skt_snapshot now;
	struct skt_step step;

	check(!skt_snapshot_init(&now, NULL, 1), "no memory");
	skt_step_init(&step);
	now.time = now.boottime = clock_now;
	check(!lived_take(lived, &now, last), "no memory");
	step.from = first ? INT64_MIN : 0;
	check(!lived_tell(lived, &now, &step), "no memory");
	if (step.n_processes)
		taken();
	for (size_t i = 0; i < step.n_processes; i++) {
		const struct skt_process *process = &now.processes[step.processes[i].slot];

		check(skt_change_is_lived(&now, &step.processes[i]), "one that a look has seen");
		check(process->pid < 256, "one that nobody is");
		told[process->pid]++;
	}
	for (uint32_t pid = 0; pid < 256; pid++)
		check(told[pid] == (first ? 0 : count(pid, until)), "other ones than ended");
	check(!now.quality.lived_lost && !now.quality.lived_more, "more than there were");
	forget_until(until);
	skt_step_release(&step);
	skt_snapshot_release(&now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct skt_capture_options options = { .clock = { read_clock, NULL }, .processes_clock = read_monotonic };
	const struct tree nowhere = { .fd = -1, .name = "" };
	struct lived *lived;
	bool first = true;

	if (size > MOST_BYTES)
		return 0;
	clock_now = 1000 * SKT_TICK_NS;
	n_ones = 0;
	lived = lived_new_deaf(&options, &nowhere);
	check(lived, "no memory");
	for (; size >= 3; data += 3, size -= 3) {
		unsigned what = data[0] % WHATS;
		int64_t when = clock_now + data[2] * SKT_TICK_NS;
		struct connector_event event = { .what = (uint8_t)what, .pid = data[1], .parent = 1, .when = when };

		/* it is heard before others that were sent before it */
		if (!(data[0] & 0x80))
			clock_now = when;
		if (what >= LOOK) {
			look(lived, first, what == LAST_LOOK);
			first = false;
			continue;
		}
		lived_hear(lived, &event);
		note(&event);
	}
	lived_free(lived);
	return 0;
}

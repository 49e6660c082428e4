/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include "scene.h"
#include "step_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "recording: %s: %s\n", what, strerror(-rc));
	abort();
}

static void must_err(int rc, const struct skt_err *err)
{
	must(rc, err->message);
}

void recording_begin(struct recording *recording, int64_t interval)
{
	static struct skt_fact facts[] = { { "host.name", "test" }, { "note", "made by a test" } };
	static const uint8_t bytes[24] = "recording of a test....";
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	struct skt_err err;

	memset(recording, 0, sizeof(*recording));
	recording->fd = memfd_create("recording", MFD_CLOEXEC);
	must(recording->fd < 0 ? -1 : 0, "memfd");
	recording->header = (struct skt_header){
		.start = SCENE_TIME,
		.start_boottime = SCENE_BOOTTIME,
		.boot_time = SCENE_TIME - SCENE_BOOTTIME,
		.interval = interval,
		.tables = (1u << SKT_TABLE_KINDS) - 1,
		.facts = facts,
		.n_facts = sizeof(facts) / sizeof(*facts),
	};
	skt_err_init(&err);
	must_err(skt_writer_open(recording->fd, RECORDING_NAME, &recording->header, &options, bytes, &recording->writer,
				 &err),
		 &err);
	recording->matcher = skt_matcher_new(3);
	must(recording->matcher ? 0 : -12, "matcher");
	must(skt_snapshot_init(&recording->now, NULL, 5), "snapshot");
	skt_step_init(&recording->step);
}

void recording_release(struct recording *recording)
{
	for (size_t i = 0; i < recording->n; i++) {
		skt_snapshot_release(&recording->made[i].snapshot);
		free(recording->made[i].step);
		free(recording->made[i].step_seen);
	}
	free(recording->made);
	skt_step_release(&recording->step);
	skt_snapshot_release(&recording->now);
	skt_matcher_free(recording->matcher);
	skt_writer_free(recording->writer);
	close(recording->fd);
}

void recording_add(struct recording *recording, struct skt_snapshot *read)
{
	struct skt_snapshot *now = &recording->now;
	struct skt_step *step = &recording->step;
	struct recorded *made;
	struct skt_err err;

	if (recording->n == recording->room) {
		recording->room = recording->room ? 2 * recording->room : 16;
		recording->made = realloc(recording->made, recording->room * sizeof(*recording->made));
		must(recording->made ? 0 : -12, "made");
	}
	skt_err_init(&err);
	read->number = recording->n + 1;
	must(skt_match(recording->matcher, now, read, !recording->n, step), "match");
	must_err(skt_apply(now, step, &err), &err);
	if (recording->tell)
		recording->tell(now, step, recording->random);
	made = &recording->made[recording->n++];
	must(skt_snapshot_copy(now, &made->snapshot), "copy");
	made->step = recording->texts ? step_text(step, now, true) : NULL;
	made->step_seen = recording->texts ? step_text(step, now, false) : NULL;
	must_err(skt_writer_add(recording->writer, now, step, &err), &err);
}

void recording_random(const struct recording *recording, struct random *random, const struct random_world *world,
		      int64_t passed, struct skt_snapshot *ret)
{
	struct skt_snapshot before = recording->now;
	struct random again = *random;
	int64_t chosen;

	/* it chooses how much time passes, first of all: so that it is what is wanted, `before` is that much earlier */
	random_snapshot(&again, world, &before, NULL, ret);
	if (!before.number) {
		*random = again;
		return;
	}
	chosen = ret->boottime - before.boottime;
	skt_snapshot_release(ret);
	before.time += passed - chosen;
	before.boottime += passed - chosen;
	random_snapshot(random, world, &before, NULL, ret);
}

void recording_add_random(struct recording *recording, struct random *random, const struct random_world *world,
			  int64_t passed)
{
	struct skt_snapshot read;

	recording_random(recording, random, world, passed, &read);
	recording_add(recording, &read);
	skt_snapshot_release(&read);
}

void recording_add_quiet(struct recording *recording, struct random *random, int64_t passed, unsigned changes)
{
	struct skt_snapshot read;

	must(skt_snapshot_copy(&recording->now, &read), "copy");
	read.time += passed;
	read.end += passed;
	read.boottime += passed;
	for (size_t i = 0; i < read.n_tables; i++)
		if (read.tables[i].read_time && read.tables[i].status == SKT_TABLE_FRESH)
			read.tables[i].read_time += passed;
	/* a countdown of which nothing was seen has not moved */
	for (size_t i = 0; i < read.n_socks; i++)
		if (skt_sock_has(&read.socks[i], SKT_F_TIMER_MS))
			skt_sock_set_ticks(&read.socks[i], skt_sock_ticks(&read.socks[i], read.boottime),
					   read.boottime);
	for (; changes && read.n_socks; changes--)
		read.socks[random_below(random, (uint32_t)read.n_socks)].tx_queue++;
	recording_add(recording, &read);
	skt_snapshot_release(&read);
}

void recording_end(struct recording *recording)
{
	struct skt_err err;

	skt_err_init(&err);
	must_err(skt_writer_end(recording->writer, recording->now.time + recording->header.interval, &err), &err);
}

void recording_make(struct recording *recording, uint64_t seed, size_t n, uint32_t rows, int64_t passed)
{
	const struct random_world world = { .rows = rows };
	struct random random = { .state = seed };

	recording_begin(recording, passed);
	while (recording->n < n)
		recording_add_random(recording, &random, &world, passed);
	recording_end(recording);
}

void recording_make_small(struct recording *recording)
{
	const struct random_world world = { .rows = 12 };
	struct random random = { .state = 12 };

	recording_begin(recording, 300 * SKT_NS_PER_MS);
	while (recording->n < 9)
		recording_add_random(recording, &random, &world, (recording->n == 5 ? 70000 : 300) * SKT_NS_PER_MS);
	recording_end(recording);
}

struct skt_file *recording_open(const struct recording *recording)
{
	struct skt_file *file;
	struct skt_err err;

	skt_err_init(&err);
	must_err(skt_file_open(recording->fd, RECORDING_NAME, 0, &file, &err), &err);
	return file;
}

void recording_expect(const struct recording *recording, uint64_t number, const struct skt_snapshot *read)
{
	char why[256] = "there is none";

	if (number < 1 || number > recording->n)
		fail_msg("#%llu was not recorded", (unsigned long long)number);
	if (!read || !skt_snapshot_equal(&recording->made[number - 1].snapshot, read, why, sizeof(why)))
		fail_msg("#%llu: %s", (unsigned long long)number, why);
}

unsigned char *recording_bytes(const struct recording *recording, size_t *ret_len)
{
	size_t len = skt_writer_bytes(recording->writer);
	unsigned char *bytes = malloc(len);

	must(bytes && pread(recording->fd, bytes, len, 0) == (ssize_t)len ? 0 : -5, "bytes");
	*ret_len = len;
	return bytes;
}

int recording_memfd(const void *bytes, size_t len)
{
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	must(fd >= 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len ? 0 : -5, "memfd");
	return fd;
}

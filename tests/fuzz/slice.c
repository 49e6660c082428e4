/* SPDX-License-Identifier: MIT */
/*
 * A stranger's steps (steps.h) cut into a recording of one's own: all rows, or of each pair of slots one. Whatever is
 * in them, the slice is whole, and has as many snapshots and rows as were taken. The byte in front says which rows, and
 * where a gap is.
 */
#include "steps.h"
#include "taken.h"

/* this directory's targets link nothing but the library */
#include "scene.c"

#include <skt/record.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* What costs time and shows nothing new. */
enum { SOCKS_MAX = 200 };

struct cut {
	struct skt_writer *writer;
	struct skt_slice *slice;
	uint8_t how;
	uint64_t snapshots;
	size_t rows; /* of the last one */
	int64_t end;
};

static bool is_kept(const struct cut *cut, uint32_t slot)
{
	return !(cut->how & 4) || (slot & 1) == (cut->how >> 3 & 1);
}

/* Rows that were read: those of a table that was not are what they were before, whatever a liar says. */
static size_t count(const struct cut *cut, const struct skt_snapshot *now)
{
	size_t n = 0;

	for (size_t t = 0; t < now->n_tables; t++)
		for (size_t i = 0; now->tables[t].status == SKT_TABLE_FRESH && i < now->tables[t].n_rows; i++)
			n += is_kept(cut, now->tables[t].order[i]);
	return n;
}

/* False: that is the end. A time that no recording takes is refused, and what came before stays. */
static bool add(struct cut *cut, const struct skt_snapshot *now, const struct skt_step *step)
{
	bool rows[SOCKS_MAX + 1];
	struct skt_err err;
	int rc;

	for (uint32_t slot = 0; slot < now->n_socks; slot++)
		rows[slot] = is_kept(cut, slot);
	skt_err_init(&err);
	rc = skt_slice_add(cut->slice, now, step, cut->how & 4 ? rows : NULL, &err);
	check(!rc || rc == -EINVAL || rc == -E2BIG, err.message);
	if (rc)
		return false;
	cut->snapshots++;
	cut->rows = count(cut, now);
	cut->end = now->end;
	return true;
}

static void check_slice(const struct cut *cut, int fd)
{
	struct skt_verification verification;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	struct skt_err err;
	uint64_t snapshots = 0, gaps;
	char why[256] = "";
	int rc;

	skt_err_init(&err);
	check(!skt_verify(fd, "slice", NULL, &verification, &err), err.message);
	check(verification.verdict == SKT_WHOLE,
	      verification.n_damage && verification.damage[0].why ? verification.damage[0].why : "not whole");
	check(verification.snapshots == cut->snapshots, "other snapshots than were taken");
	gaps = verification.gaps;
	skt_verification_release(&verification);
	check(!skt_file_open(fd, "slice", 0, &file, &err), err.message);
	check(!skt_cursor_new(file, &cursor, &err), err.message);
	while ((rc = skt_cursor_next(cursor, &step, &err))) {
		/* a gap is told once, and is all that there is to be told */
		check(rc > 0 || gaps-- > 0, err.message);
		if (rc < 0)
			continue;
		check(scene_is_whole(skt_cursor_snapshot(cursor), why, sizeof(why)), why);
		if (++snapshots == cut->snapshots)
			check(count(&(struct cut){ .how = 0 }, skt_cursor_snapshot(cursor)) == cut->rows,
			      "other rows than were taken");
	}
	check(snapshots == cut->snapshots, "other snapshots than verifying found");
	skt_cursor_free(cursor);
	skt_file_free(file);
}

static void take_steps(struct cut *cut, struct cur *in)
{
	struct decoder decoder = { .room = 0 };
	struct cur sections[SECTION_END];
	struct skt_snapshot now;
	struct skt_step step;
	bool good = true;

	skt_step_init(&step);
	check(!skt_snapshot_init(&now, NULL, 1), "memory");
	for (unsigned i = 0; i < STEPS_MAX && good && split(in, sections); i++) {
		if (step_decode(&decoder, sections, SKT_WANT_ALL, &now, !i, &step, NULL))
			break;
		step.number = i + 1;
		good = !skt_apply(&now, &step, NULL) && now.n_socks <= SOCKS_MAX && add(cut, &now, &step);
		if (good)
			taken();
	}
	skt_step_release(&step);
	decoder_release(&decoder);
	skt_snapshot_release(&now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t random[24];
	struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	struct skt_header header = { .major = 1, .file_number = 1, .boot_time = -1 };
	static int fd = -1;
	struct cut cut = { .end = 0 };
	struct skt_err err;
	struct cur in;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	check(fd >= 0 && !ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET), "no file");
	cur_init(&in, data, size);
	cut.how = cur_byte(&in);
	skt_err_init(&err);
	check(!skt_writer_open(fd, "slice", &header, &options, random, &cut.writer, &err), err.message);
	check(!skt_slice_new(cut.writer, 1, &cut.slice), "memory");
	take_steps(&cut, &in);
	if (cut.how & 16)
		check(!skt_slice_gap(cut.slice, 1 + (cut.how >> 5), &err) || !cut.snapshots, err.message);
	check(!skt_writer_end(cut.writer, cut.end, &err), err.message);
	if (cut.snapshots)
		check_slice(&cut, fd);
	skt_slice_free(cut.slice);
	skt_writer_free(cut.writer);
	return 0;
}

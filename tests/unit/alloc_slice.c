/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"
#include "random.h"
#include "recording.h"
#include "scene.h"

#include <skt/selection.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A slice that is made without memory says so, wherever it runs out, and leaves nothing behind. */

enum { SNAPSHOTS = 12 };

static struct recording source;

static bool every_row[1u << 12];

/* All snapshots, with their steps: what the library says, the first failure. */
static int make(struct skt_writer *writer)
{
	struct skt_slice *slice;
	int rc = skt_slice_new(writer, 3, &slice);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < SNAPSHOTS; i++)
		rc = skt_slice_add(slice, &source.made[i].snapshot, NULL, every_row, NULL);
	skt_slice_free(slice);
	return rc;
}

static void a_slice_is_made_or_not(void **state)
{
	static const uint8_t bytes[24] = "twenty-four random bytes";
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };

	(void)state;
	memset(every_row, true, sizeof(every_row));
	FAILING_ALLOC_EACH(i)
	{
		int fd = recording_memfd("", 0), rc;
		struct skt_writer *writer;

		assert_int_equal(skt_writer_open(fd, "x", &source.header, &options, bytes, &writer, NULL), 0);
		failing_alloc_after(i);
		rc = make(writer);
		failing_alloc_stop();
		assert_int_equal(rc, failing_alloc_failed() ? -ENOMEM : 0);
		skt_writer_free(writer);
		close(fd);
	}
}

static int choose(struct skt_cursor *cursor)
{
	const struct skt_selection_options options = { .kinds = (1u << SKT_TABLE_KINDS) - 1 };
	struct skt_selection *selection;
	struct skt_step *step;
	int rc = skt_selection_new(&options, &selection);

	if (rc)
		return rc;
	while (!rc && (rc = skt_cursor_next(cursor, &step, NULL)) > 0) {
		const uint32_t *slots;
		size_t n;

		rc = skt_selection_step(selection, skt_cursor_snapshot(cursor), step, NULL);
		if (!rc)
			rc = skt_cursor_next_slots(cursor, &slots, &n, NULL);
		if (!rc && slots)
			rc = skt_selection_renumber(selection, slots, n, NULL);
	}
	skt_selection_free(selection);
	return rc;
}

static void sockets_are_chosen_or_not(void **state)
{
	struct skt_file *file = recording_open(&source);

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_cursor *cursor;
		int rc;

		assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
		failing_alloc_after(i);
		rc = choose(cursor);
		failing_alloc_stop();
		assert_int_equal(rc, failing_alloc_failed() ? -ENOMEM : 0);
		skt_cursor_free(cursor);
	}
	skt_file_free(file);
}

static int begin(void **state)
{
	(void)state;
	/* over the borders of groups */
	recording_make(&source, 5, SNAPSHOTS, 20, 20 * SCENE_SECOND);
	return 0;
}

static int end(void **state)
{
	(void)state;
	recording_release(&source);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slice_is_made_or_not),
		cmocka_unit_test(sockets_are_chosen_or_not),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: MIT */
/*
 * A stranger's .skt-meta, in a tree that stays the same: a listener and a connection of tcp, one raw line, and two
 * processes of which one holds the listener. It is refused, or what comes of it is a snapshot in every respect: it can
 * be recorded, and the recording read.
 */
#include "record/block.h"
#include "record/codec.h"
#include "taken.h"

#include <skt/capture.h>

/* this directory's targets link nothing but the library */
#include "scene.c"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const dirs[] = { "net", "7", "7/fd", "8", "8/fd" };
static const char *const files[] = { "net/tcp", "7/stat", "8/stat", ".skt-meta" };
static const char *const texts[] = {
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	"   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1000 1 "
	"000000000000000a 100 0 0 10 0\n"
	"no row\n"
	"   1: 00000000:0050 01010101:9C40 06 00000000:00000000 03:00000100 00000000     0        0 0 3 000000000000000b\n",
	"7 (server) S 8 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42 0 0\n",
	"8 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n",
	"",
};

static char dir[64];
static int root = -1, meta = -1;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	__builtin_trap();
}

static void remove_tree(void)
{
	unlinkat(root, "7/fd/3", 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(root, files[i], 0);
	for (size_t i = sizeof(dirs) / sizeof(*dirs); i-- > 0;)
		unlinkat(root, dirs[i], AT_REMOVEDIR);
	rmdir(dir);
}

/* Made once, in memory where there is a place for that. */
static void make_tree(void)
{
	const char *tmp = access("/dev/shm", W_OK) ? getenv("TMPDIR") : "/dev/shm";

	snprintf(dir, sizeof(dir), "%s/skt-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	check(mkdtemp(dir) != NULL, "no directory");
	root = open(dir, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		check(!mkdirat(root, dirs[i], 0755), dirs[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		meta = openat(root, files[i], O_RDWR | O_CREAT, 0644);
		check(meta >= 0 && write(meta, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]), files[i]);
	}
	check(!symlinkat("socket:[1000]", root, "7/fd/3"), "no link");
	atexit(remove_tree);
}

static void stand_still(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = 1;
}

/* The same of events. */
static void drop_far_events(struct skt_step *step)
{
	size_t n = 0;

	for (size_t i = 0; i < step->n_events; i++)
		if (block_time_is_good(step->events[i].when - step->time))
			step->events[n++] = step->events[i];
	step->n_events = n;
}

/* As a recorder would at the beginning of a group. */
static void record(struct skt_capture *capture, const struct skt_snapshot *read)
{
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_snapshot now, again;
	struct skt_buf sections[SECTION_END];
	struct encoder encoder = { .n_rows = 0 };
	struct decoder decoder = { .room = 0 };
	struct cur in[SECTION_END];
	struct skt_step step;
	struct skt_err err;
	char why[256] = "";

	skt_err_init(&err);
	skt_step_init(&step);
	check(!skt_snapshot_init(&now, NULL, 1) && !skt_snapshot_init(&again, NULL, 2), "memory");
	check(!skt_match(matcher, &now, read, true, &step) && !skt_apply(&now, &step, &err), err.message);
	check(!skt_capture_tell(capture, &now, &step), "memory");
	drop_far_events(&step);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
	step_encode(&encoder, &step, &now, 1, sections);
	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], sections[id].data, sections[id].len);
	check(!step_decode(&decoder, in, SKT_WANT_ALL, &again, true, &step, &err), err.message);
	step.number = now.number;
	check(!skt_apply(&again, &step, &err), err.message);
	check(skt_snapshot_equal(&now, &again, why, sizeof(why)), why);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
	encoder_release(&encoder);
	decoder_release(&decoder);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_snapshot_release(&again);
	skt_matcher_free(matcher);
}

/* A time so far from the snapshot's that no recording holds it: the writer says so. */
static bool is_far_off(const struct skt_snapshot *read)
{
	bool far = !block_time_is_good(read->end - read->time) ||
		   (read->quality.checked_since && !block_time_is_good(read->quality.checked_since - read->time));

	far |= read->quality.events_lost_until && (!block_time_is_good(read->quality.events_lost_since - read->time) ||
						   !block_time_is_good(read->quality.events_lost_until - read->time));
	for (size_t i = 0; i < read->n_tables; i++)
		far |= read->tables[i].read_time && !block_time_is_good(read->tables[i].read_time - read->time);
	return far;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skt_capture_options options = { .name = "tree",
					       .tables = (1u << SKT_TABLE_KINDS) - 1,
					       .passwd_fd = -1,
					       .all_namespaces = true,
					       .clock = { stand_still, NULL } };
	struct skt_capture *capture = NULL;
	struct skt_snapshot read;
	struct skt_err err;
	char why[256] = "";
	int rc;

	if (root < 0)
		make_tree();
	check(!ftruncate(meta, 0) && pwrite(meta, data, size, 0) == (ssize_t)size, "cannot write");
	skt_err_init(&err);
	check(!skt_snapshot_init(&read, NULL, 3), "memory");
	rc = skt_capture_open(root, &options, &capture, &err);
	if (!rc)
		rc = skt_capture_next(capture, &read, &err);
	check(!rc || rc == -EBADMSG || rc == -EPROTONOSUPPORT || rc == -E2BIG, "an answer that is none");
	check(rc == err.code, "an error that is not told");
	if (!rc)
		taken();
	if (!rc)
		check(scene_is_whole(&read, why, sizeof(why)), why);
	if (!rc && !is_far_off(&read))
		record(capture, &read);
	skt_capture_free(capture);
	skt_snapshot_release(&read);
	return 0;
}

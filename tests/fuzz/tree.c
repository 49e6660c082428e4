/* SPDX-License-Identifier: MIT */
/*
 * Steps (steps.h), of which the byte in front says nothing. The snapshot that each leads to is written as a tree, and
 * the tree captured: it is the same snapshot, and nothing is in the directory but what belongs there.
 */
#include "steps.h"

/* this directory's targets link nothing but the library */
#include "scene.c"
#include "taken.h"

#include <skt/tree.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* More is tried by decode.c, and here would only make files. */
enum { TREES_MAX = 4, PROCESSES_MAX = 40, SOCKS_MAX = 200, TABLES_MAX = 40 };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void stand_still(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = 1;
}

/* Later than any recording says: a clock that went back since the row came. It is cut. */
static bool has_timer_far_off(const struct skt_snapshot *now)
{
	for (size_t i = 0; i < now->n_socks; i++)
		if (skt_sock_ticks(&now->socks[i], now->boottime) >= (uint64_t)TIMER_MS_MAX / 10)
			return true;
	return false;
}

static void read_back(const struct skt_snapshot *snapshot, int fd)
{
	struct skt_capture_options options = { .name = "tree",
					       .tables = (1u << SKT_TABLE_KINDS) - 1,
					       .passwd_fd = -1,
					       .all_namespaces = true,
					       .clock = { stand_still, NULL } };
	struct skt_capture *capture;
	struct skt_snapshot read;
	struct skt_err err;
	char why[256] = "";

	skt_err_init(&err);
	check(!skt_snapshot_init(&read, NULL, 3), "memory");
	check(!skt_capture_open(fd, &options, &capture, &err), err.message);
	check(!skt_capture_next(capture, &read, &err), err.message);
	check(scene_is_whole(&read, why, sizeof(why)), why);
	check(skt_snapshot_equal(snapshot, &read, why, sizeof(why)) || has_timer_far_off(snapshot), why);
	skt_capture_free(capture);
	skt_snapshot_release(&read);
}

/* A directory of its own, in memory where there is a place for that; what is beside the tree in it stays alone. */
static void there_and_back(const struct skt_snapshot *snapshot)
{
	const char *tmp = access("/dev/shm", W_OK) ? getenv("TMPDIR") : "/dev/shm";
	struct skt_host host = { .btime = -1, .big_endian = snapshot->n_socks & 1 };
	char dir[128];
	struct skt_err err;
	int outside, fd;

	skt_err_init(&err);
	snprintf(dir, sizeof(dir), "%s/skt-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	check(mkdtemp(dir) != NULL, "no directory");
	outside = open(dir, O_RDONLY | O_DIRECTORY);
	check(outside >= 0 && !mkdirat(outside, "tree", 0755), "no directory");
	fd = openat(outside, "tree", O_RDONLY | O_DIRECTORY);
	check(!skt_tree_write(snapshot, &host, NULL, fd, &err), err.message);
	read_back(snapshot, fd);
	close(fd);
	check(!renameat(outside, "tree", outside, "done"), "no tree");
	strcat(dir, "/done");
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	dir[strlen(dir) - strlen("/done")] = '\0';
	check(!rmdir(dir), "something was written outside the tree");
	close(outside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder decoder = { .room = 0 };
	struct cur in, sections[SECTION_END];
	struct skt_snapshot now;
	struct skt_step step;

	cur_init(&in, data, size);
	cur_byte(&in);
	skt_step_init(&step);
	check(!skt_snapshot_init(&now, NULL, 1), "memory");
	for (unsigned i = 0; i < TREES_MAX && split(&in, sections); i++) {
		if (step_decode(&decoder, sections, SKT_WANT_ALL, &now, !i, &step, NULL))
			break;
		step.number = i + 1;
		if (skt_apply(&now, &step, NULL) || now.n_processes > PROCESSES_MAX || now.n_socks > SOCKS_MAX ||
		    now.n_tables > TABLES_MAX)
			break;
		taken();
		there_and_back(&now);
	}
	skt_step_release(&step);
	decoder_release(&decoder);
	skt_snapshot_release(&now);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "rotation.h"

#include "cli.h"
#include "clocks.h"
#include "job.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* After a rotation that failed, the next one is tried so much later. */
#define AGAIN_NS (10 * SKT_NS_PER_S)

void rotation_read(const char *option, const char *argument, uint64_t *ret_size, int64_t *ret_age)
{
	size_t len = strlen(argument);
	bool size = len && strchr("0123456789KMGT", argument[len - 1]);
	int64_t age;

	if (!size && skt_duration_parse(argument, &age, NULL))
		cli_usage("%s: '%s' is neither a size such as 64M nor a time such as 1h", option, argument);
	*ret_size = size ? cli_size(option, argument) : 0;
	*ret_age = size ? 0 : cli_duration(option, argument);
	if (!*ret_size && !*ret_age)
		cli_usage("%s: nothing can be recorded in no %s", option, size ? "bytes" : "time");
}

/* The new file is not needed. */
static void discard(struct rotation *rotation)
{
	struct job *job = rotation->job;

	if (job->fd >= 0) {
		unlinkat(rotation->dir, job->name, 0);
		close(job->fd);
	}
	job_free(job);
	rotation->job = NULL;
	rotation->stage = ROTATION_IDLE;
}

/* ---- the first file ---- */

/* Who has the directory is known by a lock on it; on filesystems that cannot lock one, by that on the newest file. */
static int open_directory(struct recorder *recorder, struct skt_err *err)
{
	const char *path = recorder->output;
	int dir;

	if (strlen(path) + 1 + NAME_MAX >= sizeof(recorder->path))
		return skt_err_set(err, -ENAMETOOLONG, "name of the directory exceeds %zu bytes",
				   sizeof(recorder->path) - 2 - NAME_MAX);
	if (mkdir(path, 0700) && errno != EEXIST) {
		skt_err_sys(err, -errno, "cannot create the directory");
		return skt_err_at(err, path, -1);
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	recorder->rotation.dir = dir;
	if (dir < 0) {
		skt_err_sys(err, -errno, "cannot open the directory");
		return skt_err_at(err, path, -1);
	}
	if (flock(dir, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		skt_err_set(err, -EBUSY, "another recorder is at work in this directory");
		return skt_err_at(err, path, -1);
	}
	return 0;
}

/*
 * A recorder that was killed after it began a file, and before it ended the one before, leaves one that nothing was
 * recorded in and that says it follows an end which is not there. It would look as if somebody had changed that: it is
 * removed.
 */
static void remove_only_begun(const struct recorder *recorder, struct folder *folder)
{
	const struct folder_file *newest, *before;

	if (folder->n < 2)
		return;
	newest = &folder->files[folder->n - 1];
	before = newest - 1;
	if (!newest->empty || newest->live || before->ended || newest->number != before->number + 1 ||
	    unlinkat(recorder->rotation.dir, newest->name, 0))
		return;
	cli_say("%s/%s: was begun when its recorder was killed, and nothing is in it: removed", recorder->output,
		newest->name);
	folder->n--;
}

/* What the new file follows: the last good block of the newest there is. */
static int go_on_from(struct job *job, struct skt_header *header, struct skt_err *err)
{
	struct recorder *recorder = job->recorder;
	const struct folder_file *newest = job->folder.n ? &job->folder.files[job->folder.n - 1] : NULL;
	const char *boot_id = skt_capture_host(recorder->capture)->boot_id;
	struct skt_verification found;
	char path[sizeof(job->path)];
	int fd, rc;

	header->file_number = 1;
	if (!newest)
		return 0;
	job_path(recorder, newest->name, path, sizeof(path));
	if (newest->live) {
		skt_err_set(err, -EBUSY, "another recorder is writing it");
		return skt_err_at(err, path, -1);
	}
	fd = openat(recorder->rotation.dir, newest->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	rc = fd < 0 ? skt_err_sys(err, -errno, "cannot open") : skt_verify(fd, path, NULL, &found, err);
	if (fd >= 0)
		close(fd);
	if (rc)
		return skt_err_at(err, path, -1);
	header->file_number = newest->number + 1;
	header->snapshots_before = newest->snapshots_before + newest->last_number;
	memcpy(header->chain_before, found.chain, sizeof(header->chain_before));
	facts_add(&job->facts, "recorder.continues", newest->name);
	facts_add(&job->facts, "recorder.continues.verdict", skt_verdict_name(found.verdict));
	facts_add(&job->facts, "recorder.continues.boot",
		  !*boot_id || !*newest->boot_id     ? "unknown"
		  : strcmp(boot_id, newest->boot_id) ? "another"
						     : "the same");
	skt_verification_release(&found);
	return 0;
}

int rotation_open(struct recorder *recorder, struct skt_header *header, struct skt_err *err)
{
	struct rotation *rotation = &recorder->rotation;
	struct job *job;
	int rc = open_directory(recorder, err);

	if (rc)
		return rc;
	job = rotation->job = job_new(recorder);
	if (!job)
		return skt_err_set(err, -ENOMEM, "out of memory");
	job->no_room = output_needs(recorder) > 0;
	rc = folder_read(rotation->dir, "", &job->folder, &job->err);
	if (!rc) {
		remove_only_begun(recorder, &job->folder);
		job_tell_unsure(job);
		job_plan_drops(job);
		rc = job->no_room && !job->drops ? output_no_room(recorder, &job->err) : job_create(job);
	}
	if (!rc)
		rc = go_on_from(job, header, &job->err);
	if (rc) {
		if (err)
			*err = job->err;
		discard(rotation);
		return skt_err_at(err, recorder->output, -1);
	}
	recorder->out = job->fd;
	strcpy(recorder->path, job->path);
	strcpy(rotation->name, job->name);
	rotation->number = header->file_number;
	rotation->begun = clock_ns(CLOCK_BOOTTIME);
	return 0;
}

/* ---- one after the other ---- */

/*
 * Have a thread do it. Signals that say something to the recorder are blocked already, and so they are in the thread.
 */
static int begin_thread(struct rotation *rotation, void *(*run)(void *), int stage, struct skt_err *err)
{
	int rc = pthread_create(&rotation->thread, NULL, run, rotation->job);

	if (rc)
		return skt_err_sys(err, -rc, "cannot start a thread");
	rotation->stage = stage;
	return 0;
}

static void begin_drops(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;
	struct job *job = rotation->job;

	job->rc = 0;
	rotation->stage = ROTATION_IDLE;
	/* without a thread they stay until the next rotation */
	if (job->drops && !begin_thread(rotation, job_drop, ROTATION_DROPPING, NULL))
		return;
	job_free(job);
	rotation->job = NULL;
}

int rotation_begin(struct recorder *recorder, struct skt_header *header, struct skt_err *err)
{
	struct rotation *rotation = &recorder->rotation;
	const struct skt_writer_options options = { .sync = recorder->sync, .threaded = true };
	struct job *job = rotation->job;
	uint8_t random[24];
	int rc;

	/* what may be written to now is what may be written to later */
	if (faccessat(rotation->dir, ".", R_OK | W_OK | X_OK, AT_EACCESS)) {
		skt_err_sys(err, -errno, "cannot write to the directory with the privileges that are kept");
		rc = skt_err_at(err, recorder->output, -1);
	} else {
		output_facts(recorder, &job->facts);
		job_add_drops(job);
		header->facts = job->facts.facts;
		header->n_facts = job->facts.n;
		cli_random(random, sizeof(random));
		rc = skt_writer_open(recorder->out, recorder->path, header, &options, random, &recorder->writer, err);
	}
	header->facts = NULL;
	header->n_facts = 0;
	if (rc)
		discard(rotation);
	else
		begin_drops(recorder);
	return rc;
}

/* It did not come to a new file: the old one goes on, and it is tried again later. */
static void give_up(struct recorder *recorder, const struct skt_err *err)
{
	struct rotation *rotation = &recorder->rotation;

	if (!rotation->failed) {
		cli_err(err);
		cli_say("%s: it goes on in this file, and will try again to begin another", recorder->path);
	}
	rotation->failed = true;
	recorder->trouble = true;
	rotation->not_until = clock_ns(CLOCK_BOOTTIME) + AGAIN_NS;
	discard(rotation);
}

static bool is_due(const struct recorder *recorder, int64_t now)
{
	const struct rotation *rotation = &recorder->rotation;

	if (rotation->asked || rotation->no_room)
		return true;
	if (now < rotation->not_until)
		return false;
	if (rotation->again)
		return true;
	return recorder->snapshots && (rotation->size ? skt_writer_bytes(recorder->writer) >= rotation->size
						      : now - rotation->begun >= rotation->age);
}

void rotation_after(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;
	struct skt_err err;

	skt_err_init(&err);
	if (rotation->stage != ROTATION_IDLE || !is_due(recorder, clock_ns(CLOCK_BOOTTIME)))
		return;
	rotation->job = job_new(recorder);
	if (!rotation->job)
		return;
	rotation->job->no_room = rotation->no_room;
	rotation->again |= rotation->asked;
	rotation->asked = rotation->no_room = false;
	if (begin_thread(rotation, job_prepare, ROTATION_PREPARING, &err))
		give_up(recorder, &err);
}

/* The thread has prepared it: the snapshot that comes next begins the new file. */
static void go(struct recorder *recorder, int64_t when, int64_t boottime)
{
	struct rotation *rotation = &recorder->rotation;
	struct job *job = rotation->job;
	struct skt_header header = { 0 };
	struct skt_err err;
	uint8_t random[8];

	if (job->rc) {
		give_up(recorder, &job->err);
		return;
	}
	if (job->fd < 0) {
		rotation->none_left = true;
		discard(rotation);
		return;
	}
	skt_err_init(&err);
	output_header(recorder, &header);
	header.start = when;
	header.start_boottime = boottime;
	header.facts = job->facts.facts;
	header.n_facts = job->facts.n;
	cli_random(random, sizeof(random));
	if (skt_writer_rotate(recorder->writer, job->fd, job->path, &header, random, &err))
		give_up(recorder, &err);
	else
		rotation->stage = ROTATION_GOING;
}

static void see_if_gone(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;
	struct job *job = rotation->job;
	uint8_t chain[SKT_CHAIN_SIZE], file[SKT_CHAIN_SIZE];
	char chain_text[2 * SKT_CHAIN_SIZE + 1], file_text[2 * SKT_CHAIN_SIZE + 1];
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = skt_writer_rotated(recorder->writer, chain, file, &err);
	if (!rc)
		return;
	if (rc < 0) {
		give_up(recorder, &err);
		return;
	}
	cli_hex(chain, sizeof(chain), chain_text);
	cli_hex(file, sizeof(file), file_text);
	if (!recorder->quiet)
		cli_say("%s: ended, chain %s, sha256 %s; goes on in %s", recorder->path, chain_text, file_text,
			job->name);
	recorder->out = job->fd;
	strcpy(recorder->path, job->path);
	strcpy(rotation->name, job->name);
	rotation->number++;
	rotation->begun = clock_ns(CLOCK_BOOTTIME);
	rotation->failed = rotation->again = false;
	begin_drops(recorder);
}

static void end_drops(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;
	struct job *job = rotation->job;

	job_tell_dropped(job);
	if (job->rc) {
		cli_err(&job->err);
		recorder->trouble = true;
	}
	job_free(job);
	rotation->job = NULL;
	rotation->stage = ROTATION_IDLE;
}

void rotation_before(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;

	if (rotation->stage == ROTATION_PREPARING && !pthread_tryjoin_np(rotation->thread, NULL))
		go(recorder, recorder->now.time, recorder->now.boottime);
	else if (rotation->stage == ROTATION_DROPPING && !pthread_tryjoin_np(rotation->thread, NULL))
		end_drops(recorder);
	if (rotation->stage == ROTATION_GOING)
		see_if_gone(recorder);
}

bool rotation_make_room(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;
	bool left = !rotation->none_left;

	rotation->none_left = false;
	/* what is under way already may make some, and so it is seen to later */
	if (left && rotation->stage == ROTATION_IDLE)
		rotation->no_room = true;
	return left;
}

void rotation_end(struct recorder *recorder)
{
	struct rotation *rotation = &recorder->rotation;

	if (rotation->stage == ROTATION_PREPARING) {
		pthread_join(rotation->thread, NULL);
		discard(rotation);
	}
	if (rotation->stage == ROTATION_GOING)
		see_if_gone(recorder);
	if (rotation->stage == ROTATION_DROPPING) {
		pthread_join(rotation->thread, NULL);
		end_drops(recorder);
	}
}

void rotation_release(struct rotation *rotation)
{
	if (rotation->stage == ROTATION_PREPARING || rotation->stage == ROTATION_DROPPING)
		pthread_join(rotation->thread, NULL);
	job_free(rotation->job);
	if (rotation->dir >= 0)
		close(rotation->dir);
}

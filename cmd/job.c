/* SPDX-License-Identifier: MIT */
#include "job.h"

#include "cli.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many files are dropped at once, for each is told in a header; the others are at the next rotation. */
#define DROPS_MAX 1000

void job_path(const struct recorder *recorder, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", recorder->output, name);
}

int job_create(struct job *job)
{
	const struct rotation *rotation = &job->recorder->rotation;
	char base[128];

	output_name(job->recorder, base, sizeof(base));
	for (unsigned n = 1; n < 1000; n++) {
		if (n == 1)
			snprintf(job->name, sizeof(job->name), "%s.skt", base);
		else
			snprintf(job->name, sizeof(job->name), "%s-%u.skt", base, n);
		job_path(job->recorder, job->name, job->path, sizeof(job->path));
		job->fd = openat(rotation->dir, job->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (job->fd >= 0 || errno != EEXIST)
			break;
	}
	if (job->fd < 0) {
		skt_err_sys(&job->err, -errno, "cannot create");
		return skt_err_at(&job->err, job->path, -1), job->err.code;
	}
	/*
	 * the name is to outlive a crash, as what is in the file does; a directory that cannot be synced is none to be
	 * afraid for
	 */
	(void)fsync(rotation->dir);
	return 0;
}

/*
 * What this file and the next may come to: as much as the largest. And half of one, for a file ends behind a block, and
 * what is dropped is still there when the one after has begun, with a whole snapshot.
 */
static uint64_t room_for_two(const struct job *job)
{
	const struct recorder *recorder = job->recorder;
	uint64_t now = recorder->writer ? skt_writer_bytes(recorder->writer) : 0;
	uint64_t most = recorder->rotation.size > now ? recorder->rotation.size : now;

	for (size_t i = 0; i < job->folder.n; i++)
		if (!job->folder.files[i].unsure && job->folder.files[i].bytes > most)
			most = job->folder.files[i].bytes;
	return 2 * most + most / 2;
}

/* How many bytes are too many, and before which instant files are too old. */
void job_plan_drops(struct job *job)
{
	const struct recorder *recorder = job->recorder;
	const struct rotation *rotation = &recorder->rotation;
	struct folder *folder = &job->folder;
	uint64_t all = room_for_two(job), freed = 0;
	uint64_t needed = job->no_room ? output_needs(recorder) : 0;
	int64_t oldest = rotation->keep_age ? recorder_time(recorder) - rotation->keep_age : INT64_MIN;

	for (size_t i = 0; i < folder->n; i++)
		all += folder->files[i].unsure ? 0 : folder->files[i].bytes;
	for (size_t i = 0; i < folder->n && job->drops < DROPS_MAX; i++) {
		struct folder_file *file = &folder->files[i];

		/* a copy of a later file, say: ours come before the one that is being written */
		if (file->live || file->unsure || (rotation->number && file->number >= rotation->number))
			continue;
		/* whole oldest files: none is dropped before one that is older */
		if (file->last >= oldest && (!rotation->keep_size || all <= rotation->keep_size) && freed >= needed)
			break;
		file->drop = true;
		job->drops++;
		all -= file->bytes;
		freed += file->bytes;
	}
}

void job_add_drops(struct job *job)
{
	size_t n = 0;

	for (size_t i = 0; i < job->folder.n; i++) {
		const struct folder_file *file = &job->folder.files[i];
		struct skt_buf text;
		char name[40];

		if (!file->drop)
			continue;
		skt_buf_init(&text);
		skt_buf_printf(&text, "file %llu, %s, ", (unsigned long long)file->number, file->name);
		skt_time_format(&text, file->first, SKT_ZONE_UTC);
		skt_buf_text(&text, " to ");
		skt_time_format(&text, file->last, SKT_ZONE_UTC);
		skt_buf_printf(&text, ", %llu snapshot%s", (unsigned long long)file->snapshots,
			       file->snapshots == 1 ? "" : "s");
		skt_buf_byte(&text, '\0');
		snprintf(name, sizeof(name), "rotation.dropped.%zu", ++n);
		if (!text.failed)
			facts_add(&job->facts, name, (char *)text.data);
		skt_buf_release(&text);
	}
}

void job_tell_unsure(const struct job *job)
{
	for (size_t i = 0; i < job->folder.n; i++)
		if (job->folder.files[i].unsure)
			cli_say("%s/%s: may be no flight recorder's, for the facts of its header are damaged: it is not dropped",
				job->recorder->output, job->folder.files[i].name);
}

void job_tell_dropped(const struct job *job)
{
	for (size_t i = 0; i < job->folder.n; i++)
		if (job->folder.files[i].dropped && !job->recorder->quiet)
			cli_say("%s/%s: dropped, with %llu snapshots", job->recorder->output, job->folder.files[i].name,
				(unsigned long long)job->folder.files[i].snapshots);
}

/* What there is, what is to go, and where to go on. */
static void prepare(struct job *job)
{
	struct recorder *recorder = job->recorder;

	job->fd = -1;
	job->rc = folder_read(recorder->rotation.dir, recorder->rotation.name, &job->folder, &job->err);
	if (job->rc) {
		skt_err_at(&job->err, recorder->output, -1);
		return;
	}
	job_plan_drops(job);
	if (job->no_room && !job->drops)
		return;
	job->rc = job_create(job);
	if (job->rc)
		return;
	output_facts(recorder, &job->facts);
	job_add_drops(job);
}

void *job_prepare(void *data)
{
	prepare(data);
	return NULL;
}

void *job_drop(void *data)
{
	struct job *job = data;
	int dir = job->recorder->rotation.dir;

	if (fsync(job->fd) && errno != EINVAL && errno != EROFS) {
		job->rc = skt_err_sys(&job->err, -errno,
				      "the disk may not have kept what it says was dropped; nothing is");
		skt_err_at(&job->err, job->path, -1);
		return NULL;
	}
	for (size_t i = 0; i < job->folder.n; i++) {
		struct folder_file *file = &job->folder.files[i];
		char path[sizeof(job->path)];

		if (!file->drop)
			continue;
		file->dropped = !unlinkat(dir, file->name, 0) || errno == ENOENT;
		if (file->dropped)
			continue;
		job->rc = skt_err_sys(&job->err, -errno, "cannot drop");
		job_path(job->recorder, file->name, path, sizeof(path));
		skt_err_at(&job->err, path, -1);
	}
	(void)fsync(dir);
	return NULL;
}

struct job *job_new(struct recorder *recorder)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->recorder = recorder;
	job->fd = -1;
	skt_err_init(&job->err);
	facts_init(&job->facts);
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	folder_release(&job->folder);
	facts_release(&job->facts);
	free(job);
}

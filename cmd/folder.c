/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include "grow.h"

#include <skt/record.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_named_so(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && len <= NAME_MAX && !strcmp(name + len - 4, ".skt");
}

static int add(struct folder *folder, const struct folder_file *file)
{
	if (grow(&folder->files, &folder->room, folder->n, sizeof(*folder->files)))
		return -ENOMEM;
	folder->files[folder->n++] = *file;
	return 0;
}

static bool is_empty(const struct skt_file *recording)
{
	struct skt_span span = skt_file_span(recording);
	uint64_t blocks = 0;
	size_t n;

	for (unsigned kind = 0; kind < SKT_BLOCK_KINDS; kind++)
		blocks += span.kinds[kind].blocks;
	(void)skt_file_damage(recording, &n);
	return !span.groups && !blocks && !n;
}

static void describe(const struct skt_file *recording, const struct stat *st, struct folder_file *ret)
{
	const struct skt_header *header = skt_file_header(recording);
	struct skt_span span = skt_file_span(recording);
	const char *boot_id = skt_header_fact(header, "host.boot_id");

	ret->number = header->file_number;
	ret->snapshots_before = header->snapshots_before;
	ret->last_number = span.number;
	ret->snapshots = span.snapshots;
	ret->bytes = (uint64_t)st->st_blocks * 512;
	ret->start = header->start;
	ret->first = span.snapshots ? span.first : header->start;
	ret->last = span.snapshots ? span.last : header->start;
	snprintf(ret->boot_id, sizeof(ret->boot_id), "%s", boot_id ? boot_id : "");
	ret->live = span.live;
	ret->ended = span.ended;
	ret->empty = is_empty(recording);
	memcpy(ret->recording_id, header->recording_id, sizeof(ret->recording_id));
	ret->facts_damaged = header->facts_damaged;
}

static bool may_be_ours(const struct skt_header *header)
{
	return header->facts_damaged || skt_header_fact(header, FOLDER_FACT);
}

/*
 * 1 it is one of ours, or may be, 0 it is not, or -ENOMEM. A fifo would block whoever opens it, and a link leads
 * elsewhere.
 */
static int look_at(int dir, const char *name, struct folder_file *ret)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = 0;
	struct skt_file *recording = NULL;
	struct stat st;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		rc = skt_file_open(fd, name, 0, &recording, NULL);
	if (recording && may_be_ours(skt_file_header(recording))) {
		memset(ret, 0, sizeof(*ret));
		strcpy(ret->name, name);
		describe(recording, &st, ret);
		rc = 1;
	} else {
		rc = rc == -ENOMEM ? rc : 0;
	}
	skt_file_free(recording);
	close(fd);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct folder_file *one = a, *other = b;

	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	return strcmp(one->name, other->name);
}

/* Only a flight recorder counts beyond one, and only one run of it has this id. */
static bool is_unsure(const struct folder *folder, const struct folder_file *file)
{
	bool unsure = file->facts_damaged && file->number == 1;

	for (size_t i = 0; unsure && i < folder->n; i++)
		unsure = folder->files[i].facts_damaged ||
			 memcmp(folder->files[i].recording_id, file->recording_id, sizeof(file->recording_id)) != 0;
	return unsure;
}

int folder_read(int dir, const char *but, struct folder *ret, struct skt_err *err)
{
	/* a position of its own, so that it begins at the beginning */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct folder_file file;
	struct dirent *entry;

	if (!list) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return skt_err_sys(err, rc, "cannot list");
	}
	while (rc >= 0 && (entry = readdir(list))) {
		if (!is_named_so(entry->d_name) || !strcmp(entry->d_name, but))
			continue;
		rc = look_at(dir, entry->d_name, &file);
		if (rc > 0)
			rc = add(ret, &file);
	}
	closedir(list);
	if (rc < 0) {
		folder_release(ret);
		return skt_err_set(err, rc, "out of memory");
	}
	if (ret->n)
		qsort(ret->files, ret->n, sizeof(*ret->files), compare);
	for (size_t i = 0; i < ret->n; i++)
		ret->files[i].unsure = is_unsure(ret, &ret->files[i]);
	return 0;
}

void folder_release(struct folder *folder)
{
	free(folder->files);
	*folder = (struct folder){ 0 };
}

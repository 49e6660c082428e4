/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What recordings a directory holds. Who may write there may have put anything into it. */

static bool is_named_so(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".skt");
}

/* A regular file, opened without waiting for a fifo or following a link; -EINVAL for another kind. */
static int open_regular(int fd, const char *name)
{
	struct stat status;
	int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int rc = 0;

	if (file < 0)
		return errno == ELOOP || errno == ENXIO ? -EINVAL : -errno;
	if (fstat(file, &status))
		rc = -errno;
	else if (!S_ISREG(status.st_mode))
		rc = -EINVAL;
	if (!rc)
		return file;
	close(file);
	return rc;
}

/* The number in "file 7, NAME, ...": what a header says of a file that was dropped. 0: there is none. */
static uint64_t number_of_dropped(const char *text)
{
	static const char before[] = "file ";
	uint64_t number = 0;

	if (strncmp(text, before, sizeof(before) - 1) != 0)
		return 0;
	for (text += sizeof(before) - 1; *text >= '0' && *text <= '9'; text++) {
		if (number > BLOCK_NUMBER_MAX / 10)
			return 0;
		number = 10 * number + (uint64_t)(*text - '0');
	}
	return *text == ',' ? number : 0;
}

static void take_facts(const struct skt_header *header, struct skt_listed *ret)
{
	static const char dropped[] = "rotation.dropped.";

	ret->facts_damaged = header->facts_damaged;
	ret->rotates = skt_header_fact(header, "recorder.rotate") != NULL;
	for (size_t i = 0; i < header->n_facts; i++) {
		uint64_t number = 0;

		if (!strncmp(header->facts[i].name, dropped, sizeof(dropped) - 1))
			number = number_of_dropped(header->facts[i].value);
		/* a file can only tell of those before it */
		if (number < header->file_number && number > ret->dropped)
			ret->dropped = number;
	}
}

/* By its header: 1 a recording (error says whether it can be read), 0 something else, or -ENOMEM, -EMFILE, -ENFILE. */
static int look(int fd, const char *name, struct skt_listed *listed)
{
	struct skt_file opened = { .fd = open_regular(fd, name) };
	unsigned char begins[8];
	struct stat status;
	int64_t got;

	memset(listed, 0, sizeof(*listed));
	if (opened.fd == -EINVAL || opened.fd == -ENOENT)
		return 0;
	if (opened.fd == -ENOMEM || opened.fd == -EMFILE || opened.fd == -ENFILE)
		return opened.fd;
	listed->error = opened.fd < 0 ? opened.fd : 0;
	if (opened.fd < 0)
		return 1;
	got = io_pread(opened.fd, begins, sizeof(begins), 0);
	if (got >= 0 && !header_is_recording(begins, (size_t)got)) {
		close(opened.fd);
		return 0;
	}
	if (got < 0)
		listed->error = (int)got;
	else if (fstat(opened.fd, &status))
		listed->error = -errno;
	opened.size = listed->error ? 0 : (uint64_t)status.st_size;
	if (!listed->error)
		listed->error = file_read_header(&opened, NULL);
	close(opened.fd);
	if (!listed->error) {
		listed->number = opened.header.file_number;
		listed->snapshots_before = opened.header.snapshots_before;
		listed->start = opened.header.start;
		memcpy(listed->recording_id, opened.header.recording_id, sizeof(listed->recording_id));
		memcpy(listed->chain_before, opened.header.chain_before, sizeof(listed->chain_before));
		take_facts(&opened.header, listed);
	}
	header_release(&opened.header);
	return listed->error == -ENOMEM ? -ENOMEM : 1;
}

static int set_path(struct skt_listed *listed, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), name_len = strlen(name);

	while (dir_len > 1 && dir[dir_len - 1] == '/')
		dir_len--;
	listed->path = malloc(dir_len + name_len + 2);
	if (!listed->path)
		return -ENOMEM;
	memcpy(listed->path, dir, dir_len);
	listed->path[dir_len] = '/';
	memcpy(listed->path + dir_len + 1, name, name_len + 1);
	listed->name = listed->path + dir_len + 1;
	return 0;
}

static int add(struct skt_listing *listing, size_t *room, int fd, const char *dir, const char *name,
	       struct skt_err *err)
{
	struct skt_listed listed;
	int rc = is_named_so(name) ? look(fd, name, &listed) : 0;

	if (rc < 0)
		return skt_err_sys(err, rc, "cannot open '%s'", name);
	if (!rc) {
		listing->others++;
		return 0;
	}
	if (listing->n >= SKT_FILES_MAX)
		return skt_err_set(err, -E2BIG, "there are more than %zu recordings in it", SKT_FILES_MAX);
	if (array_room(&listing->files, room, listing->n + 1, sizeof(*listing->files)) || set_path(&listed, dir, name))
		return skt_err_set(err, -ENOMEM, "out of memory");
	listing->files[listing->n++] = listed;
	return 0;
}

static int in_order(const void *x, const void *y)
{
	const struct skt_listed *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return strcmp(a->name, b->name);
}

/*
 * Where a flight recorder was at work, a recording that it did not make is somebody's who left it there: it goes on
 * from none such, and drops none. What cannot tell, because its facts are damaged, stays.
 */
static void leave_out_others(struct skt_listing *listing)
{
	bool rotates = false;
	size_t n = 0;

	for (size_t i = 0; i < listing->n; i++)
		rotates |= listing->files[i].rotates;
	for (size_t i = 0; i < listing->n; i++) {
		struct skt_listed *file = &listing->files[i];

		if (rotates && !file->rotates && !file->facts_damaged && !file->error) {
			free(file->path);
			listing->others++;
			continue;
		}
		listing->dropped = file->dropped > listing->dropped ? file->dropped : listing->dropped;
		listing->files[n++] = *file;
	}
	listing->n = n;
}

int skt_listing_read(int fd, const char *name, struct skt_listing *ret, struct skt_err *err)
{
	struct skt_listing listing = { 0 };
	/* a descriptor of its own: the position in a directory is shared by copies of one */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	size_t room = 0;
	int rc = dir ? 0 : skt_err_sys(err, -errno, "cannot list");

	if (!dir && own >= 0)
		close(own);
	while (!rc) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			rc = errno ? skt_err_sys(err, -errno, "cannot list") : 0;
			break;
		}
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = add(&listing, &room, fd, name, entry->d_name, err);
	}
	if (dir)
		closedir(dir);
	if (rc) {
		skt_listing_release(&listing);
		skt_err_at(err, name, -1);
		return rc;
	}
	leave_out_others(&listing);
	if (listing.n)
		qsort(listing.files, listing.n, sizeof(*listing.files), in_order);
	*ret = listing;
	return 0;
}

void skt_listing_release(struct skt_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		free(listing->files[i].path);
	free(listing->files);
	memset(listing, 0, sizeof(*listing));
}

int skt_listed_open(int fd, const struct skt_listed *listed, struct skt_err *err)
{
	int file = open_regular(fd, listed->name);

	if (file == -EINVAL)
		skt_err_set(err, file, "not a regular file");
	else if (file < 0)
		skt_err_sys(err, file, "cannot open");
	if (file < 0)
		skt_err_at(err, listed->path, -1);
	return file;
}

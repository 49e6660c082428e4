/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_exists(const char *path, size_t len, void *data)
{
	char *name = strndup(path, len);
	struct stat status;
	bool is = name && (!strcmp(name, "-") || !lstat(name, &status));

	(void)data;
	free(name);
	return is;
}

/* A recording that comes through a pipe is read whole first, into a file without a name. */
static int spool(struct skt_err *err)
{
	FILE *file = tmpfile();
	char bytes[65536];
	ssize_t got;
	int fd = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;

	if (file)
		fclose(file);
	if (fd < 0)
		return skt_err_sys(err, -errno, "cannot make a temporary file for standard input");
	while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		for (ssize_t done = 0, n; done < got; done += n) {
			n = write(fd, bytes + done, (size_t)(got - done));
			if (n < 0) {
				skt_err_sys(err, -errno, "cannot keep standard input in a temporary file");
				close(fd);
				return err->code;
			}
		}
	if (got < 0) {
		skt_err_sys(err, -errno, "cannot read standard input");
		close(fd);
		return err->code;
	}
	return fd;
}

/* A directory with net/ in it. */
static bool is_tree(int fd)
{
	struct stat status;

	return !fstatat(fd, "net", &status, 0) && S_ISDIR(status.st_mode);
}

static int open_file(const char *path, struct skt_err *err)
{
	/* not to be held up by a fifo: it is refused once it is open */
	int fd;

	if (!strcmp(path, "-")) {
		fd = spool(err);
		skt_err_at(err, path, -1);
		return fd;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		skt_err_sys(err, -errno, "cannot open");
		skt_err_at(err, path, -1);
		return err->code;
	}
	if (is_tree(fd)) {
		close(fd);
		skt_err_set(err, -EINVAL, "a tree, as /proc is one, and not a recording");
		return skt_err_at(err, path, -1);
	}
	return fd;
}

/*
 * An operand that is no path, but would be one with a TIME: what is wrong with the TIME is what its user wants to know.
 */
static int explain(const char *operand, struct skt_err *err)
{
	const char *at = strrchr(operand, '@');
	struct skt_time time;

	if (!at || path_exists(operand, strlen(operand), NULL) || !path_exists(operand, (size_t)(at - operand), NULL))
		return 0;
	return skt_time_parse(at + 1, SKT_ZONE_UTC, 0, &time, err);
}

bool recording_exists(const char *operand)
{
	const char *time;
	size_t len = skt_operand_split(operand, path_exists, NULL, &time);
	const char *at = strrchr(operand, '@');

	/* or one with a TIME that is none, which opening it says */
	return path_exists(operand, len, NULL) || (at && path_exists(operand, (size_t)(at - operand), NULL));
}

const char *recording_time(const char *operand)
{
	const char *time;

	skt_operand_split(operand, path_exists, NULL, &time);
	return time;
}

int recording_open(const char *operand, struct recording *ret, struct skt_err *err)
{
	size_t len = skt_operand_split(operand, path_exists, NULL, &ret->time);

	ret->fd = -1;
	ret->path = strndup(operand, len);
	if (!ret->path)
		return skt_err_set(err, -ENOMEM, "out of memory");
	if (!ret->time && explain(operand, err))
		return skt_err_at(err, operand, -1);
	ret->fd = open_file(ret->path, err);
	return ret->fd < 0 ? ret->fd : 0;
}

static int require_whole_file(int fd, const char *path, struct skt_err *err)
{
	struct skt_verification found;
	int rc = skt_verify(fd, path, NULL, &found, err);
	bool good;

	if (rc)
		return rc;
	good = found.verdict == SKT_WHOLE || found.verdict == SKT_LIVE;
	if (!good)
		rc = skt_err_set(err, -EBADMSG, "recording is %s, not WHOLE or LIVE: see sockquery --verify",
				 skt_verdict_name(found.verdict));
	else if (found.gaps)
		rc = skt_err_set(err, -EBADMSG, "recording has gaps: %" PRIu64 " snapshots could not be written",
				 found.unwritten);
	else if (found.newer_blocks)
		rc = skt_err_set(err, -EPROTONOSUPPORT, "recording has %" PRIu64 " blocks that need a newer program",
				 found.newer_blocks);
	skt_verification_release(&found);
	return rc ? skt_err_at(err, path, -1) : 0;
}

int recording_require_whole(int fd, const char *path, struct skt_err *err)
{
	struct skt_listing listing;
	struct stat status;
	int rc;

	if (fstat(fd, &status) || !S_ISDIR(status.st_mode))
		return require_whole_file(fd, path, err);
	rc = skt_listing_read(fd, path, &listing, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < listing.n && !rc; i++) {
		int file = skt_listed_open(fd, &listing.files[i], err);

		rc = file < 0 ? file : require_whole_file(file, listing.files[i].path, err);
		if (file >= 0)
			close(file);
	}
	skt_listing_release(&listing);
	return rc;
}

void recording_close(struct recording *recording)
{
	if (recording->fd >= 0)
		close(recording->fd);
	free(recording->path);
}

enum skt_zone recording_zone(const struct skt_file *file)
{
	const char *zone = skt_header_fact(skt_file_header(file), "host.zone");

	if (!zone) {
		cli_say("%s: the zone of the recorded host is not known; times are UTC", skt_file_name(file));
		return SKT_ZONE_UTC;
	}
	if (!cli_is_zone(zone)) {
		cli_say("%s: the zone of the recorded host is '%s', which this machine does not know: name another (--tz)",
			skt_file_name(file), zone);
		exit(cli_trouble());
	}
	return cli_zone(zone);
}

/* Of files of a directory, not of bytes in one. */
static bool is_between(const struct skt_damage *damage)
{
	return damage->restart || damage->unreadable || damage->unchained || damage->files;
}

static bool is_that(const struct skt_damage *damage, const struct skt_err *err)
{
	struct skt_err in_file;

	/* a long path is cut there as it is here */
	skt_err_init(&in_file);
	skt_err_at(&in_file, damage->file, -1);
	if (damage->file && strcmp(in_file.path, err->path) != 0)
		return false;
	if (err->position >= 0 && damage->offset != (uint64_t)err->position)
		return false;
	/* where no byte is wrong but blocks are missing, the block that stands there may be wrong by itself */
	if (err->position >= 0)
		return damage->length || damage->gap || err->code == -EILSEQ;
	/* a file that vanished while it was read has no position either, and is none of these */
	switch (err->code) {
	case -ERESTART:
		return damage->restart;
	case -ENODATA:
		return damage->files != 0;
	case -EBADMSG:
		return damage->unchained;
	default:
		return false;
	}
}

const struct skt_damage *recording_known(const struct skt_file *file, const struct skt_err *err)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(file, &n);

	for (size_t i = 0; i < n; i++)
		if (is_that(&damage[i], err))
			return &damage[i];
	return NULL;
}

void recording_tell_damage(const char *name, const struct skt_damage *damage, size_t n, enum skt_zone zone)
{
	for (size_t i = 0; i < n; i++) {
		bool one = damage[i].snapshots == 1;
		struct skt_buf line;

		skt_buf_init(&line);
		if (damage[i].restart)
			skt_buf_text(&line, "the recorder was started again");
		else if (damage[i].unreadable)
			skt_buf_text(&line, "cannot be read, and may be a part of this recording");
		else if (damage[i].unchained)
			skt_buf_text(&line, "does not follow from the file before it: one of them was changed, "
					    "shortened or exchanged");
		else if (damage[i].files)
			skt_buf_printf(&line, "%llu file%s missing before it", (unsigned long long)damage[i].files,
				       damage[i].files == 1 ? " is" : "s are");
		else if (damage[i].why)
			skt_buf_printf(&line, "%llu bytes are what was written, and cannot be read: %s",
				       (unsigned long long)damage[i].length, damage[i].why);
		else if (damage[i].gap)
			skt_buf_text(&line, "gap: the recorder could not write");
		else if (damage[i].newer)
			skt_buf_printf(&line, "%llu bytes need a newer program", (unsigned long long)damage[i].length);
		else if (damage[i].facts)
			skt_buf_printf(&line, "%llu bytes are damaged: the facts of the header are lost",
				       (unsigned long long)damage[i].length);
		else if (!damage[i].length && damage[i].snapshots)
			skt_buf_text(&line, "blocks are missing here");
		else if (!damage[i].length)
			skt_buf_text(&line, "the index does not agree with the blocks");
		else
			skt_buf_printf(&line, "%llu bytes are %s", (unsigned long long)damage[i].length,
				       damage[i].torn ? "the beginning of a block that was not finished" : "damaged");
		if (damage[i].snapshots && !damage[i].why)
			skt_buf_printf(&line, ", %llu snapshot%s %s", (unsigned long long)damage[i].snapshots,
				       one ? "" : "s",
				       damage[i].newer ? "cannot be read"
				       : one	       ? "is lost"
						       : "are lost");
		if (damage[i].after != INT64_MIN) {
			skt_buf_text(&line, ", after ");
			skt_time_format(&line, damage[i].after, zone);
		}
		if (damage[i].until != INT64_MAX) {
			skt_buf_text(&line, ", before ");
			skt_time_format(&line, damage[i].until, zone);
		}
		skt_buf_byte(&line, '\0');
		if (!line.failed && is_between(&damage[i]))
			cli_say("%s: %s", damage[i].file, (char *)line.data);
		else if (!line.failed)
			cli_say("%s:%llu: %s", damage[i].file ? damage[i].file : name,
				(unsigned long long)damage[i].offset, (char *)line.data);
		skt_buf_release(&line);
	}
}

void recording_tell_marks(const char *name)
{
	cli_say("%s: marks may be missing: a block that is or may be one is damaged", name);
}

/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A cursor in a directory stands in one of its files, and only that one is open. It reads it as if there were no other;
 * here is what it does where one ends.
 *
 *	file->groups, read when the directory was opened, are the part's; here is a copy with a descriptor of its own,
 *	so that the directory stays as it is for all its cursors
 */

void cursor_leave(struct skt_cursor *cursor)
{
	cursor_stop_ahead(cursor);
	if (cursor->here.fd >= 0) {
		close(cursor->here.fd);
		cursor->here.fd = -1;
		header_release(&cursor->here.header);
	}
	if (cursor->come) {
		close(cursor->come->fd);
		skt_file_free(cursor->come);
		cursor->come = NULL;
	}
}

static void begin(struct skt_cursor *cursor, bool keep)
{
	bool has_now = cursor->has_now;

	cursor_begin(cursor);
	cursor->has_now = keep && has_now;
	cursor->looked = false;
}

void cursor_enter(struct skt_cursor *cursor, size_t part, bool keep)
{
	const struct dir_part *to = &cursor->whole->parts[part];

	if (cursor->here.fd < 0 || part != cursor->part)
		cursor_leave(cursor);
	cursor->part = part;
	cursor->base = to->listed.snapshots_before;
	cursor->file = cursor->here.fd < 0 ? to->file : &cursor->here;
	begin(cursor, keep);
}

/* Whether this is the file that was listed: another may have its name by now. */
static int open_again(struct skt_file *here, const struct dir_part *part, struct skt_err *err)
{
	struct stat status;
	int rc;

	memset(&here->header, 0, sizeof(here->header));
	if (fstat(here->fd, &status))
		return skt_err_sys(err, -errno, "cannot stat");
	here->size = (uint64_t)status.st_size;
	rc = file_read_header(here, err);
	here->size = part->file->size;
	if (!rc && (memcmp(here->header.recording_id, part->listed.recording_id, sizeof(part->listed.recording_id)) ||
		    here->header.file_number != part->listed.number)) {
		header_release(&here->header);
		rc = skt_err_set(err, -ESTALE, "another file is there now");
	}
	return rc;
}

/*
 * It is gone, or is not what it was: what was in it is lost to this cursor. Opening found no such thing, so its code is
 * none that tell() has.
 */
static int lose(struct skt_cursor *cursor, int code, struct skt_err *err)
{
	const struct skt_file *file = cursor->file;

	if (code == -ENOENT && file->n_groups)
		code = skt_err_set(err, -ESTALE,
				   "file was dropped while it was read; snapshots #%llu to #%llu are lost",
				   (unsigned long long)(cursor->base + file->groups[0].number),
				   (unsigned long long)(cursor->base + file->span.number));
	else if (code == -ENOENT)
		code = skt_err_set(err, -ESTALE, "file was dropped while it was read");
	else if (code == -EBADMSG || code == -ENODATA)
		code = -ESTALE;
	if (err)
		err->code = code;
	skt_err_at(err, file->name, -1);
	cursor_rewind(cursor, file->n_groups);
	cursor->ended = true;
	return code;
}

int cursor_reach(struct skt_cursor *cursor, struct skt_err *err)
{
	const struct dir_part *part;
	int fd, rc;

	/* one that is lost was ended, and stays so */
	if (cursor->come || cursor->here.fd >= 0 || cursor->ended)
		return 0;
	part = &cursor->whole->parts[cursor->part];
	fd = skt_listed_open(cursor->whole->fd, &part->listed, err);
	if (fd < 0)
		return lose(cursor, fd, err);
	cursor->here = *part->file;
	cursor->here.fd = fd;
	rc = open_again(&cursor->here, part, err);
	if (rc) {
		close(fd);
		cursor->here.fd = -1;
		return lose(cursor, rc, err);
	}
	cursor->file = &cursor->here;
	return 0;
}

/* What is told of a border; 1: nothing, the recorder went on. */
static int tell(const struct skt_cursor *cursor, enum part_link link, uint64_t before, uint64_t last,
		struct skt_err *err)
{
	uint64_t number = cursor->file->header.file_number;
	int rc;

	switch (link) {
	case LINK_RESTART:
		rc = skt_err_set(err, -ERESTART, "the recorder was started again here");
		break;
	case LINK_MISSING:
		if (cursor->base > last)
			rc = skt_err_set(err, -ENODATA,
					 "files from %llu to %llu are missing; snapshots #%llu to #%llu are lost",
					 (unsigned long long)before + 1, (unsigned long long)number - 1,
					 (unsigned long long)last + 1, (unsigned long long)cursor->base);
		else
			rc = skt_err_set(err, -ENODATA, "files from %llu to %llu are missing",
					 (unsigned long long)before + 1, (unsigned long long)number - 1);
		break;
	case LINK_BROKEN:
		rc = skt_err_set(err, -EBADMSG,
				 "file %llu does not follow from the one before it: "
				 "one of them was changed, shortened or exchanged",
				 (unsigned long long)number);
		break;
	default:
		return 1;
	}
	skt_err_at(err, cursor->file->name, -1);
	return rc;
}

/* Number of the last snapshot that its file is known to hold. */
static uint64_t last_number(const struct skt_cursor *cursor)
{
	uint64_t read = cursor->number ? cursor->number - 1 : 0;

	return cursor->base + (cursor->file->span.number > read ? cursor->file->span.number : read);
}

static int enter_next(struct skt_cursor *cursor, struct skt_err *err)
{
	uint64_t before = cursor->file->header.file_number, last = last_number(cursor);
	enum part_link link = cursor->whole->parts[cursor->part + 1].link;

	cursor_enter(cursor, cursor->part + 1, link == LINK_GOES_ON);
	return tell(cursor, link, before, last, err);
}

/* The next file by number that is in the directory now: 1, 0 none yet, or a negative errno. */
static int look_for_next(const struct skt_cursor *cursor, struct skt_file **ret, struct skt_err *err)
{
	const struct skt_file *whole = cursor->whole;
	uint64_t number = cursor->file->header.file_number;
	struct skt_listing listing;
	int fd, rc = skt_listing_read(whole->fd, whole->name, &listing, err);
	size_t i = 0;

	if (rc)
		return rc;
	while (i < listing.n && listing.files[i].number <= number)
		i++;
	if (i < listing.n) {
		fd = skt_listed_open(whole->fd, &listing.files[i], err);
		rc = fd < 0 ? fd : skt_file_open(fd, listing.files[i].path, 0, ret, err);
		if (rc && fd >= 0)
			close(fd);
		/* dropped since, or its header is being written */
		rc = rc == -ENOENT || rc == -ENODATA ? 0 : rc ? rc : 1;
	}
	skt_listing_release(&listing);
	return rc;
}

/* A cursor stays in front of an end block. */
static uint64_t end_of_last(const struct skt_cursor *cursor)
{
	struct block_head head;

	if (cursor->ended && file_read_head(cursor->file, cursor->offset, &head) > 0 && head.type == BLOCK_END)
		return cursor->offset + BLOCK_SIZE(&head);
	return cursor->offset;
}

static int enter_come(struct skt_cursor *cursor, struct skt_file *come, struct skt_err *err)
{
	uint64_t before = cursor->file->header.file_number, last = last_number(cursor);
	uint8_t chain[CHAIN_SIZE] = { 0 };
	int link = LINK_BROKEN;

	/* a file that is lost has nothing to compare with */
	if (!file_chain(cursor->file, end_of_last(cursor), chain))
		link = dir_link(&cursor->file->header, chain, &come->header, true);
	/* it is in the same directory, and newer: what it does not follow from is told */
	if (link < 0)
		link = come->header.file_number > before + 1 ? LINK_MISSING : LINK_BROKEN;
	cursor_leave(cursor);
	cursor->part = cursor->whole->n_parts;
	cursor->come = come;
	cursor->file = come;
	cursor->base = come->header.snapshots_before;
	begin(cursor, link == LINK_GOES_ON);
	return tell(cursor, (enum part_link)link, before, last, err);
}

int cursor_cross(struct skt_cursor *cursor, int end, struct skt_err *err)
{
	struct skt_file *come = NULL;
	int rc;

	if (cursor->part + 1 < cursor->whole->n_parts)
		return enter_next(cursor, err);
	/* the next file is begun when this one is ended, or by another run when this one's recorder is gone */
	if (!cursor->follow || (!cursor->ended && file_is_locked(cursor->file->fd)))
		return end;
	rc = look_for_next(cursor, &come, err);
	if (!come)
		return rc < 0 ? rc : -EAGAIN;
	/* begun, but not gone on in yet: was the recorder killed just then, it never will be */
	if (!cursor->ended && come->size == come->begin) {
		close(come->fd);
		skt_file_free(come);
		return -EAGAIN;
	}
	/* it may have written more between the last look and its end */
	if (!cursor->ended && !cursor->looked) {
		cursor->looked = true;
		close(come->fd);
		skt_file_free(come);
		return 1;
	}
	return enter_come(cursor, come, err);
}

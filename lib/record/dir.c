/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A directory of recordings as one. Each file is opened as any other, once, to learn what groups it has, and closed
 * again:
 *
 *	part 0 (file 5)     part 1 (file 6)     part 2 (file 8)
 *	group group group | group group group | group ...
 *	                  ^ LINK_GOES_ON      ^ LINK_MISSING: file 7
 *
 * Whether they belong together is asked for each pair of neighbours. The chain decides; where it is broken, for a
 * file is damaged or missing, the id of the recorder's run does, and last the machine, for it may be that just the
 * file is damaged that a new run went on from.
 */

int dir_link(const struct skt_header *before, const uint8_t chain[CHAIN_SIZE], const struct skt_header *next,
	     bool same_machine)
{
	bool same_run = !memcmp(before->recording_id, next->recording_id, sizeof(next->recording_id));
	bool is_next = next->file_number == before->file_number + 1;

	if (is_next && !memcmp(chain, next->chain_before, CHAIN_SIZE))
		return same_run ? LINK_GOES_ON : LINK_RESTART;
	if (next->file_number <= before->file_number)
		return -ENOTUNIQ;
	if (is_next && (same_run || same_machine))
		return LINK_BROKEN;
	return same_run ? LINK_MISSING : -ENOTUNIQ;
}

static void part_release(struct dir_part *part)
{
	skt_file_free(part->file);
	free(part->listed.path);
}

/* Take over what is listed; what is known of it stays when it is closed again. */
static int part_open(struct skt_file *dir, struct skt_listed *listed, unsigned flags, struct dir_part *ret,
		     struct skt_err *err)
{
	struct dir_part part = { 0 };
	const char *machine;
	int fd = skt_listed_open(dir->fd, listed, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = skt_file_open(fd, listed->path, flags & ~(unsigned)SKT_OPEN_STRICT, &part.file, err);
	if (!rc)
		rc = file_chain(part.file, part.file->span.bytes, part.chain);
	close(fd);
	if (rc) {
		skt_file_free(part.file);
		return rc;
	}
	part.file->fd = -1;
	machine = skt_header_fact(&part.file->header, "host.machine_id_sha256");
	if (machine && strlen(machine) < sizeof(part.machine))
		memcpy(part.machine, machine, strlen(machine) + 1);
	part.listed = *listed;
	listed->path = NULL;
	*ret = part;
	return 0;
}

static bool is_same_machine(const struct dir_part *a, const struct dir_part *b)
{
	return a->machine[0] && !strcmp(a->machine, b->machine);
}

static int say_several(const struct dir_part *a, const struct dir_part *b, struct skt_err *err)
{
	return skt_err_set(err, -ENOTUNIQ, "not one recording: '%s', file %llu, does not follow from '%s', file %llu",
			   b->listed.name, (unsigned long long)b->file->header.file_number, a->listed.name,
			   (unsigned long long)a->file->header.file_number);
}

static bool chains(const struct dir_part *before, const struct skt_listed *next)
{
	return before->listed.number + 1 == next->number && !memcmp(before->chain, next->chain_before, CHAIN_SIZE);
}

/*
 * Two files with one number: the one that chains, and the other does not, is of this recording. What chains is told by
 * the file before them, and where that is not there, by one that comes after. 1 the last part is replaced by `part`, 0
 * part is the stranger, -ENOTUNIQ.
 */
static int choose(const struct skt_file *dir, const struct dir_part *part, const struct skt_listing *listing)
{
	const struct dir_part *last = &dir->parts[dir->n_parts - 1];
	bool first = false, second = false;

	if (dir->n_parts > 1) {
		first = chains(last - 1, &last->listed);
		second = chains(last - 1, &part->listed);
	}
	for (size_t i = 0; i < listing->n && first == second; i++) {
		first |= listing->files[i].path && chains(last, &listing->files[i]);
		second |= listing->files[i].path && chains(part, &listing->files[i]);
	}
	return first == second ? -ENOTUNIQ : second;
}

/*
 * The recorder ends a file once the header of the next is there. Was it killed in between (or is just there), the file
 * before has no end, and the next one, which says what that would have been, has nothing in it: it is not needed, and
 * nothing was changed. Unless it says that there were more snapshots before it: then the end of that file was cut off.
 */
static bool was_only_begun(const struct dir_part *before, const struct dir_part *part)
{
	uint64_t number = before->listed.snapshots_before + before->file->span.number;
	size_t n = before->file->n_damage;

	/* the last that the recorder says may be a gap, which is in no group */
	if (n && before->file->damage[n - 1].gap && before->file->damage[n - 1].until == INT64_MAX)
		number += before->file->damage[n - 1].snapshots;
	return !before->file->span.ended && part->file->size == part->file->begin &&
	       part->listed.snapshots_before <= number;
}

static int add_part(struct skt_file *dir, struct dir_part *part, const struct skt_listing *listing, struct skt_err *err)
{
	struct dir_part *last = dir->n_parts ? &dir->parts[dir->n_parts - 1] : NULL;
	int link = LINK_FIRST, which;

	if (last && last->listed.number == part->listed.number) {
		which = choose(dir, part, listing);
		if (which < 0)
			return say_several(last, part, err);
		dir->span.others++;
		if (!which) {
			part_release(part);
			return 0;
		}
		part_release(last);
		last = --dir->n_parts ? last - 1 : NULL;
	}
	if (last) {
		link = dir_link(&last->file->header, last->chain, &part->file->header, is_same_machine(last, part));
		if (link < 0)
			return say_several(last, part, err);
		if (link == LINK_BROKEN && was_only_begun(last, part)) {
			dir->span.others++;
			part_release(part);
			return 0;
		}
		/* a cursor reads those of the file it is in; thousands are not kept */
		header_release(&last->file->header);
	}
	part->link = (enum part_link)link;
	if (array_room(&dir->parts, &dir->room_parts, dir->n_parts + 1, sizeof(*dir->parts)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	dir->parts[dir->n_parts++] = *part;
	return 0;
}

static int tell_unreadable(struct skt_file *dir, struct skt_listed *listed)
{
	struct skt_damage damage = { .after = INT64_MIN, .until = INT64_MAX, .unreadable = true, .file = listed->path };
	int rc = file_add_damage(dir, &damage);

	if (rc)
		return rc;
	/* its name is kept as that of a part is: dir_release() knows it by this */
	listed->path = NULL;
	return 0;
}

static int open_parts(struct skt_file *dir, struct skt_listing *listing, unsigned flags, struct skt_err *err)
{
	uint64_t groups = 0;
	int rc = 0;

	for (size_t i = 0; i < listing->n && !rc; i++) {
		struct skt_listed *listed = &listing->files[i];
		struct dir_part part;

		rc = listed->error ? listed->error : part_open(dir, listed, flags, &part, err);
		if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE || rc == -E2BIG)
			break;
		/* dropped since it was listed: the recorder does so with the oldest */
		if (rc) {
			rc = rc == -ENOENT ? 0 : tell_unreadable(dir, listed);
			continue;
		}
		groups += part.file->n_groups;
		rc = groups > SKT_GROUPS_MAX ? skt_err_set(err, -E2BIG, "too many groups")
					     : add_part(dir, &part, listing, err);
		if (rc)
			part_release(&part);
	}
	if (rc == -ENOMEM)
		skt_err_set(err, rc, "out of memory");
	return rc;
}

/* The border before a part. */
static struct skt_damage border(const struct skt_file *dir, size_t i)
{
	const struct dir_part *before = &dir->parts[i - 1], *part = &dir->parts[i];
	uint64_t number = before->listed.snapshots_before + before->file->span.number;
	struct skt_damage damage = {
		.after = before->file->n_groups ? before->file->span.last : INT64_MIN,
		.until = part->file->n_groups ? part->file->span.first : INT64_MAX,
		.file = part->listed.path,
		.unchained = part->link == LINK_BROKEN,
		.restart = part->link == LINK_RESTART,
	};

	if (part->link == LINK_MISSING)
		damage.files = part->listed.number - before->listed.number - 1;
	if (part->listed.snapshots_before > number && !damage.restart)
		damage.snapshots = part->listed.snapshots_before - number;
	return damage;
}

/* Files before the first that is there, of which no other says that they were dropped. */
static struct skt_damage missing_first(const struct skt_file *dir)
{
	const struct dir_part *first = &dir->parts[0];
	uint64_t before = first->listed.number - 1, dropped = dir->span.dropped_files;

	return (struct skt_damage){
		.after = INT64_MIN,
		.until = first->file->n_groups ? first->file->span.first : INT64_MAX,
		.file = first->listed.path,
		.files = before - dropped,
		/* those of the dropped are counted with them */
		.snapshots = dropped ? 0 : first->listed.snapshots_before,
	};
}

static int gather_damage(struct skt_file *dir)
{
	struct skt_damage missing = missing_first(dir);
	int rc = missing.files ? file_add_damage(dir, &missing) : 0;

	for (size_t i = 0; i < dir->n_parts && !rc; i++) {
		const struct dir_part *part = &dir->parts[i];

		if (part->link > LINK_GOES_ON) {
			struct skt_damage damage = border(dir, i);

			rc = file_add_damage(dir, &damage);
		}
		for (size_t k = 0; k < part->file->n_damage && !rc; k++) {
			struct skt_damage damage = part->file->damage[k];

			damage.file = part->listed.path;
			rc = file_add_damage(dir, &damage);
		}
	}
	return rc;
}

/* Where the recorder went on without a pause, the last snapshot of a file is in force until the first of the next. */
static void join_ends(struct skt_file *dir)
{
	for (size_t i = 1; i < dir->n_parts; i++) {
		struct skt_file *before = dir->parts[i - 1].file, *file = dir->parts[i].file;

		if (dir->parts[i].link == LINK_GOES_ON && file->n_groups && before->n_groups &&
		    file->span.first > before->span.last)
			before->span.end = file->span.first;
	}
}

static void add_span(struct skt_span *sum, const struct dir_part *part)
{
	const struct skt_span *span = &part->file->span;

	sum->snapshots += span->snapshots;
	sum->groups += span->groups;
	sum->bytes += span->bytes;
	sum->missed += span->missed;
	sum->newer_blocks += span->newer_blocks;
	sum->newer_snapshots += span->newer_snapshots;
	sum->indexed &= span->indexed;
	sum->ended = span->ended;
	sum->live = span->live;
	sum->runs += part->link == LINK_FIRST || part->link == LINK_RESTART;
	for (unsigned kind = 0; kind < SKT_BLOCK_KINDS; kind++) {
		sum->kinds[kind].blocks += span->kinds[kind].blocks;
		sum->kinds[kind].bytes += span->kinds[kind].bytes;
	}
	if (!part->file->n_groups)
		return;
	if (!sum->number) {
		sum->first = span->first;
		sum->number_first = part->listed.snapshots_before + span->number_first;
	}
	sum->last = span->last;
	sum->end = span->end;
	sum->number = part->listed.snapshots_before + span->number;
}

static void measure(struct skt_file *dir)
{
	struct skt_span *sum = &dir->span;

	sum->indexed = true;
	for (size_t i = 0; i < dir->n_parts; i++)
		add_span(sum, &dir->parts[i]);
	sum->files = dir->n_parts;
}

/* What was dropped before the first file that is there. */
static void measure_dropped(struct skt_file *dir, uint64_t dropped)
{
	const struct skt_listed *first = &dir->parts[0].listed;

	if (dropped < first->number - 1) {
		dir->span.dropped_files = dropped;
		return;
	}
	dir->span.dropped_files = first->number - 1;
	dir->span.dropped_snapshots = first->snapshots_before;
}

static bool is_whole(const struct skt_file *dir)
{
	bool whole = dir->span.ended || dir->span.live;

	for (size_t i = 0; i < dir->n_damage; i++)
		whole &= dir->damage[i].restart;
	for (size_t i = 0; i + 1 < dir->n_parts; i++)
		whole &= dir->parts[i].file->span.ended;
	return whole;
}

int dir_open(struct skt_file *dir, unsigned flags, struct skt_err *err)
{
	struct skt_listing listing;
	uint64_t dropped;
	int rc = skt_listing_read(dir->fd, dir->name, &listing, err);

	if (rc)
		return rc;
	dropped = listing.dropped;
	dir->span.others = listing.others;
	rc = open_parts(dir, &listing, flags, err);
	skt_listing_release(&listing);
	if (!rc && !dir->n_parts)
		rc = skt_err_set(err, -ENOENT, "there is no recording in this directory");
	if (!rc)
		measure_dropped(dir, dropped);
	if (!rc && gather_damage(dir))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	join_ends(dir);
	measure(dir);
	if (flags & SKT_OPEN_STRICT && !is_whole(dir))
		rc = skt_err_set(err, -EBADMSG, "recording is not whole: see sockquery --verify");
	return rc;
}

void dir_release(struct skt_file *dir)
{
	for (size_t i = 0; i < dir->n_damage; i++)
		if (dir->damage[i].unreadable)
			free((char *)dir->damage[i].file);
	for (size_t i = 0; i < dir->n_parts; i++)
		part_release(&dir->parts[i]);
	free(dir->parts);
}

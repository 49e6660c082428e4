/* SPDX-License-Identifier: MIT */
#include "verifying.h"

#include "cli.h"
#include "info_lines.h"
#include "recording.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* What a directory's verdict is made of. */
struct verified {
	enum skt_verdict verdict;
	bool has_chain;
	bool newer; /* some of it only a newer program can read */
	uint64_t blocks;
	uint64_t numbers;	       /* of snapshots that it has, whether or not they can be read */
	uint8_t chain[SKT_CHAIN_SIZE]; /* of its last good block */
};

/* A value that was written down vouches for what is before it only where nothing there is damaged. */
static void chain_line(struct skt_buf *out, const struct skt_verification *found)
{
	skt_buf_printf(out, "%-24s ", "chain asked for");
	if (found->has_chain || !found->found_chain)
		skt_buf_text(out, found->has_chain ? "is in it" : "is not in it");
	else if (found->damaged_before)
		skt_buf_printf(out, "found, but %" PRIu64 " bytes before it are damaged", found->damaged_before);
	else
		skt_buf_text(out, "found, but blocks before it are missing");
	skt_buf_byte(out, '\n');
}

/* As verify_recording(); where ret is not NULL, a chain value is only looked for. */
static int verify_file(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		       struct verified *ret, struct skt_err *err)
{
	struct skt_verification found;
	int rc = skt_verify(fd, path, chain, &found, err);
	bool good;

	if (rc)
		return rc;
	good = found.verdict == SKT_WHOLE || found.verdict == SKT_LIVE;
	skt_buf_printf(out, "%s ", skt_verdict_name(found.verdict));
	cli_line(out, path);
	number_line(out, "blocks", found.blocks);
	number_line(out, "snapshots", found.snapshots);
	if (found.gaps)
		skt_buf_printf(out, "%-24s %" PRIu64 ", %" PRIu64 " snapshots could not be written\n", "gaps",
			       found.gaps, found.unwritten);
	hex_line(out, "chain", found.chain, sizeof(found.chain));
	hex_line(out, "sha256", found.file, sizeof(found.file));
	if (chain && !ret) {
		chain_line(out, &found);
		good &= found.has_chain;
	}
	if (found.newer_blocks)
		skt_buf_printf(out, "%-24s %" PRIu64 " blocks, %" PRIu64 " snapshots\n", "for a newer program",
			       found.newer_blocks, found.newer_snapshots);
	cli_write(out);
	recording_tell_damage(path, found.damage, found.n_damage, zone);
	if (ret) {
		ret->verdict = found.verdict;
		ret->has_chain = found.has_chain;
		ret->newer = found.newer_blocks != 0;
		ret->blocks = found.blocks;
		ret->numbers = found.snapshots + found.unwritten + found.newer_snapshots;
		memcpy(ret->chain, found.chain, sizeof(ret->chain));
	}
	skt_verification_release(&found);
	return !good ? 1 : found.newer_blocks ? 2 : 0;
}

int verify_recording(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct skt_err *err)
{
	return verify_file(fd, path, chain, out, zone, NULL, err);
}

/* What is to be said of a file and the one before it; good ones are not named. False: something is wrong. */
static bool check_border(const struct skt_listed *before, const uint8_t *chain, const struct skt_listed *file,
			 uint64_t *runs)
{
	bool same_run = !memcmp(before->recording_id, file->recording_id, sizeof(file->recording_id));

	*runs += !same_run;
	if (file->number == before->number)
		cli_say("%s: has number %llu, as %s has", file->path, (unsigned long long)file->number, before->path);
	else if (file->number != before->number + 1)
		cli_say("%s: %llu file%s missing before it", file->path,
			(unsigned long long)(file->number - before->number - 1),
			file->number - before->number == 2 ? " is" : "s are");
	else if (!chain || memcmp(chain, file->chain_before, SKT_CHAIN_SIZE) != 0)
		cli_say("%s: does not follow from %s: one of them was changed, shortened or exchanged", file->path,
			before->path);
	else
		return true;
	return false;
}

/* A directory's files, verified one after the other. */
struct verifying {
	const uint8_t *wanted; /* chain value, NULL none */
	bool found;	       /* and nothing is wrong before it */
	bool good;	       /* every file */
	bool intact;	       /* so far */
	bool several;	       /* recordings, each a beginning: there are no borders */
	bool newer;	       /* and some of it only a newer program can read */
	uint64_t broken;       /* borders */
	uint64_t runs;
};

static bool verify_one(int fd, const struct skt_listed *listed, const uint8_t *chain, struct skt_buf *out,
		       enum skt_zone zone, struct verified *ret)
{
	struct skt_err err;
	int file, rc;

	skt_err_init(&err);
	file = skt_listed_open(fd, listed, &err);
	rc = file < 0 ? file : verify_file(file, listed->path, chain, out, zone, ret, &err);
	if (file >= 0)
		close(file);
	if (rc < 0)
		cli_err(&err);
	return rc >= 0;
}

/*
 * Begun when the recorder was killed, before it ended the file before: nothing is in it, and that file has no end. It
 * says which chain value that end would have had, so it does not follow, and nothing was changed. Unless it says that
 * there were more snapshots before it.
 */
static bool was_only_begun(const struct verified *before, const struct verified *file, const struct skt_listed *last,
			   const struct skt_listed *listed)
{
	return before->verdict == SKT_OPEN && file->verdict == SKT_OPEN && !file->blocks && last &&
	       listed->snapshots_before <= last->snapshots_before + before->numbers;
}

static void verify_files(struct verifying *verifying, int fd, const struct skt_listing *listing, struct skt_buf *out,
			 enum skt_zone zone)
{
	const struct skt_listed *last = NULL;
	struct verified before = { 0 };
	bool could = false;

	for (size_t i = 0; i < listing->n; i++) {
		const struct skt_listed *listed = &listing->files[i];
		struct verified verified = { 0 };
		bool can = verify_one(fd, listed, verifying->wanted, out, zone, &verified), follows = true;
		bool cut = verified.verdict == SKT_OPEN || verified.verdict == SKT_TORN;

		verifying->good &= can;
		/* where in the order it belongs is not known */
		if (listed->error)
			continue;
		if (could && can && i + 1 == listing->n && was_only_begun(&before, &verified, last, listed)) {
			cli_say("%s: was begun, and nothing was recorded in it", listed->path);
			verifying->good = false;
			break;
		}
		if (last && !verifying->several)
			follows = check_border(last, could ? before.chain : NULL, listed, &verifying->runs);
		verifying->broken += !follows;
		/* that no more of a file was cut off, the next one says that was begun after it */
		verifying->good &= verified.verdict == SKT_WHOLE || verified.verdict == SKT_LIVE ||
				   (cut && i + 1 < listing->n && !verifying->several);
		verifying->found |= can && verified.has_chain && verifying->intact && !verifying->broken;
		verifying->intact &= can && verified.verdict != SKT_DAMAGED;
		verifying->newer |= verified.newer;
		last = listed;
		could = can;
		before = verified;
	}
}

/* The first one whose number is known; NULL: there is none. */
static const struct skt_listed *first_of(const struct skt_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		if (!listing->files[i].error)
			return &listing->files[i];
	return NULL;
}

/* Files before the first one that is there: how many some file says were dropped, and how many nobody does. */
static uint64_t dropped_first(const struct skt_listing *listing, uint64_t *ret_missing)
{
	const struct skt_listed *first = first_of(listing);
	uint64_t before = first ? first->number - 1 : 0;
	uint64_t dropped = listing->dropped < before ? listing->dropped : before;

	*ret_missing = before - dropped;
	return dropped;
}

/* Whether no file says that it follows from another: then they are several recordings, and none is missing. */
static bool are_beginnings(const struct skt_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		if (listing->files[i].error || listing->files[i].number != 1)
			return false;
	return listing->n > 1;
}

int verify_directory(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct skt_err *err)
{
	struct skt_listing listing;
	uint64_t dropped, missing;
	struct verifying verifying = { .wanted = chain, .good = true, .intact = true, .runs = 1 };
	bool good;
	int rc = skt_listing_read(fd, path, &listing, err);

	if (rc)
		return rc;
	if (!listing.n) {
		skt_listing_release(&listing);
		skt_err_set(err, -ENOENT, "there is no recording in this directory");
		return skt_err_at(err, path, -1);
	}
	verifying.several = are_beginnings(&listing);
	dropped = dropped_first(&listing, &missing);
	if (missing)
		cli_say("%s: %llu file%s missing before it", first_of(&listing)->path, (unsigned long long)missing,
			missing == 1 ? " is" : "s are");
	verifying.broken += missing != 0;
	verify_files(&verifying, fd, &listing, out, zone);
	good = verifying.good && !verifying.broken;
	skt_buf_printf(out, "%s ", verifying.broken ? "BROKEN" : verifying.several ? "SEVERAL" : "CHAINED");
	cli_line(out, path);
	number_line(out, "files", listing.n);
	if (!verifying.several) {
		number_line(out, "runs of the recorder", verifying.runs);
		number_line(out, "dropped before", dropped);
	}
	number_line(out, "other files", listing.others);
	if (chain) {
		text_line(out, "chain asked for", verifying.found ? "is in it" : "is not in it");
		good &= verifying.found;
	}
	skt_listing_release(&listing);
	cli_write(out);
	return !good ? 1 : verifying.newer ? 2 : 0;
}

/* SPDX-License-Identifier: MIT */
#include "info.h"

#include "cli.h"
#include "recording.h"

#include <skt/escape.h>
#include <skt/tree.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void text_line(struct skt_buf *out, const char *name, const char *value)
{
	skt_buf_printf(out, "%-24s ", name);
	cli_line(out, value);
}

static void number_line(struct skt_buf *out, const char *name, uint64_t value)
{
	skt_buf_printf(out, "%-24s %" PRIu64 "\n", name, value);
}

static void time_line(struct skt_buf *out, const char *name, int64_t when, enum skt_zone zone)
{
	skt_buf_printf(out, "%-24s ", name);
	skt_time_format(out, when, zone);
	skt_buf_byte(out, '\n');
}

static void duration_line(struct skt_buf *out, const char *name, int64_t ns)
{
	skt_buf_printf(out, "%-24s ", name);
	skt_duration_format(out, ns);
	skt_buf_byte(out, '\n');
}

static void hex_line(struct skt_buf *out, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * SKT_CHAIN_SIZE + 1];

	cli_hex(bytes, len, hex);
	text_line(out, name, hex);
}

static void header_lines(const struct skt_header *header, bool directory, enum skt_zone zone, struct skt_buf *out)
{
	skt_buf_printf(out, "%-24s %u.%u\n", "format", header->major, header->minor);
	hex_line(out, "recording", header->recording_id, sizeof(header->recording_id));
	if (header->file_number > 1 && !directory) {
		number_line(out, "file number", header->file_number);
		number_line(out, "snapshots before", header->snapshots_before);
		hex_line(out, "chain before", header->chain_before, sizeof(header->chain_before));
	}
	for (size_t i = 0; i < header->n_facts; i++) {
		size_t before = out->len;

		/* names, too, are bytes from outside */
		skt_escape(out, header->facts[i].name, strlen(header->facts[i].name));
		skt_buf_fill(out, ' ', out->len - before < 24 ? 24 - (out->len - before) : 0);
		skt_buf_byte(out, ' ');
		cli_line(out, header->facts[i].value);
	}
	text_line(out, "source", header->live ? "a running kernel" : "a tree of files");
	duration_line(out, "interval", header->interval);
	if (header->boot_time >= 0)
		time_line(out, "booted", header->boot_time, zone);
}

static void directory_lines(const struct skt_span *span, struct skt_buf *out)
{
	number_line(out, "files", span->files);
	number_line(out, "runs of the recorder", span->runs);
	if (span->dropped_files)
		skt_buf_printf(out, "%-24s %" PRIu64 " file%s", "dropped before", span->dropped_files,
			       span->dropped_files == 1 ? "" : "s");
	if (span->dropped_snapshots)
		skt_buf_printf(out, ", %" PRIu64 " snapshots", span->dropped_snapshots);
	if (span->dropped_files)
		skt_buf_byte(out, '\n');
	number_line(out, "other files", span->others);
}

/* How many findings are listed: as many lines as a person reads. */
#define FOUND_MAX 64

/* What only reading all of it tells. */
struct totals {
	uint64_t snapshots;
	uint64_t sockets; /* over all snapshots */
	uint64_t most;
	uint64_t missed;
	uint64_t duplicates;
	uint64_t malformed;
	uint64_t denied;       /* snapshots with processes that could not be read */
	uint64_t netns_denied; /* or that may live in a network namespace which was not */
	uint64_t changes;
	uint64_t events;
	uint64_t lived, lived_heard, lived_lost, lived_more; /* processes that no look has seen */
	uint64_t heard; /* snapshots until which somebody listened to sockets that go */
	uint64_t deaf;	/* of these, not in all namespaces */
	uint64_t lost;	/* and that something was lost before */
	int64_t lost_ns;
	uint64_t holes;
	uint64_t clock_steps;
	int64_t offset;			     /* of the wall clock to boot time, at the snapshot before */
	uint64_t findings;		     /* snapshots with some */
	uint64_t sampled;		     /* rows whose text was measured */
	uint64_t sampled_text;		     /* bytes of it */
	struct skt_finding found[FOUND_MAX]; /* each once, and when it was first */
	int64_t found_at[FOUND_MAX];
	size_t n_found;
	bool more_found;
};

/* The wall clock was set: it moved against boot time by more than it can be steered between two snapshots (500 ppm, adjtimex(2)). */
#define CLOCK_STEP_NS (10 * SKT_NS_PER_MS)

static void add_clock(struct totals *totals, const struct skt_snapshot *now)
{
	int64_t offset = now->time - now->boottime;
	int64_t moved = offset - totals->offset;

	if (totals->snapshots > 1 && (moved > CLOCK_STEP_NS || moved < -CLOCK_STEP_NS))
		totals->clock_steps++;
	totals->offset = offset;
}

/* How long the tables were as text; of one snapshot in many, for to write all again would take long. */
#define SAMPLE 64

static void add_text(struct totals *totals, const struct skt_snapshot *now, bool big_endian)
{
	struct skt_buf text;

	skt_buf_init(&text);
	for (size_t i = 0; i < now->n_tables; i++) {
		skt_buf_clear(&text);
		skt_table_text(now, &now->tables[i], big_endian, &text);
		totals->sampled_text += text.len;
		totals->sampled += now->tables[i].n_rows;
	}
	skt_buf_release(&text);
}

static void add_findings(struct totals *totals, const struct skt_snapshot *now)
{
	const struct skt_quality *quality = &now->quality;

	totals->findings += quality->n_findings != 0;
	totals->more_found |= quality->more_findings != 0;
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		size_t at = 0;

		while (at < totals->n_found && !skt_finding_equal(&totals->found[at], &quality->findings[i]))
			at++;
		if (at < totals->n_found)
			continue;
		if (at == FOUND_MAX) {
			totals->more_found = true;
			continue;
		}
		totals->found[at] = quality->findings[i];
		totals->found_at[at] = now->time;
		totals->n_found++;
	}
}

static void finding_lines(const struct totals *totals, enum skt_zone zone, struct skt_buf *out)
{
	number_line(out, "with findings", totals->findings);
	for (size_t i = 0; i < totals->n_found; i++) {
		skt_buf_text(out, "  ");
		skt_time_format(out, totals->found_at[i], zone);
		skt_buf_text(out, "  ");
		skt_finding_text(&totals->found[i], out);
		skt_buf_byte(out, '\n');
	}
	if (totals->more_found)
		skt_buf_text(out, "  and more than are listed here\n");
}

static void add_events(struct totals *totals, const struct skt_step *step, const struct skt_snapshot *now)
{
	const struct skt_quality *quality = &now->quality;

	totals->events += step->n_events;
	totals->heard += quality->events_tables != 0;
	totals->deaf += quality->events_tables && quality->events_deaf;
	totals->lost += quality->events_lost_until != 0;
	totals->lost_ns += quality->events_lost_until - quality->events_lost_since;
	for (size_t i = 0; i < step->n_processes; i++)
		totals->lived += skt_change_is_lived(now, &step->processes[i]);
	totals->lived_heard += quality->lived_told;
	totals->lived_lost += quality->lived_lost;
	totals->lived_more += quality->lived_more;
}

static void event_lines(const struct totals *totals, struct skt_buf *out)
{
	number_line(out, "events", totals->events);
	if (totals->heard < totals->snapshots)
		number_line(out, "  nobody listened", totals->snapshots - totals->heard);
	if (totals->deaf)
		number_line(out, "  not in all namespaces", totals->deaf);
	if (!totals->lost)
		return;
	skt_buf_printf(out, "%-24s %llu, within ", "  some were lost", (unsigned long long)totals->lost);
	skt_duration_format(out, totals->lost_ns / SKT_NS_PER_MS * SKT_NS_PER_MS);
	skt_buf_byte(out, '\n');
}

static void lived_lines(const struct totals *totals, struct skt_buf *out)
{
	if (!totals->lived && !totals->lived_heard)
		return;
	number_line(out, "processes between", totals->lived);
	if (totals->lived_more)
		number_line(out, "  more, not recorded", totals->lived_more);
	if (totals->lived_lost)
		number_line(out, "  some were lost, at", totals->lived_lost);
}

static void add_snapshot(struct totals *totals, const struct skt_step *step, const struct skt_snapshot *now)
{
	totals->snapshots++;
	add_clock(totals, now);
	totals->sockets += now->live_socks;
	totals->most = now->live_socks > totals->most ? now->live_socks : totals->most;
	totals->missed += now->missed;
	totals->denied += now->quality.denied != 0;
	totals->netns_denied += now->quality.netns_denied != 0;
	totals->malformed += now->quality.malformed;
	add_findings(totals, now);
	add_events(totals, step, now);
	totals->changes += step->from == INT64_MIN ? 0 : step->n_socks;
	for (size_t i = 0; i < now->n_tables; i++) {
		totals->duplicates += now->tables[i].duplicates;
		totals->malformed += now->tables[i].malformed;
	}
}

/* Whether opening the file has told of this already. */
static bool is_told(const struct skt_file *file, const struct skt_err *hole)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(file, &n);

	for (size_t i = 0; i < n; i++)
		if ((int64_t)damage[i].offset == hole->position)
			return true;
	return false;
}

static int read_all(const struct skt_file *file, struct totals *totals, struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	struct skt_step *step;
	struct skt_err hole;
	int rc = skt_cursor_new(file, &cursor, err);

	while (!rc) {
		int got;

		skt_err_init(&hole);
		got = skt_cursor_next(cursor, &step, &hole);

		if (!got)
			break;
		if (got > 0) {
			const struct skt_snapshot *now = skt_cursor_snapshot(cursor);

			add_snapshot(totals, step, now);
			if (totals->snapshots % SAMPLE == 1)
				add_text(totals, now, skt_file_header(file)->big_endian);
		}
		if (got == -ENOMEM)
			rc = skt_err_set(err, got, "out of memory");
		if (got < 0 && !is_told(file, &hole))
			cli_err(&hole);
		totals->holes += got < 0 && got != -ERESTART;
	}
	skt_cursor_free(cursor);
	return rc;
}

static int mark_lines(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err)
{
	struct skt_mark *marks;
	size_t n;
	int rc = skt_file_marks(file, &marks, &n, err);

	if (rc)
		return rc;
	number_line(out, "marks", n);
	for (size_t i = 0; i < n; i++) {
		skt_buf_text(out, "  ");
		skt_time_format(out, marks[i].time, zone);
		skt_buf_printf(out, " after #%" PRIu64, marks[i].number);
		skt_buf_byte(out, *marks[i].text ? ' ' : '\n');
		if (*marks[i].text)
			cli_line(out, marks[i].text);
	}
	skt_marks_free(marks, n);
	return 0;
}

int show_info(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err)
{
	const struct skt_header *header = skt_file_header(file);
	struct skt_span span = skt_file_span(file);
	struct totals totals = { 0 };
	int rc = read_all(file, &totals, err);

	if (rc)
		return rc;
	text_line(out, "file", skt_file_name(file));
	header_lines(header, span.files != 0, zone, out);
	if (span.files)
		directory_lines(&span, out);
	number_line(out, "bytes", span.bytes);
	for (unsigned kind = 0; kind < SKT_BLOCK_KINDS; kind++)
		if (span.kinds[kind].blocks)
			skt_buf_printf(out, "  %-21s  %" PRIu64 " in %" PRIu64 " blocks\n", skt_block_kind_name(kind),
				       span.kinds[kind].bytes, span.kinds[kind].blocks);
	number_line(out, "groups", span.groups);
	number_line(out, "snapshots", span.snapshots);
	if (span.snapshots) {
		time_line(out, "first", span.first, zone);
		time_line(out, "last", span.last, zone);
		time_line(out, span.ended ? "ended" : "in force until", span.end, zone);
	}
	text_line(out, "state", span.live ? "being written" : span.ended ? "ended" : "no end: killed, copied or cut");
	number_line(out, "missed ticks", totals.missed + span.missed);
	number_line(out, "most sockets", totals.most);
	number_line(out, "socket changes", totals.changes);
	event_lines(&totals, out);
	lived_lines(&totals, out);
	if (totals.sockets)
		skt_buf_printf(out, "%-24s %.3f\n", "bytes per row", (double)span.bytes / (double)totals.sockets);
	if (totals.sampled && totals.sampled_text && totals.sockets)
		skt_buf_printf(out, "%-24s 1/%.1f (of the tables alone, without owners)\n", "against raw text",
			       (double)totals.sampled_text / (double)totals.sampled * (double)totals.sockets /
				       (double)span.bytes);
	number_line(out, "clock steps", totals.clock_steps);
	number_line(out, "duplicate rows", totals.duplicates);
	number_line(out, "malformed", totals.malformed);
	number_line(out, "with denied processes", totals.denied);
	number_line(out, "with denied namespaces", totals.netns_denied);
	finding_lines(&totals, zone, out);
	number_line(out, "holes", totals.holes);
	rc = mark_lines(file, zone, out, err);
	if (rc)
		return rc;
	return totals.holes != 0;
}

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

int verify_recording(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
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
		memcpy(ret->chain, found.chain, sizeof(ret->chain));
	}
	skt_verification_release(&found);
	return !good ? 1 : found.newer_blocks ? 2 : 0;
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
	rc = file < 0 ? file : verify_recording(file, listed->path, chain, out, zone, ret, &err);
	if (file >= 0)
		close(file);
	if (rc < 0)
		cli_err(&err);
	return rc >= 0;
}

/*
 * Begun when the recorder was killed, before it ended the file before: nothing is in it, and that file has no end. It says which chain value
 * that end would have had, so it does not follow, and nothing was changed.
 */
static bool was_only_begun(const struct verified *before, const struct verified *file)
{
	return before->verdict == SKT_OPEN && file->verdict == SKT_OPEN && !file->blocks;
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
		if (could && can && i + 1 == listing->n && was_only_begun(&before, &verified)) {
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

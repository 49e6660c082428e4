/* SPDX-License-Identifier: MIT */
#include "proc/meta.h"

#include <string.h>

/*
 * The first lines of .skt-meta: when the snapshot was taken, how well the look went, and what of the tree is made up.
 */

static void put_line_signed(struct skt_buf *out, const char *word, int64_t number)
{
	skt_buf_text(out, word);
	meta_put_signed(out, number);
	skt_buf_byte(out, '\n');
}

/* A line of one number. */
static int64_t get_line_time(struct meta *meta, const char *word)
{
	int64_t number;

	if (!meta_line(meta, word))
		meta_fail(meta);
	number = meta_time(meta);
	meta_done(meta);
	return number;
}

/* "btime NS" or "btime unknown" */
static int64_t get_btime(struct meta *meta)
{
	static const char unknown[] = " unknown";
	size_t len = sizeof(unknown) - 1;
	int64_t btime = -1;

	if (!meta_line(meta, "btime"))
		meta_fail(meta);
	if ((size_t)(meta->line.end - meta->line.at) == len && !memcmp(meta->line.at, unknown, len)) {
		meta->line.at = meta->line.end;
	} else {
		btime = meta_time(meta);
		if (btime < 0)
			meta_fail(meta);
	}
	meta_done(meta);
	return btime;
}

/* A line of one of two words. */
static bool get_line_is(struct meta *meta, const char *word, const char *yes, const char *no)
{
	const char *found = "";
	size_t len = 0;
	bool is;

	if (!meta_line(meta, word))
		meta_fail(meta);
	scan_byte(&meta->line, ' ');
	if (!meta->line.bad)
		len = scan_until(&meta->line, ' ', &found);
	is = len == strlen(yes) && !memcmp(found, yes, len);
	if (!is && (len != strlen(no) || memcmp(found, no, len) != 0))
		meta_fail(meta);
	meta_done(meta);
	return is;
}

/* What nobody looks at, or could be recorded and is not yet: for whoever wonders about a 0. */
static const char zeros[] =
	"zero stat pgrp session tty_nr tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice "
	"itrealvalue and all after starttime\n"
	"zero status Umask Ngid TracerPid Gid FDSize NSpgid NSsid Vm Rss Sig Shd Cap NoNewPrivs Seccomp ctxt_switches; "
	"effective, saved and filesystem Uid are the real one\n"
	"zero statm all\n"
	"zero ../stat all but btime\n"
	"zero ../uptime idle\n"
	"zero ../loadavg all\n"
	"zero ../vmstat all\n"
	"zero ../meminfo all but MemTotal, which is made up because programs divide by it, and all of it free\n"
	"zero ../cpuinfo all but one processor\n";

static const char *made_name(unsigned file)
{
	return file == META_MADE_UNIX ? "unix" : skt_table_kind_name(file);
}

static void get_made(struct meta *meta, uint32_t *ret)
{
	*ret = 0;
	if (!meta_line(meta, "made"))
		meta_fail(meta);
	while (meta_more(meta)) {
		const char *name;
		size_t len;
		unsigned file = 0;

		scan_byte(&meta->line, ' ');
		len = scan_until(&meta->line, ' ', &name);
		while (file <= META_MADE_UNIX &&
		       (len != strlen(made_name(file)) || memcmp(name, made_name(file), len) != 0))
			file++;
		if (file > META_MADE_UNIX)
			meta_fail(meta);
		else
			*ret |= 1u << file;
	}
	meta_done(meta);
}

static void put_findings(struct skt_buf *out, const struct skt_quality *quality)
{
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		const struct skt_finding *finding = &quality->findings[i];

		skt_buf_text(out, "\nfinding");
		meta_put_number(out, finding->kind);
		meta_put_number(out, finding->table);
		meta_put_number(out, finding->pid);
		meta_put_signed(out, finding->fd);
		meta_put_number(out, finding->inode);
		meta_put_number(out, finding->net_namespace);
	}
	if (quality->more_findings) {
		skt_buf_text(out, "\nmore_findings");
		meta_put_number(out, quality->more_findings);
	}
}

static void get_findings(struct meta *meta, struct skt_quality *ret)
{
	for (ret->n_findings = 0; meta_line(meta, "finding"); ret->n_findings++) {
		struct skt_finding *finding;

		if (ret->n_findings == SKT_FINDINGS_MAX) {
			meta_fail(meta);
			return;
		}
		finding = &ret->findings[ret->n_findings];
		finding->kind = meta_8(meta);
		finding->table = (uint8_t)meta_number(meta, SKT_TABLE_KINDS - 1);
		finding->pid = meta_32(meta);
		finding->fd = (int32_t)meta_signed(meta, INT32_MAX);
		if (finding->fd < -1)
			meta_fail(meta);
		finding->inode = meta_number(meta, UINT64_MAX);
		finding->net_namespace = meta_number(meta, UINT64_MAX);
		meta_done(meta);
	}
	ret->more_findings = 0;
	if (!meta_line(meta, "more_findings"))
		return;
	ret->more_findings = meta_32(meta);
	meta_done(meta);
}

void meta_put_head(struct skt_buf *out, const struct meta_head *head)
{
	const struct skt_quality *quality = &head->quality;

	skt_buf_printf(out, "skt-tree %u\nbyte_order %s\n", META_VERSION, head->big_endian ? "big" : "little");
	if (head->btime < 0)
		skt_buf_text(out, "btime unknown\n");
	else
		put_line_signed(out, "btime", head->btime);
	put_line_signed(out, "time", head->time);
	put_line_signed(out, "end", head->end);
	put_line_signed(out, "boottime", head->boottime);
	skt_buf_printf(out, "number %llu\nmissed %u\nquality", (unsigned long long)head->number, head->missed);
	meta_put_number(out, quality->walk);
	meta_put_number(out, quality->processes);
	meta_put_number(out, quality->links);
	meta_put_number(out, quality->denied);
	meta_put_number(out, quality->vanished);
	meta_put_number(out, quality->unsearched);
	meta_put_number(out, quality->malformed);
	meta_put_number(out, quality->walk_us);
	meta_put_number(out, quality->netns_denied);
	meta_put_signed(out, quality->checked_since);
	meta_put_number(out, quality->events_tables);
	meta_put_number(out, quality->events_deaf);
	meta_put_signed(out, quality->events_lost_since);
	meta_put_signed(out, quality->events_lost_until);
	meta_put_number(out, quality->lived_told | quality->lived_lost << 1);
	meta_put_number(out, quality->lived_more);
	put_findings(out, quality);
	skt_buf_text(out, "\nmade");
	for (unsigned file = 0; file <= META_MADE_UNIX; file++)
		if (head->made & 1u << file)
			skt_buf_printf(out, " %s", made_name(file));
	skt_buf_byte(out, '\n');
	skt_buf_text(out, zeros);
}

void meta_get_head(struct meta *meta, struct meta_head *ret)
{
	struct skt_quality *quality = &ret->quality;
	uint32_t lived;

	ret->big_endian = get_line_is(meta, "byte_order", "big", "little");
	ret->btime = get_btime(meta);
	ret->time = get_line_time(meta, "time");
	ret->end = get_line_time(meta, "end");
	ret->boottime = get_line_time(meta, "boottime");
	if (ret->boottime < 0 || !meta_line(meta, "number"))
		meta_fail(meta);
	ret->number = meta_number(meta, UINT64_MAX);
	meta_done(meta);
	if (!meta_line(meta, "missed"))
		meta_fail(meta);
	ret->missed = meta_32(meta);
	meta_done(meta);
	if (!meta_line(meta, "quality"))
		meta_fail(meta);
	quality->walk = meta_8(meta);
	quality->processes = meta_32(meta);
	quality->links = meta_32(meta);
	quality->denied = meta_32(meta);
	quality->vanished = meta_32(meta);
	quality->unsearched = meta_32(meta);
	quality->malformed = meta_32(meta);
	quality->walk_us = meta_32(meta);
	quality->netns_denied = meta_32(meta);
	quality->checked_since = meta_time(meta);
	quality->events_tables = meta_32(meta);
	quality->events_deaf = meta_32(meta);
	quality->events_lost_since = meta_time(meta);
	quality->events_lost_until = meta_time(meta);
	if (quality->events_lost_until < quality->events_lost_since ||
	    (!quality->events_lost_until && quality->events_lost_since))
		meta_fail(meta);
	lived = meta_32(meta);
	if (lived > 3)
		meta_fail(meta);
	quality->lived_told = lived & 1;
	quality->lived_lost = lived & 2;
	quality->lived_more = meta_32(meta);
	meta_done(meta);
	get_findings(meta, quality);
	get_made(meta, &ret->made);
	while (meta_line(meta, "zero"))
		continue;
}

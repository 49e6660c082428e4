/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "cli.h"
#include "folder.h"
#include "telling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

const char *const tick_names[] = { "random", "exact" };

const char *const netns_names[] = { "all", "own" };

const char *const cmdline_names[] = {
	[SKT_CMDLINE_FULL] = "full", [SKT_CMDLINE_ARGV0] = "argv0", [SKT_CMDLINE_NONE] = "none"
};

const char *const event_names[] = { "auto", "none" };

/* Unless told, a twentieth of the filesystem is left to others, and 1 GiB where that is no more than a tenth. */
#define LEAVE_SHARE UINT32_C(50000)
#define LEAVE_LEAST (UINT64_C(1) << 30)

/* How often it is seen to. */
#define ROOM_NS SKT_NS_PER_S

/* "12.5M": a size as options have it, for people. */
static const char *size_text(char ret[16], uint64_t bytes)
{
	const char *unit = "KMGTPE";

	if (bytes < 1024) {
		snprintf(ret, 16, "%u bytes", (unsigned)bytes);
		return ret;
	}
	for (; bytes >> 20; bytes >>= 10)
		unit++;
	snprintf(ret, 16, "%.1f%c", (double)bytes / 1024, *unit);
	return ret;
}

/* How much of a filesystem is left to others. */
static uint64_t to_leave(const struct recorder *recorder, uint64_t size)
{
	uint32_t millionths = recorder->min_free.told ? recorder->min_free.share : LEAVE_SHARE;
	uint64_t share = (uint64_t)((double)size * millionths / 1e6);

	if (recorder->min_free.told)
		return millionths ? share : recorder->min_free.bytes;
	return share < LEAVE_LEAST && LEAVE_LEAST <= size / 10 ? LEAVE_LEAST : share;
}

/*
 * How much room there is on the filesystem, and how much others are to have: false for pipes and devices, which take
 * none.
 */
static bool see_room(const struct recorder *recorder, uint64_t *ret_has, uint64_t *ret_leave)
{
	/* a directory stays, while files go on in others */
	int fd = recorder->rotation.rotate ? recorder->rotation.dir : recorder->out;
	struct statvfs fs;
	struct stat st;
	uint64_t unit;

	if (fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) || fstatvfs(fd, &fs))
		return false;
	unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	*ret_has = fs.f_bavail * unit;
	*ret_leave = to_leave(recorder, fs.f_blocks * unit);
	return true;
}

uint64_t output_needs(const struct recorder *recorder)
{
	uint64_t has, leave;

	return see_room(recorder, &has, &leave) && has < leave ? leave - has : 0;
}

/* Whether less room is left than others are to have, and then a sentence on that. */
static bool no_room(const struct recorder *recorder, struct skt_err *err)
{
	uint64_t has, leave;
	char has_text[16], leave_text[16];

	if (!see_room(recorder, &has, &leave) || has >= leave)
		return false;
	skt_err_set(err, -ENOSPC, "only %s free on its filesystem, of which %s are to stay free (--min-free)",
		    size_text(has_text, has), size_text(leave_text, leave));
	skt_err_at(err, recorder->path, -1);
	return true;
}

bool output_is_full(struct recorder *recorder, int64_t now)
{
	struct skt_err err;

	skt_err_init(&err);
	if (!recorder->writer)
		return false;
	/* --max-size is not for a flight recorder */
	if (recorder->max_size && skt_writer_bytes(recorder->writer) >= recorder->max_size) {
		cli_say("%s: it has reached --max-size, and ends", recorder->path);
		return true;
	}
	if (now - recorder->room_at < ROOM_NS)
		return false;
	recorder->room_at = now;
	if (!no_room(recorder, &err) || (recorder->rotation.rotate && rotation_make_room(recorder)))
		return false;
	cli_err(&err);
	cli_say("%s: it ends, in good order", recorder->path);
	recorder->trouble = true;
	return true;
}

int output_no_room(const struct recorder *recorder, struct skt_err *err)
{
	if (!no_room(recorder, err))
		return 0;
	cli_err(err);
	return skt_err_set(err, -ENOSPC, "nothing was recorded; --min-free=0 records until the disk is full");
}

/* Before anything is written: a full disk is no place to begin, unless somebody says so. */
static int check_room(struct recorder *recorder, bool created, struct skt_err *err)
{
	int rc = output_no_room(recorder, err);

	if (rc && created)
		unlink(recorder->path);
	return rc;
}

/* HOST-20261122T140300Z; a host name is what a stranger chose, and becomes a plain file name. */
void output_name(const struct recorder *recorder, char *ret, size_t size)
{
	const char *host = skt_capture_host(recorder->capture)->name;
	time_t now = (time_t)(recorder_time(recorder) / SKT_NS_PER_S);
	char name[65], when[32];
	struct tm utc;
	size_t n = 0;

	for (; n < sizeof(name) - 1 && host[n]; n++) {
		bool plain = (host[n] >= 'a' && host[n] <= 'z') || (host[n] >= 'A' && host[n] <= 'Z') ||
			     (host[n] >= '0' && host[n] <= '9') || (n && strchr("-._", host[n]));

		name[n] = plain ? host[n] : '_';
	}
	name[n] = '\0';
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	snprintf(ret, size, "%s-%s", n ? name : "host", when);
}

static int cannot_create(const char *path, int error, struct skt_err *err)
{
	struct stat status;

	if ((error == EEXIST || error == EISDIR) && !lstat(path, &status) && S_ISDIR(status.st_mode))
		skt_err_set(err, -error, "is a directory, and only with --rotate recordings are made in one");
	else if (error == EEXIST)
		skt_err_set(err, -error, "is there already, and nothing is written over it");
	else
		skt_err_sys(err, -error, "cannot create");
	return skt_err_at(err, path, -1);
}

int output_open(struct recorder *recorder, struct skt_err *err)
{
	if (recorder->rotation.rotate)
		return rotation_open(recorder, &recorder->header, err);
	if (recorder->output && !strcmp(recorder->output, "-")) {
		if (isatty(STDOUT_FILENO))
			return skt_err_set(
				err, -EINVAL,
				"a recording is not for a terminal: redirect standard output, or name a file with -o");
		snprintf(recorder->path, sizeof(recorder->path), "standard output");
		recorder->out = STDOUT_FILENO;
		return check_room(recorder, false, err);
	}
	if (recorder->output) {
		if (strlen(recorder->output) >= sizeof(recorder->path))
			return skt_err_set(err, -ENAMETOOLONG, "name of the output exceeds %zu bytes",
					   sizeof(recorder->path) - 1);
		strcpy(recorder->path, recorder->output);
	} else {
		char name[128];

		output_name(recorder, name, sizeof(name));
		snprintf(recorder->path, sizeof(recorder->path), "./%s.skt", name);
	}
	recorder->out = open(recorder->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (recorder->out < 0)
		return cannot_create(recorder->path, errno, err);
	return check_room(recorder, true, err);
}

void output_header(const struct recorder *recorder, struct skt_header *ret)
{
	bool live = skt_capture_is_live(recorder->capture);

	recorder->clock.read(recorder->clock.data, &ret->start, &ret->start_boottime);
	ret->interval = recorder->trees_dir ? recorder->interval_told : recorder->interval;
	ret->boot_time = live ? ret->start - ret->start_boottime : skt_capture_host(recorder->capture)->btime;
	ret->big_endian = skt_capture_host(recorder->capture)->big_endian;
	ret->tables = recorder->tables;
	ret->live = live;
}

/* Of which tables the kernel tells when sockets go, and whether of processes. */
static void add_events(struct facts *facts, const struct recorder *recorder)
{
	char list[64] = "none";
	unsigned len = 0;
	int why;
	uint32_t kinds = skt_capture_events(recorder->capture, &why);

	for (unsigned kind = 0; kind < SKT_TABLE_KINDS && len < sizeof(list); kind++)
		if (kinds & 1u << kind)
			len += (unsigned)snprintf(list + len, sizeof(list) - len, "%s%s", len ? "," : "",
						  skt_table_kind_name(kind));
	if (!skt_capture_processes(recorder->capture) && len < sizeof(list))
		snprintf(list + len, sizeof(list) - len, "%sprocesses", len ? "," : "");
	if (skt_capture_is_live(recorder->capture))
		facts_add(facts, "recorder.events", list);
}

void output_facts(const struct recorder *recorder, struct facts *facts)
{
	const struct skt_host *host = skt_capture_host(recorder->capture);

	facts_of_host(facts, host, skt_capture_is_live(recorder->capture));
	facts_of_recorder(facts, recorder->argv, recorder->trees_dir ? recorder->trees_dir : recorder->tree,
			  recorder->tables);
	if (!recorder->trees_dir)
		facts_add(facts, "recorder.ticks", tick_names[recorder->exact]);
	facts_add(facts, "recorder.netns", netns_names[recorder->own_netns || !host->net_namespace]);
	facts_add(facts, "recorder.cmdline", cmdline_names[recorder->cmdline]);
	add_events(facts, recorder);
	facts_add(facts, FOLDER_FACT, recorder->rotation.rotate);
	facts_add(facts, "recorder.keep", recorder->rotation.keep);
	facts_add(facts, "note", recorder->note);
}

int output_begin(struct recorder *recorder, struct skt_err *err)
{
	/* trees wait, and what is read of them is not to be lost */
	const struct skt_writer_options options = { .sync = recorder->sync, .threaded = !recorder->trees_dir };
	struct skt_header *header = &recorder->header;
	struct facts facts;
	uint8_t random[24];
	int rc;

	output_header(recorder, header);
	if (recorder->rotation.rotate)
		return rotation_begin(recorder, header, err);
	facts_init(&facts);
	output_facts(recorder, &facts);
	header->facts = facts.facts;
	header->n_facts = facts.n;
	cli_random(random, sizeof(random));
	rc = skt_writer_open(recorder->out, recorder->path, header, &options, random, &recorder->writer, err);
	facts_release(&facts);
	return rc;
}

/*
 * A full disk may have room again, and the recording tells the gap then; only a pipe without a reader, or no memory, is
 * the end.
 */
int output_failed(struct recorder *recorder, int rc, const struct skt_err *err)
{
	if (!rc || rc == -EPIPE || rc == -ENOMEM)
		return rc;
	if (!recorder->write_failed) {
		cli_err(err);
		cli_say("%s: the recording goes on; what cannot be written is told in it as a gap", recorder->path);
	}
	recorder->write_failed = true;
	recorder->trouble = true;
	return 0;
}

int output_add(struct recorder *recorder, struct skt_err *err)
{
	int rc;

	if (recorder->rotation.rotate)
		rotation_before(recorder);
	rc = skt_writer_add(recorder->writer, &recorder->now, &recorder->step, err);
	tell_unsynced(recorder);
	if (recorder->rotation.rotate)
		rotation_after(recorder);
	return output_failed(recorder, rc, err);
}

bool output_signal(struct recorder *recorder, int signal)
{
	struct skt_err err;

	if (signal == SIGHUP && recorder->rotation.rotate) {
		recorder->rotation.asked = true;
		rotation_after(recorder);
		return true;
	}
	if (signal != SIGUSR1)
		return false;
	/* where changes are only watched, there is nothing to mark */
	if (!recorder->writer)
		return true;
	skt_err_init(&err);
	output_failed(recorder, skt_writer_mark(recorder->writer, recorder_time(recorder), "", &err), &err);
	return true;
}

int output_wait(struct recorder *recorder, int64_t boottime, struct skt_err *err)
{
	/* what comes then takes as long as the last one did */
	int64_t took = recorder->now.end - recorder->now.time;
	int rc;

	if (!recorder->writer)
		return 0;
	rc = skt_writer_wait(recorder->writer, boottime + (took > 0 ? took : 0), err);
	tell_unsynced(recorder);
	return output_failed(recorder, rc, err);
}

int output_end(struct recorder *recorder, int rc, struct skt_err *err)
{
	if (rc != -EPIPE) {
		int ended = skt_writer_end(recorder->writer, recorder_time(recorder), rc ? NULL : err);

		rc = rc ? rc : ended;
	}
	tell_unsynced(recorder);
	if (recorder->rotation.rotate)
		rotation_end(recorder);
	/* some filesystems (NFS, quotas) only say when a file is closed that they could not keep it */
	if (recorder->out != STDOUT_FILENO && close(recorder->out) && !rc) {
		rc = skt_err_sys(err, -errno, "cannot close");
		skt_err_at(err, recorder->path, -1);
	}
	recorder->pipe_closed = rc == -EPIPE;
	if (rc && !recorder->pipe_closed)
		cli_err(err);
	tell_end(recorder);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "instant.h"

#include "cli.h"
#include "clocks.h"
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD	   "/etc/passwd"
#define ALL_TABLES ((1u << SKT_TABLE_KINDS) - 1)

/* A directory with net/ in it. */
static bool is_tree(const char *path)
{
	struct stat status;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is;

	if (fd < 0)
		return false;
	is = !fstatat(fd, "net", &status, 0) && S_ISDIR(status.st_mode);
	close(fd);
	return is;
}

bool instant_is_operand(const char *word)
{
	const char *time;

	return path_exists(word, strlen(word), NULL) ||
	       skt_operand_split(word, path_exists, NULL, &time) < strlen(word);
}

void instant_init(struct instant *instant, const char *operand)
{
	*instant = (struct instant){ .operand = operand,
				     .name = operand,
				     .host = "",
				     .boot_id = "",
				     .netns = "",
				     .cmdline = "",
				     .euid = "",
				     .capabilities = "",
				     .boot_time = -1,
				     .tables = ALL_TABLES,
				     .recording = { .fd = -1 },
				     .tree_fd = -1,
				     .passwd_fd = -1 };
}

static const char *fact(const struct skt_header *header, const char *name)
{
	const char *value = skt_header_fact(header, name);

	return value ? value : "";
}

/* What a recording says of itself: in a directory each run of the recorder for itself. */
static void take_header(struct instant *instant, const struct skt_header *header)
{
	instant->host = fact(header, "host.name");
	instant->boot_id = fact(header, "host.boot_id");
	instant->netns = fact(header, "recorder.netns");
	instant->cmdline = fact(header, "recorder.cmdline");
	instant->euid = fact(header, "recorder.euid");
	instant->capabilities = fact(header, "recorder.capabilities");
	instant->boot_time = header->boot_time;
	instant->tables = header->tables;
}

static int open_recording(struct instant *instant, struct skt_err *err)
{
	int rc;

	instant->name = instant->recording.path;
	instant->time = instant->recording.time;
	rc = skt_file_open(instant->recording.fd, instant->recording.path, 0, &instant->file, err);
	if (rc)
		return rc;
	take_header(instant, skt_file_header(instant->file));
	return 0;
}

int instant_open(const char *operand, struct instant *ret, struct skt_err *err)
{
	int rc;

	instant_init(ret, operand);
	ret->is_tree = is_tree(operand);
	if (ret->is_tree)
		return 0;
	rc = recording_open(operand, &ret->recording, err);
	return rc ? rc : open_recording(ret, err);
}

bool instant_is_input(const char *operand)
{
	return !strcmp(operand, "-") || !strncmp(operand, "-@", 2);
}

int instant_open_again(const struct instant *other, const char *operand, struct instant *ret, struct skt_err *err)
{
	instant_init(ret, operand);
	if (instant_is_input(operand) && operand[1])
		ret->recording.time = operand + 2;
	ret->recording.path = strdup(other->recording.path);
	if (!ret->recording.path)
		return skt_err_set(err, -ENOMEM, "out of memory");
	ret->recording.fd = fcntl(other->recording.fd, F_DUPFD_CLOEXEC, 3);
	if (ret->recording.fd < 0)
		return skt_err_sys(err, -errno, "cannot open it again");
	return open_recording(ret, err);
}

int instant_seek(struct instant *instant, bool first, enum skt_zone zone, int64_t now, struct skt_err *err)
{
	struct skt_time time = { .kind = first ? SKT_TIME_FIRST : SKT_TIME_LAST };
	int64_t when;
	int rc = 0;

	instant->is_implicit = !instant->time;
	instant->is_first = first;
	if (instant->time)
		rc = skt_time_parse(instant->time, zone, now, &time, err);
	if (!rc)
		rc = skt_cursor_new(instant->file, &instant->cursor, err);
	if (!rc)
		rc = skt_cursor_seek(instant->cursor, &time, zone, &when, err);
	if (rc)
		return skt_err_at(err, instant->name, -1);
	take_header(instant, skt_cursor_header(instant->cursor));
	instant->snapshot = skt_cursor_snapshot(instant->cursor);
	return 0;
}

static enum skt_cmdline cmdline_of(const char *policy)
{
	if (!strcmp(policy, "argv0"))
		return SKT_CMDLINE_ARGV0;
	return strcmp(policy, "none") ? SKT_CMDLINE_FULL : SKT_CMDLINE_NONE;
}

static int open_tree(struct instant *instant, const struct instant *other, struct skt_err *err)
{
	bool own = other && !strcmp(other->netns, "own");
	const char *cmdline = other && *other->cmdline ? other->cmdline : "full";
	struct skt_capture_options options = {
		.name = instant->operand,
		.tables = other ? other->tables : ALL_TABLES,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
		.clock = { .read = clocks_read },
		.all_namespaces = !own,
		.cmdline = cmdline_of(cmdline),
	};

	instant->tree_fd = open(instant->operand, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (instant->tree_fd < 0)
		return skt_err_sys(err, -errno, "cannot open");
	/* names in another tree are another host's */
	if (!strcmp(instant->operand, "/proc"))
		instant->passwd_fd = open(PASSWD, O_RDONLY | O_CLOEXEC);
	options.passwd_fd = instant->passwd_fd;
	raise_file_limit();
	instant->tables = options.tables;
	instant->cmdline = cmdline;
	instant->netns = own ? "own" : "all";
	return skt_capture_open(instant->tree_fd, &options, &instant->capture, err);
}

/* What the tree says of its host, and what this program is. */
static void describe_tree(struct instant *instant)
{
	const struct skt_host *host = skt_capture_host(instant->capture);

	instant->is_live = skt_capture_is_live(instant->capture);
	instant->host = host->name;
	instant->boot_id = host->boot_id;
	instant->boot_time = instant->is_live ? instant->captured.time - instant->captured.boottime : host->btime;
	snprintf(instant->own_euid, sizeof(instant->own_euid), "%u", (unsigned)geteuid());
	instant->euid = instant->own_euid;
	facts_capabilities(instant->own_capabilities, sizeof(instant->own_capabilities));
	instant->capabilities = instant->own_capabilities;
	if (!host->net_namespace)
		instant->netns = "own";
}

/* A file that cannot be read, a line that is no row. */
static void tell_problems(const struct instant *instant)
{
	uint64_t total;
	size_t n;
	const struct skt_err *problems = skt_capture_problems(instant->capture, &n, &total);

	for (size_t i = 0; i < n; i++)
		cli_err(&problems[i]);
	if (total > n)
		cli_say("%s: and %llu problems more", instant->name, (unsigned long long)(total - n));
}

int instant_look(struct instant *instant, const struct instant *other, struct skt_err *err)
{
	uint64_t seed;
	int rc = open_tree(instant, other, err);

	cli_random(&seed, sizeof(seed));
	if (!rc)
		rc = skt_snapshot_init(&instant->captured, NULL, seed);
	if (!rc)
		rc = skt_capture_next(instant->capture, &instant->captured, err);
	if (rc) {
		if (!err->code)
			skt_err_set(err, rc, "out of memory");
		return skt_err_at(err, instant->name, -1);
	}
	describe_tree(instant);
	tell_problems(instant);
	instant->snapshot = &instant->captured;
	return 0;
}

void instant_release(struct instant *instant)
{
	skt_cursor_free(instant->cursor);
	skt_file_free(instant->file);
	if (!instant->is_tree)
		recording_close(&instant->recording);
	skt_capture_free(instant->capture);
	if (instant->captured.strings)
		skt_snapshot_release(&instant->captured);
	if (instant->tree_fd >= 0)
		close(instant->tree_fd);
	if (instant->passwd_fd >= 0)
		close(instant->passwd_fd);
}

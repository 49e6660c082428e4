/* SPDX-License-Identifier: MIT */
#include "proc/identity.h"

#include "base/map.h"
#include "base/scan.h"
#include "proc/papers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* fs/proc/array.c do_task_stat(): 52 numbers of at most 21 characters and a name of at most 64 (a kworker's). */
#define STAT_MAX ((size_t)4096)
/* Uid: is the ninth line; what follows (the groups may be 65,536) is of no interest. */
#define STATUS_MAX ((size_t)4096)
/*
 * ARG_MAX as execve(2) has it with the usual stack limit of 8 MiB: a quarter. A process can rewrite its own to be
 * longer.
 */
#define CMDLINE_MAX ((size_t)2 << 20)
/* A line for each of a dozen hierarchies, each a path of at most PATH_MAX. */
#define CGROUP_MAX ((size_t)64 << 10)

/* One process while it is being read. */
struct reading {
	struct look *look;
	int dir;
	uint32_t pid;
	struct skt_process *process;
};

/* A file of the process into the look's text, as tree_file(): the look's paper of it, if there is one, or read now. */
static int read_file(struct look *look, int dir, const char *file, size_t max)
{
	const unsigned char *bytes;
	size_t len;
	int rc;

	if (!papers_take(look->papers, dir, file, &bytes, &len, &rc))
		return tree_file(look->tree, dir, file, 0, max, look->text);
	skt_buf_clear(look->text);
	if (!rc)
		skt_buf_add(look->text, bytes, len);
	return look->text->failed ? -ENOMEM : rc;
}

/* A link that was read before, as tree_link(). */
static ssize_t copy_link(const unsigned char *bytes, size_t len, int rc, char *buffer, size_t size)
{
	if (rc)
		return rc;
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buffer, bytes, len);
	return (ssize_t)len;
}

/* And one of its links, as tree_link(). */
static ssize_t read_link(struct look *look, int dir, const char *file, char *buffer, size_t size)
{
	const unsigned char *bytes;
	size_t len;
	int rc;

	if (!papers_take(look->papers, dir, file, &bytes, &len, &rc))
		return tree_link(look->tree, dir, file, buffer, size);
	return copy_link(bytes, len, rc, buffer, size);
}

/* And its program, as tree_program(). */
static ssize_t read_program(struct look *look, int dir, char *buffer, size_t size, bool *ret_deleted)
{
	const unsigned char *bytes;
	size_t len;
	int rc;

	if (!papers_take(look->papers, dir, "exe", &bytes, &len, &rc))
		return tree_program(look->tree, dir, "exe", buffer, size, ret_deleted);
	*ret_deleted = look->papers->exe_deleted;
	return copy_link(bytes, len, rc, buffer, size);
}

static void malformed(struct look *look, uint32_t pid, const char *file, const char *what)
{
	struct skt_err err;
	char path[64];

	look->snapshot->quality.malformed++;
	skt_err_set(&err, -EBADMSG, "%s", what);
	snprintf(path, sizeof(path), "%u/%s", pid, file);
	look_problem(look, &err, path, 0);
}

/* That the process is gone, is denied or is a tree's without this file, is no problem; anything else is. */
static void unreadable(struct look *look, uint32_t pid, const char *file, int rc)
{
	struct skt_err err;
	char path[64];

	if (rc == -ENOENT || rc == -ESRCH || rc == -EACCES || rc == -EPERM)
		return;
	look->snapshot->quality.malformed++;
	tree_err(&err, rc, "cannot read");
	snprintf(path, sizeof(path), "%u/%s", pid, file);
	look_problem(look, &err, path, 0);
}

static void skip_fields(struct scan *s, unsigned n)
{
	const char *field;

	while (n--) {
		scan_blank(s);
		scan_until(s, ' ', &field);
	}
}

/*
 * Where code, stack, data, arguments and environment lie (fields 26 to 28 and 45 to 51; where it is allowed to know,
 * and with the addresses randomised). Older kernels and trees have fewer.
 */
static uint64_t read_mark(const struct process_stat *stat, struct scan *s)
{
	uint64_t mark = hash_bytes(0, stat->comm, stat->comm_len);

	skip_fields(s, 3);
	for (unsigned field = 26; field <= 51 && !s->bad; field++) {
		const char *text;
		size_t len;

		scan_blank(s);
		len = scan_until(s, ' ', &text);
		if (field <= 28 || field >= 45)
			mark = hash_bytes(mark, text, len);
	}
	return mark;
}

/* The name may hold anything, ") R 1 " included: only what follows the last ')' is counted from. */
static bool parse_stat(const char *text, size_t len, struct process_stat *ret)
{
	const char *close = len ? memrchr(text, ')', len) : NULL;
	struct scan s = scan_of(text, len);

	ret->pid = (uint32_t)scan_decimal(&s, UINT32_MAX);
	scan_byte(&s, ' ');
	scan_byte(&s, '(');
	if (s.bad || !close || close < s.at)
		return false;
	ret->comm = s.at;
	ret->comm_len = (size_t)(close - s.at);
	s.at = close + 1;
	scan_byte(&s, ' ');
	ret->state = s.at < s.end ? (uint8_t)*s.at++ : 0;
	scan_byte(&s, ' ');
	ret->ppid = (uint32_t)scan_decimal(&s, UINT32_MAX);
	skip_fields(&s, 4);
	scan_byte(&s, ' ');
	ret->exiting = scan_decimal(&s, UINT32_MAX) & PROCESS_EXITING;
	skip_fields(&s, 10);
	scan_byte(&s, ' ');
	ret->threads = (uint32_t)scan_decimal(&s, UINT32_MAX);
	skip_fields(&s, 1);
	scan_byte(&s, ' ');
	ret->start_time = scan_decimal(&s, UINT64_MAX);
	if (s.bad)
		return false;
	ret->mark = read_mark(ret, &s);
	return true;
}

int identity_stat(struct look *look, int dir, uint32_t pid, struct process_stat *ret)
{
	int rc = read_file(look, dir, "stat", STAT_MAX);

	if (rc == -E2BIG || (!rc && !parse_stat((char *)look->text->data, look->text->len, ret))) {
		malformed(look, pid, "stat", "does not read as the kernel writes it");
		return -EBADMSG;
	}
	if (rc) {
		unreadable(look, pid, "stat", rc);
		return rc == -ESRCH ? -ENOENT : rc;
	}
	if (ret->pid == pid)
		return 0;
	/* a mount over /proc/PID hides a process behind another */
	malformed(look, pid, "stat", "speaks of another process");
	return -ESTALE;
}

static bool has(const struct reading *reading, enum skt_process_field field)
{
	return reading->process->has & SKT_BIT(field);
}

/* Keep bytes as a string of the process. */
static int keep(struct reading *reading, enum skt_process_field field, const char *bytes, size_t len, uint32_t *ret)
{
	int rc = skt_strtab_add(reading->look->snapshot->strings, bytes, len, ret);

	if (!rc)
		reading->process->has |= SKT_BIT(field);
	return rc;
}

static int read_stat(struct reading *reading, uint64_t *ret_mark)
{
	struct skt_process *process = reading->process;
	struct process_stat stat;
	int rc = identity_stat(reading->look, reading->dir, reading->pid, &stat);

	if (rc == -ENOENT && reading->look->tree->live)
		return -ESRCH;
	if (rc)
		return rc == -ESTALE || rc == -ENOMEM ? rc : 0;
	process->ppid = stat.ppid;
	process->threads = stat.threads;
	process->state = stat.state;
	process->start_time = stat.start_time;
	*ret_mark = stat.mark;
	process->has |= SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_THREADS) | SKT_BIT(SKT_P_STATE) | SKT_BIT(SKT_P_START_TIME);
	return keep(reading, SKT_P_COMM, stat.comm, stat.comm_len, &process->comm);
}

/* A text of one value, without its last newline. */
static int read_text(struct reading *reading, const char *file, size_t max, enum skt_process_field field, uint32_t *ret)
{
	struct skt_buf *text = reading->look->text;
	int rc = read_file(reading->look, reading->dir, file, max);

	if (rc == -ENOMEM)
		return rc;
	if (rc) {
		unreadable(reading->look, reading->pid, file, rc);
		return 0;
	}
	if (text->len && text->data[text->len - 1] == '\n')
		text->len--;
	return keep(reading, field, (char *)text->data, text->len, ret);
}

/* The real uid out of status. The name in the line before it is escaped by the kernel. */
static int read_status(struct reading *reading)
{
	struct skt_buf *text = reading->look->text;
	int rc = read_file(reading->look, reading->dir, "status", STATUS_MAX);
	const char *uid;
	struct scan s;

	if (rc == -ENOMEM)
		return rc;
	if (rc && rc != -E2BIG) {
		unreadable(reading->look, reading->pid, "status", rc);
		return 0;
	}
	uid = text->len ? memmem(text->data, text->len, "\nUid:\t", 6) : NULL;
	s = scan_of((char *)text->data, text->len);
	if (uid)
		s.at = uid + 6;
	else
		s.bad = true;
	reading->process->uid = (uint32_t)scan_decimal(&s, UINT32_MAX);
	scan_byte(&s, '\t');
	if (s.bad)
		malformed(reading->look, reading->pid, "status", "has no line 'Uid:' as the kernel writes it");
	else
		reading->process->has |= SKT_BIT(SKT_P_UID);
	return 0;
}

size_t identity_cmdline(enum skt_cmdline policy, const char *text, size_t len, bool *truncated)
{
	size_t argv0_len = policy == SKT_CMDLINE_ARGV0 && len ? strnlen(text, len - 1) + 1 : len;

	*truncated |= argv0_len < len;
	return argv0_len;
}

static int read_cmdline(struct reading *reading, int dir)
{
	enum skt_cmdline policy = reading->look->options->cmdline;
	struct skt_process *process = reading->process;
	struct skt_buf *text = reading->look->text;
	int rc;

	if (policy == SKT_CMDLINE_NONE)
		return 0;
	rc = read_file(reading->look, dir, "cmdline", CMDLINE_MAX);
	if (rc == -ENOMEM)
		return rc;
	if (rc && rc != -E2BIG) {
		unreadable(reading->look, reading->pid, "cmdline", rc);
		return 0;
	}
	process->cmdline_truncated = rc == -E2BIG;
	text->len = identity_cmdline(policy, (char *)text->data, text->len, &process->cmdline_truncated);
	return keep(reading, SKT_P_CMDLINE, (char *)text->data, text->len, &process->cmdline);
}

static int read_exe(struct reading *reading, int dir)
{
	struct skt_process *process = reading->process;
	char path[PATH_MAX + sizeof(TREE_DELETED)];
	bool deleted;
	ssize_t len = read_program(reading->look, dir, path, sizeof(path), &deleted);

	if (len < 0) {
		unreadable(reading->look, reading->pid, "exe", (int)len);
		return 0;
	}
	process->exe_deleted = deleted;
	return keep(reading, SKT_P_EXE, path, (size_t)len, &process->exe);
}

static void read_net_namespace(struct reading *reading, int dir)
{
	char link[64];
	ssize_t len = read_link(reading->look, dir, "ns/net", link, sizeof(link));

	if (len < 0) {
		unreadable(reading->look, reading->pid, "ns/net", (int)len);
		return;
	}
	reading->process->net_namespace = tree_link_inode(link, (size_t)len, "net");
	if (reading->process->net_namespace)
		reading->process->has |= SKT_BIT(SKT_P_NET_NAMESPACE);
	else
		malformed(reading->look, reading->pid, "ns/net", "is no link 'net:[N]'");
}

/*
 * A process that exits while it is read shows an empty command line and no program before its directory is
 * gone, as if it had executed another: so does a kernel thread, and stat tells them apart.
 */
static int read_stat_again(struct reading *reading)
{
	uint32_t gone = SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_NET_NAMESPACE);
	struct skt_process *process = reading->process;
	struct process_stat stat;
	int rc = identity_stat(reading->look, reading->dir, reading->pid, &stat);

	if (rc == -ENOENT)
		return -ESRCH;
	if (rc || !(identity_is_zombie(stat.state) || stat.exiting))
		return rc == -ENOMEM ? rc : 0;
	process->state = stat.state;
	process->has &= ~gone;
	process->cmdline = 0;
	process->cmdline_truncated = false;
	process->exe = 0;
	process->exe_deleted = false;
	process->net_namespace = 0;
	return 0;
}

int identity_read(struct look *look, int dir, int thread, uint32_t pid, struct skt_process *ret, uint64_t *ret_mark)
{
	struct reading reading = { .look = look, .dir = dir, .pid = pid, .process = ret };
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->pid = pid;
	*ret_mark = 0;
	rc = read_stat(&reading, ret_mark);
	if (!rc && !has(&reading, SKT_P_COMM))
		rc = read_text(&reading, "comm", STAT_MAX, SKT_P_COMM, &ret->comm);
	if (!rc)
		rc = read_status(&reading);
	if (!rc)
		rc = read_text(&reading, "cgroup", CGROUP_MAX, SKT_P_CGROUP, &ret->cgroup);
	/* a zombie has no memory, no program and no namespaces: not empty ones, none */
	if (rc || (identity_is_zombie(ret->state) && thread < 0))
		return rc;
	if (thread < 0)
		thread = dir;
	read_net_namespace(&reading, thread);
	rc = read_cmdline(&reading, thread);
	if (!rc)
		rc = read_exe(&reading, thread);
	if (!rc && look->tree->live && thread == dir && !(ret->cmdline && has(&reading, SKT_P_EXE)))
		rc = read_stat_again(&reading);
	return rc;
}

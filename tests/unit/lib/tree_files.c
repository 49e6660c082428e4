/* SPDX-License-Identifier: MIT */
#include "tree_files.h"

#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int ok, const char *what, const char *path)
{
	if (ok)
		return;
	fprintf(stderr, "%s '%s': %s\n", what, path, strerror(errno));
	abort();
}

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	struct tree_files *tree = data;

	*ret_realtime = tree->realtime += 1000;
	*ret_boottime = tree->boottime += 1000;
}

void tree_files_init(struct tree_files *tree)
{
	const char *tmp = getenv("TMPDIR");

	memset(tree, 0, sizeof(*tree));
	snprintf(tree->dir, sizeof(tree->dir), "%s/skt-tree-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(tree->dir) != NULL, "mkdtemp", tree->dir);
	tree->fd = open(tree->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(tree->fd >= 0, "open", tree->dir);
	tree->realtime = TREE_REALTIME - 1000;
	tree->boottime = TREE_BOOTTIME - 1000;
	tree->options = (struct skt_capture_options){
		.name = "tree",
		.tables = (1u << SKT_TABLE_KINDS) - 1,
		.passwd_fd = -1,
		.clock = { read_clock, tree },
	};
	must(!skt_snapshot_init(&tree->snapshot, NULL, 99), "no memory", "");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_files_release(struct tree_files *tree)
{
	skt_capture_free(tree->capture);
	skt_snapshot_release(&tree->snapshot);
	close(tree->fd);
	remove_all(tree->dir);
}

/* The folders that lead to path. */
static void make_way(struct tree_files *tree, const char *path)
{
	char folder[512];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		must(!mkdirat(tree->fd, folder, 0755) || errno == EEXIST, "mkdir", folder);
	}
}

void tree_file_bytes(struct tree_files *tree, const char *path, const void *bytes, size_t len)
{
	int fd;

	make_way(tree, path);
	fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0, "create", path);
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const char *)bytes + at, len - at);

		must(n > 0, "write", path);
		at += (size_t)n;
	}
	close(fd);
}

void tree_file_text(struct tree_files *tree, const char *path, const char *text)
{
	tree_file_bytes(tree, path, text, strlen(text));
}

void tree_file_link(struct tree_files *tree, const char *path, const char *target)
{
	make_way(tree, path);
	must(!symlinkat(target, tree->fd, path), "link", path);
}

void tree_file_directory(struct tree_files *tree, const char *path)
{
	make_way(tree, path);
	must(!mkdirat(tree->fd, path, 0755) || errno == EEXIST, "mkdir", path);
}

void tree_file_remove(struct tree_files *tree, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s/%s", tree->dir, path);
	remove_all(whole);
}

/* As a kernel prints them, blanks aside (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c, net/ipv4/udp.c). */
static const char *heading_of(unsigned kind)
{
	if (skt_table_kind_is_tcp(kind))
		return kind & 1 ? "  sl  local_address                         remote_address                        "
				  "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
				: "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
				  "timeout inode                                                     \n";
	return kind & 1 ? "  sl  local_address                         remote_address                        st "
			  "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
			: "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
			  "timeout inode ref pointer drops            \n";
}

void tree_file_table(struct tree_files *tree, unsigned kind, ...)
{
	char path[64];
	const char *row;
	struct skt_buf text;
	va_list rows;

	snprintf(path, sizeof(path), "net/%s", skt_table_kind_name(kind));
	skt_buf_init(&text);
	skt_buf_text(&text, heading_of(kind));
	va_start(rows, kind);
	while ((row = va_arg(rows, const char *))) {
		skt_buf_text(&text, row);
		skt_buf_byte(&text, '\n');
	}
	va_end(rows);
	must(!text.failed, "no memory", path);
	tree_file_bytes(tree, path, text.data, text.len);
	skt_buf_release(&text);
}

void tree_file_process(struct tree_files *tree, unsigned pid, const char *comm, unsigned ppid, uint64_t start_time)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "%u/stat", pid);
	snprintf(text, sizeof(text),
		 "%u (%s) S %u 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %llu 9 10 18446744073709551615\n", pid, comm,
		 ppid, (unsigned long long)start_time);
	tree_file_text(tree, path, text);
	snprintf(path, sizeof(path), "%u/fd", pid);
	tree_file_directory(tree, path);
}

void tree_file_socket(struct tree_files *tree, unsigned pid, int fd, uint64_t inode)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "%u/fd/%d", pid, fd);
	snprintf(target, sizeof(target), "socket:[%llu]", (unsigned long long)inode);
	tree_file_link(tree, path, target);
}

const struct skt_snapshot *tree_files_capture(struct tree_files *tree)
{
	struct skt_err err;
	int rc = 0;

	if (!tree->capture)
		rc = skt_capture_open(tree->fd, &tree->options, &tree->capture, &err);
	if (!rc)
		rc = skt_capture_next(tree->capture, &tree->snapshot, &err);
	errno = -rc;
	must(!rc, rc ? err.message : "", tree->dir);
	return &tree->snapshot;
}

const struct skt_sock *tree_files_row(const struct tree_files *tree, uint64_t inode)
{
	for (size_t i = 0; i < tree->snapshot.n_socks; i++)
		if (tree->snapshot.socks[i].inode == inode)
			return &tree->snapshot.socks[i];
	return NULL;
}

const char *tree_files_owners(const struct tree_files *tree, const struct skt_sock *sock)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < sock->n_owners && len < sizeof(text); i++) {
		const struct skt_owner *owner = &tree->snapshot.owners[sock->first_owner + i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u/%d", i ? " " : "",
					tree->snapshot.processes[owner->process].pid, owner->fd);
	}
	return text;
}

const char *tree_files_string(const struct tree_files *tree, uint32_t id)
{
	return skt_strtab_get(tree->snapshot.strings, id, NULL);
}

const struct skt_process *tree_files_process(const struct tree_files *tree, unsigned pid)
{
	return scene_pid(&tree->snapshot, pid);
}

const char *tree_files_problem(const struct tree_files *tree, const char *path, int64_t line)
{
	size_t kept;
	const struct skt_err *problems = skt_capture_problems(tree->capture, &kept, NULL);

	for (size_t i = 0; i < kept; i++)
		if (!strcmp(problems[i].path, path) && problems[i].position == line)
			return problems[i].message;
	return NULL;
}

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TREE_FILES_H
#define TESTS_TREE_FILES_H

#include <skt/buf.h>
#include <skt/capture.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A tree of files that looks like /proc, made in a directory of its own below TMPDIR, and one capture of it. Paths
 * are relative to the tree; folders are made as they are needed. No failure of the system is survived.
 */
struct tree_files {
	char dir[256];
	int fd;
	int64_t realtime; /* what the clock says; it moves on by a microsecond each time it is read */
	int64_t boottime;
	struct skt_capture_options options;
	struct skt_capture *capture;
	struct skt_snapshot snapshot;
};

#define TREE_REALTIME INT64_C(1795356187000000000)
#define TREE_BOOTTIME INT64_C(5000000000000)

void tree_files_init(struct tree_files *tree);
void tree_files_release(struct tree_files *tree);

void tree_file_bytes(struct tree_files *tree, const char *path, const void *bytes, size_t len);
void tree_file_text(struct tree_files *tree, const char *path, const char *text);
void tree_file_link(struct tree_files *tree, const char *path, const char *target);
void tree_file_directory(struct tree_files *tree, const char *path);
void tree_file_remove(struct tree_files *tree, const char *path);

/* net/<table>: the kernel's heading, and then the rows as given, a newline after each. The last is NULL. */
void tree_file_table(struct tree_files *tree, unsigned kind, ...);

/* PID/stat, and PID/fd without descriptors. */
void tree_file_process(struct tree_files *tree, unsigned pid, const char *comm, unsigned ppid, uint64_t start_time);

/* PID/fd/FD -> socket:[INODE] */
void tree_file_socket(struct tree_files *tree, unsigned pid, int fd, uint64_t inode);

/* Take a snapshot, opening the capture first if it is not open. */
const struct skt_snapshot *tree_files_capture(struct tree_files *tree);

/* A row of that snapshot by inode, or NULL; its owners as "pid/fd pid/fd"; a string; a process by pid, or NULL. */
const struct skt_sock *tree_files_row(const struct tree_files *tree, uint64_t inode);
const char *tree_files_owners(const struct tree_files *tree, const struct skt_sock *sock);
const char *tree_files_string(const struct tree_files *tree, uint32_t id);
const struct skt_process *tree_files_process(const struct tree_files *tree, unsigned pid);

/* The message of the problem at this path and line (-1: none), or NULL. */
const char *tree_files_problem(const struct tree_files *tree, const char *path, int64_t line);

/* A directory and all that is in it. */
void remove_all(const char *path);

#endif

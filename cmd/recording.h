/* SPDX-License-Identifier: MIT */
#ifndef RECORDING_H
#define RECORDING_H

#include <skt/record.h>

#include <stdbool.h>

/* A REC[@TIME] operand, opened. */
struct recording {
	char *path;
	const char *time; /* the TIME, NULL: none; part of the operand */
	int fd;
};

/* Whether there is a file of this name, or it is standard input: for skt_operand_split(). */
bool path_exists(const char *path, size_t len, void *data);

/* Whether it is one: a path that exists, perhaps with a TIME. What does not exist may be an expression. */
bool recording_exists(const char *operand);

/* The TIME of an operand, NULL: it has none. */
const char *recording_time(const char *operand);

/* `-` is standard input, which is kept in a temporary file first. On failure, too, it is to be closed. */
int recording_open(const char *operand, struct recording *ret, struct skt_err *err);
void recording_close(struct recording *recording);

/*
 * Read and check all of it, for --strict: 0, or -EBADMSG or -EPROTONOSUPPORT where a snapshot is missing that was
 * taken, or cannot be read. What opening a file looks at is not enough, for the index leads past what is damaged.
 */
int recording_require_whole(int fd, const char *path, struct skt_err *err);

/*
 * --tz=host: the zone that the recorded host had, which becomes the process's own; UTC, which is said, where it is not
 * known. One of which this machine does not know what it is ends the program: trouble.
 */
enum skt_zone recording_zone(const struct skt_file *file);

/*
 * What opening the file had found, if that is what reading came upon; or NULL. In a directory another file may have
 * damage at the same place.
 */
const struct skt_damage *recording_known(const struct skt_file *file, const struct skt_err *err);

/* What is lost, each on a line on stderr. */
void recording_tell_damage(const char *name, const struct skt_damage *damage, size_t n, enum skt_zone zone);

/* That marks may be missing, where skt_file_marks() said so. */
void recording_tell_marks(const char *name);

#endif

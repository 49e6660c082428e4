/* SPDX-License-Identifier: MIT */
#ifndef VERIFYING_H
#define VERIFYING_H

#include <skt/buf.h>
#include <skt/record.h>

/*
 * One verdict and its details: 0 WHOLE or LIVE, 1 another verdict, or the chain value (NULL: none) was not found, 2
 * some of it only a newer program can read, or a negative errno.
 */
int verify_recording(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct skt_err *err);

/* The same of every recording in a directory, and whether each follows from the one before. */
int verify_directory(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct skt_err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef INFO_H
#define INFO_H

#include <skt/buf.h>
#include <skt/record.h>

/* What is known of a recording itself, as lines of text: 0, 1 if some of it cannot be read (told on stderr), or a negative errno. */
int show_info(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err);

/* What a directory's verdict is made of. */
struct verified {
	enum skt_verdict verdict;
	bool has_chain;
	bool newer; /* some of it only a newer program can read */
	uint64_t blocks;
	uint8_t chain[SKT_CHAIN_SIZE]; /* of its last good block */
};

/* One verdict and its details; ret may be NULL, else the chain value is only looked for: 0 WHOLE or LIVE, 1 another verdict, or the chain value was not found, or a negative errno. */
int verify_recording(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct verified *ret, struct skt_err *err);

/* The same of every recording in a directory, and whether each follows from the one before. */
int verify_directory(int fd, const char *path, const uint8_t *chain, struct skt_buf *out, enum skt_zone zone,
		     struct skt_err *err);

#endif

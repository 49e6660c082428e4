/* SPDX-License-Identifier: MIT */
#ifndef SKT_ERR_H
#define SKT_ERR_H

#include <stdint.h>

/*
 * Why something failed, for a person. Functions that can fail for a reason worth reading take a
 * struct skt_err * as their last parameter; it may be NULL. Nothing in it is allocated. What they
 * return is 0 or a negative errno, with this vocabulary:
 *
 *   -EBADMSG           damaged bytes
 *   -ENODATA           the file stops inside a block
 *   -EPROTONOSUPPORT   intact, but newer than this program
 *   -E2BIG             over a stated limit
 *   -ENOMEM            no memory
 *   any other          what the system call said
 *
 * Messages have no capital and no full stop. They may quote hostile bytes: whoever prints one escapes
 * it first (skt/escape.h).
 */
struct skt_err {
	int code;	  /* the negative errno; 0 while nothing has failed */
	int64_t position; /* byte offset in a recording, line number in a text; -1 where there is none */
	char path[512];	  /* as the caller named it, "..." and its end where it is longer; "" where there is none */
	char message[512];
};

/* Start with "nothing has failed". */
void skt_err_init(struct skt_err *err);

/*
 * Fill err (unless NULL) with code and a message and return code, so that failing is one statement:
 * `return skt_err_set(err, -E2BIG, "...", ...);`. Path and position are cleared.
 */
int skt_err_set(struct skt_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: ": " and strerror(-code) are added to the message. */
int skt_err_sys(struct skt_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Say where: path (unless NULL) and position (unless negative) are put in where they are still unknown. Returns err's
 * code.
 */
int skt_err_at(struct skt_err *err, const char *path, int64_t position);

#endif

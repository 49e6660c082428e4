/* SPDX-License-Identifier: MIT */
#ifndef RENDER_HOLDERS_H
#define RENDER_HOLDERS_H

#include <skt/field.h>

#include <skt/buf.h>

#include <stdint.h>

/*
 * The owners of one socket as one text, those of one name together and the name of the lowest pid first:
 * "nginx 7203/6 7204/6,8, curl 991/5".
 */
struct holder {
	uint32_t rank; /* the lowest pid of its name */
	uint32_t comm; /* string id */
	uint32_t pid;
	int32_t fd;
	uint32_t process; /* slot */
};

/* All of them in that order, in scratch, whose memory it borrows; NULL (and scratch failed) without memory. */
const struct holder *holders_list(const struct skt_row *row, struct skt_buf *scratch);

void holders_put(const struct skt_row *row, const struct holder *list, struct skt_buf *out);

/* "nginx 7203 7204, curl 991": who may have held it, and how many more. */
void holders_list_candidates(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out);

/* Behind the state: " perhaps nginx 7203 7204, curl 991", who may have held it; nothing where nobody is known to. */
void holders_put_candidates(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out);

/* Why there is nobody, in a word; nothing where the owners speak for themselves. */
void holders_put_state(const struct skt_sock *sock, struct skt_buf *out);

#endif

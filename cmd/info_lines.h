/* SPDX-License-Identifier: MIT */
#ifndef INFO_LINES_H
#define INFO_LINES_H

#include <skt/buf.h>
#include <skt/time.h>

/* A line of --info or --verify: a name, and what there is to say. */
void text_line(struct skt_buf *out, const char *name, const char *value);
void number_line(struct skt_buf *out, const char *name, uint64_t value);
void time_line(struct skt_buf *out, const char *name, int64_t when, enum skt_zone zone);
void duration_line(struct skt_buf *out, const char *name, int64_t ns);
/* Of at most SKT_CHAIN_SIZE bytes. */
void hex_line(struct skt_buf *out, const char *name, const uint8_t *bytes, size_t len);

#endif

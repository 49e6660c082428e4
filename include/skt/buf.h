/* SPDX-License-Identifier: MIT */
#ifndef SKT_BUF_H
#define SKT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing run of bytes. The first failure (no memory) sticks: later calls do nothing and `failed`
 * stays set, so a writer of many fields tests once at the end. `data` is borrowed until the next call
 * that appends; it is not NUL-terminated.
 */
struct skt_buf {
	unsigned char *data;
	size_t len;
	size_t size;
	bool failed;
};

void skt_buf_init(struct skt_buf *buf);
void skt_buf_release(struct skt_buf *buf);

/* Empty, and usable again even after a failure; the memory is kept. */
void skt_buf_clear(struct skt_buf *buf);

/* Room for n more bytes at the end, not yet counted in len; NULL (and failed) without memory. */
void *skt_buf_room(struct skt_buf *buf, size_t n);

void skt_buf_add(struct skt_buf *buf, const void *data, size_t len);
void skt_buf_byte(struct skt_buf *buf, unsigned char byte);
void skt_buf_text(struct skt_buf *buf, const char *text);
void skt_buf_fill(struct skt_buf *buf, unsigned char byte, size_t n);
/* In decimal. */
void skt_buf_number(struct skt_buf *buf, uint64_t number);
void skt_buf_printf(struct skt_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Little-endian fixed widths, and LEB128 varints; zigzag first for the signed one. */
void skt_buf_le16(struct skt_buf *buf, uint16_t value);
void skt_buf_le32(struct skt_buf *buf, uint32_t value);
void skt_buf_le64(struct skt_buf *buf, uint64_t value);
void skt_buf_varint(struct skt_buf *buf, uint64_t value);
void skt_buf_zigzag(struct skt_buf *buf, int64_t value);

/* 0, or -ENOMEM once an append has failed. */
int skt_buf_status(const struct skt_buf *buf);

#endif

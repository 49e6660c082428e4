/* SPDX-License-Identifier: MIT */
#include <skt/buf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void skt_buf_init(struct skt_buf *buf)
{
	memset(buf, 0, sizeof(*buf));
}

void skt_buf_release(struct skt_buf *buf)
{
	free(buf->data);
	skt_buf_init(buf);
}

void skt_buf_clear(struct skt_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

void *skt_buf_room(struct skt_buf *buf, size_t n)
{
	if (buf->failed)
		return NULL;
	if (n > buf->size - buf->len) {
		size_t size = buf->size ? buf->size : 256;
		unsigned char *data;

		while (size - buf->len < n && size <= SIZE_MAX / 2)
			size *= 2;
		data = size - buf->len < n ? NULL : realloc(buf->data, size);
		if (!data) {
			buf->failed = true;
			return NULL;
		}
		buf->data = data;
		buf->size = size;
	}
	return buf->data + buf->len;
}

void skt_buf_add(struct skt_buf *buf, const void *data, size_t len)
{
	void *room = len ? skt_buf_room(buf, len) : NULL;

	if (!room)
		return;
	memcpy(room, data, len);
	buf->len += len;
}

void skt_buf_byte(struct skt_buf *buf, unsigned char byte)
{
	if (buf->len == buf->size && !skt_buf_room(buf, 1))
		return;
	if (!buf->failed)
		buf->data[buf->len++] = byte;
}

void skt_buf_text(struct skt_buf *buf, const char *text)
{
	skt_buf_add(buf, text, strlen(text));
}

void skt_buf_fill(struct skt_buf *buf, unsigned char byte, size_t n)
{
	void *room = n ? skt_buf_room(buf, n) : NULL;

	if (!room)
		return;
	memset(room, byte, n);
	buf->len += n;
}

void skt_buf_printf(struct skt_buf *buf, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0) {
		char *room = skt_buf_room(buf, (size_t)n + 1);

		if (room) {
			vsnprintf(room, (size_t)n + 1, format, again);
			buf->len += (size_t)n;
		}
	} else {
		buf->failed = true;
	}
	va_end(again);
	va_end(args);
}

void skt_buf_number(struct skt_buf *buf, uint64_t number)
{
	char digits[20]; /* of UINT64_MAX */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	skt_buf_add(buf, digits + at, sizeof(digits) - at);
}

static void little_endian(struct skt_buf *buf, uint64_t value, size_t width)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	skt_buf_add(buf, bytes, width);
}

void skt_buf_le16(struct skt_buf *buf, uint16_t value)
{
	little_endian(buf, value, 2);
}

void skt_buf_le32(struct skt_buf *buf, uint32_t value)
{
	little_endian(buf, value, 4);
}

void skt_buf_le64(struct skt_buf *buf, uint64_t value)
{
	little_endian(buf, value, 8);
}

void skt_buf_varint(struct skt_buf *buf, uint64_t value)
{
	while (value >= 0x80) {
		skt_buf_byte(buf, (unsigned char)(value | 0x80));
		value >>= 7;
	}
	skt_buf_byte(buf, (unsigned char)value);
}

void skt_buf_zigzag(struct skt_buf *buf, int64_t value)
{
	skt_buf_varint(buf, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

int skt_buf_status(const struct skt_buf *buf)
{
	return buf->failed ? -ENOMEM : 0;
}

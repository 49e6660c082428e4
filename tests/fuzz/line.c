/* SPDX-License-Identifier: MIT */
/* A byte that says which table and which byte order, and then a line: a row of it prints as it was read. */
#include "proc/line.h"
#include "taken.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct line_format *format, const char *line, size_t len, struct skt_strtab *strings)
{
	static const unsigned sls[] = { 0, 7, 12345, UINT32_MAX };
	const char *colon = memchr(line, ':', len);
	struct skt_sock sock, again;
	struct skt_buf out;
	size_t at = 0;
	int rc = line_parse(format, line, len, strings, &sock, &at);

	if (rc < 0 || at > len)
		abort();
	if (!rc)
		return;
	taken();
	skt_buf_init(&out);
	/* with its own row number: the same bytes from the colon on */
	line_print(format, &sock, (unsigned)strtoul(line, NULL, 10), strings, &out);
	if (out.failed || out.len < len - (size_t)(colon - line) + 1 || out.data[out.len - 1] != '\n' ||
	    memcmp(out.data + out.len - 1 - (len - (size_t)(colon - line)), colon, len - (size_t)(colon - line)))
		abort();
	/* with another: the same row */
	for (size_t i = 0; i < sizeof(sls) / sizeof(*sls); i++) {
		skt_buf_clear(&out);
		line_print(format, &sock, sls[i], strings, &out);
		if (out.failed || line_parse(format, (char *)out.data, out.len - 1, strings, &again, &at) != 1)
			abort();
		/* text has the padding of the number it was read with */
		if (!skt_sock_has(&sock, SKT_F_TEXT) && memcmp(&sock, &again, sizeof(sock)))
			abort();
	}
	skt_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skt_strtab *strings = skt_strtab_new(1);
	struct line_format format = { .boottime = INT64_C(123456789012345) };
	char *line;

	if (size) {
		format.kind = data[0] % SKT_TABLE_KINDS;
		format.big_endian = data[0] & 0x80;
		/* a copy with a NUL behind it, for strtoul() */
		line = malloc(size);
		memcpy(line, data + 1, size - 1);
		line[size - 1] = '\0';
		line_is_heading(format.kind, line, size - 1);
		check(&format, line, size - 1, strings);
		free(line);
	}
	skt_strtab_unref(strings);
	return 0;
}

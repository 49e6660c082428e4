/* SPDX-License-Identifier: MIT */
#include "info_lines.h"

#include "cli.h"

#include <skt/record.h>

#include <inttypes.h>

void text_line(struct skt_buf *out, const char *name, const char *value)
{
	skt_buf_printf(out, "%-24s ", name);
	cli_line(out, value);
}

void number_line(struct skt_buf *out, const char *name, uint64_t value)
{
	skt_buf_printf(out, "%-24s %" PRIu64 "\n", name, value);
}

void time_line(struct skt_buf *out, const char *name, int64_t when, enum skt_zone zone)
{
	skt_buf_printf(out, "%-24s ", name);
	skt_time_format(out, when, zone);
	skt_buf_byte(out, '\n');
}

void duration_line(struct skt_buf *out, const char *name, int64_t ns)
{
	skt_buf_printf(out, "%-24s ", name);
	skt_duration_format(out, ns);
	skt_buf_byte(out, '\n');
}

void hex_line(struct skt_buf *out, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * SKT_CHAIN_SIZE + 1];

	cli_hex(bytes, len, hex);
	text_line(out, name, hex);
}

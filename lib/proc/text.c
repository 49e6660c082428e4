/* SPDX-License-Identifier: MIT */
#include <skt/tree.h>

#include "proc/line.h"

static void put_line(const struct skt_snapshot *snapshot, uint32_t text, struct skt_buf *out)
{
	size_t len;
	const char *line = skt_strtab_get(snapshot->strings, text, &len);

	skt_buf_add(out, line, len);
	skt_buf_byte(out, '\n');
}

void skt_table_text(const struct skt_snapshot *snapshot, const struct skt_table *table, bool big_endian,
		    struct skt_buf *out)
{
	struct line_format format = { .kind = table->kind, .big_endian = big_endian, .boottime = snapshot->boottime };
	size_t raw = 0;

	if (table->heading)
		put_line(snapshot, table->heading, out);
	for (size_t i = 0; i <= table->n_rows; i++) {
		for (; raw < table->n_raw && table->raw[raw].before == i; raw++)
			put_line(snapshot, table->raw[raw].text, out);
		if (i < table->n_rows)
			line_print(&format, &snapshot->socks[table->order[i]], (unsigned)i, snapshot->strings, out);
	}
}

/* SPDX-License-Identifier: MIT */
#include "doubts.h"

#include "cli.h"
#include "slice_facts.h"
#include "stretch.h"

#include <errno.h>
#include <string.h>

static void say(const struct skt_file *file, struct skt_buf *line)
{
	skt_buf_byte(line, '\0');
	cli_say("%s: %s", skt_file_name(file), line->failed ? "out of memory" : (char *)line->data);
	skt_buf_clear(line);
}

static void put_hole(const struct skt_hole *hole, enum skt_zone zone, struct skt_buf *line)
{
	switch (hole->kind) {
	case SKT_HOLE_LOST:
		skt_buf_text(line, "snapshots are lost");
		break;
	case SKT_HOLE_EVENTS:
		skt_buf_text(
			line,
			"more sockets were closed than could be taken down, and what no look has seen may be missing,");
		break;
	case SKT_HOLE_TABLE:
	case SKT_HOLE_UNREAD:
		skt_buf_printf(line, "table %s", skt_table_kind_name(hole->table));
		if (hole->net_namespace)
			skt_buf_printf(line, " of network namespace %llu", (unsigned long long)hole->net_namespace);
		if (hole->kind == SKT_HOLE_UNREAD)
			skt_buf_text(line, " was never read");
		else
			skt_buf_printf(line, " could not be read (%s)",
				       hole->error == -EBADMSG ? "it is not such a table as a kernel writes"
							       : strerror(-hole->error));
		break;
	default:
		stretch_put_outside(line, hole->after, hole->until, zone);
		return;
	}
	stretch_put(line, hole->after, hole->until, zone);
}

void doubts_put_kinds(uint32_t kinds, struct skt_buf *line)
{
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (kinds & 1u << kind)
			skt_buf_printf(line, " %s", skt_table_kind_name(kind));
}

bool doubts_tell_unrecorded(const struct skt_file *file, uint32_t kinds, uint32_t recorded)
{
	struct skt_buf line;

	/* an expression that no table's rows can meet needs none */
	if (!(kinds & ~recorded))
		return false;
	skt_buf_init(&line);
	if (kinds & recorded) {
		skt_buf_text(&line, "cannot say: of the tables asked for these were not recorded:");
		doubts_put_kinds(kinds & ~recorded, &line);
	} else {
		skt_buf_text(&line, "cannot say: the tables asked for were not recorded");
	}
	say(file, &line);
	skt_buf_release(&line);
	return true;
}

bool doubts_tell(const struct skt_file *file, const struct asked *asked, const struct skt_coverage *coverage,
		 enum skt_zone zone)
{
	const struct skt_header *header = skt_file_header(file);
	bool doubt = false, small;
	struct skt_buf line;

	skt_buf_init(&line);
	if (!coverage->snapshots) {
		doubt = true;
		skt_buf_text(&line, "cannot say: no snapshot was looked at");
		say(file, &line);
	}
	doubt |= doubts_tell_unrecorded(file, asked->kinds, asked->recorded);
	skt_buf_text(&line, "cannot say: ");
	small = slice_is_too_small(header, asked->filter, asked->kinds, asked->listening, &line);
	doubt |= small;
	if (small)
		say(file, &line);
	for (size_t i = 0; i < coverage->n_holes; i++) {
		doubt = true;
		skt_buf_clear(&line);
		skt_buf_text(&line, "cannot say: ");
		put_hole(&coverage->holes[i], zone, &line);
		say(file, &line);
	}
	skt_buf_clear(&line);
	if (coverage->more_holes) {
		skt_buf_printf(&line, "cannot say: %llu more such holes", (unsigned long long)coverage->more_holes);
		say(file, &line);
	}
	skt_buf_release(&line);
	return doubt;
}

/* SPDX-License-Identifier: MIT */
#include "query/count.h"

#include "base/cur.h"
#include "query/tuple.h"

#include <errno.h>

/*
 * A group as bytes:
 *
 *	length of the tuple, tuple, how many rows, how many turns, and of each turn the stretch, from the one before on,
 *	and by how many
 *
 * Numbers are varints. The other process is one of this program, but what it read was a stranger's recording.
 */

void skt_counts_save(struct skt_counts *counts, struct skt_counts_place *place, struct skt_buf *out)
{
	size_t len, n = 0;
	const char *tuple;
	int64_t before = 0;

	if (!place->group++)
		counts_squeeze(counts);
	if (place->group >= counts->n_groups)
		return;
	tuple = skt_strtab_get(counts->tuples, place->group, &len);
	skt_buf_varint(out, len);
	skt_buf_add(out, tuple, len);
	skt_buf_varint(out, counts->groups[place->group].count[0]);
	while (place->turn + n < counts->n_turns && counts->turns[place->turn + n].group == place->group)
		n++;
	skt_buf_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		const struct turn *turn = &counts->turns[place->turn + i];

		skt_buf_zigzag(out, (int64_t)((uint64_t)turn->stretch - (uint64_t)before));
		skt_buf_zigzag(out, turn->by);
		before = turn->stretch;
	}
	place->turn += n;
}

/* Whether it is a group's: all of it, and no more, is the values that groups have. */
static bool is_tuple(const struct skt_counts *counts, const unsigned char *tuple, size_t len)
{
	if (!counts->options.by.n)
		return len == 1;
	return tuple && tuple_is_whole(tuple, len, counts->options.by.n);
}

int skt_counts_merge(struct skt_counts *counts, const void *bytes, size_t len)
{
	struct cur cur;
	const unsigned char *tuple;
	size_t tuple_len;
	uint64_t count, n, stretch = 0;
	uint32_t id;
	int rc;

	cur_init(&cur, bytes, len);
	tuple_len = (size_t)cur_count(&cur, cur_left(&cur));
	tuple = cur_bytes(&cur, tuple_len);
	count = cur_varint(&cur);
	n = cur_count(&cur, cur_left(&cur));
	if (cur.bad || !is_tuple(counts, tuple, tuple_len))
		return -EBADMSG;
	rc = counts_group(counts, tuple, tuple_len, &id);
	if (!rc)
		counts->groups[id].count[0] += count;
	while (n-- && !rc) {
		int64_t by;

		stretch += (uint64_t)cur_zigzag(&cur);
		by = cur_zigzag(&cur);
		if (cur.bad || by < INT32_MIN || by > INT32_MAX)
			return -EBADMSG;
		rc = counts_turn(counts, id, (int64_t)stretch, (int32_t)by);
	}
	return rc ? rc : cur_is_done(&cur) ? 0 : -EBADMSG;
}

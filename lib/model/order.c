/* SPDX-License-Identifier: MIT */
#include "model/order.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ordering_release(struct ordering *ordering)
{
	free(ordering->tails);
	free(ordering->previous);
	free(ordering->kept);
	memset(ordering, 0, sizeof(*ordering));
}

/*
 * Mark the longest increasing run of old places among the new rows (patience sorting): those rows stay,
 * every other survivor moves. tails[k] is the new row at which a run of length k+1 ends lowest.
 */
static void longest_run(struct ordering *ordering, const uint32_t *of_now, size_t n_now)
{
	size_t length = 0;
	uint32_t at;

	for (uint32_t j = 0; j < n_now; j++) {
		size_t low = 0, high = length;

		if (of_now[j] == MAP_NONE)
			continue;
		/* nearly always the next row comes after all before it */
		if (length && of_now[ordering->tails[length - 1]] < of_now[j])
			low = length;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (of_now[ordering->tails[middle]] < of_now[j])
				low = middle + 1;
			else
				high = middle;
		}
		ordering->previous[j] = low ? ordering->tails[low - 1] : MAP_NONE;
		ordering->tails[low] = j;
		if (low == length)
			length++;
	}
	at = length ? ordering->tails[length - 1] : MAP_NONE;
	for (; at != MAP_NONE; at = ordering->previous[at])
		ordering->kept[at] = true;
}

static int add_edit(struct skt_step *step, const struct skt_order_edit *edit)
{
	if (array_room(&step->edits, &step->room_edits, step->n_edits + 1, sizeof(*step->edits)))
		return -ENOMEM;
	step->edits[step->n_edits++] = *edit;
	return 0;
}

int order_find(struct ordering *ordering, const struct pairing *pairing, uint32_t table, size_t n_old, size_t n_now,
	       const uint32_t *slots, struct skt_step *step)
{
	uint32_t i = 0, j = 0;

	if (array_room(&ordering->tails, &ordering->room_tails, n_now, sizeof(uint32_t)) ||
	    array_room(&ordering->previous, &ordering->room_previous, n_now, sizeof(uint32_t)) ||
	    array_room(&ordering->kept, &ordering->room_kept, n_now, sizeof(bool)) ||
	    array_room(&step->puts, &step->room_puts, step->n_puts + n_now, sizeof(uint32_t)))
		return -ENOMEM;
	if (n_now)
		memset(ordering->kept, 0, n_now * sizeof(bool));
	longest_run(ordering, pairing->of_now, n_now);
	while (i < n_old || j < n_now) {
		struct skt_order_edit edit = { .table = table };

		for (; i < n_old || j < n_now; i++) {
			if (i < n_old && pairing->of_old[i] == MAP_NONE)
				continue; /* gone, and so not counted */
			if (j == n_now || !ordering->kept[j] || pairing->of_now[j] != i)
				break;
			edit.keep++;
			j++;
		}
		for (; i < n_old && !(pairing->of_old[i] != MAP_NONE && ordering->kept[pairing->of_old[i]]); i++)
			edit.drop += pairing->of_old[i] != MAP_NONE;
		for (; j < n_now && !ordering->kept[j]; j++) {
			step->puts[step->n_puts++] = slots[j];
			edit.put++;
		}
		if ((edit.drop || edit.put) && add_edit(step, &edit))
			return -ENOMEM;
	}
	return 0;
}

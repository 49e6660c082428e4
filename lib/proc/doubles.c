/* SPDX-License-Identifier: MIT */
#include "proc/doubles.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * So many rows that are gone are passed over at once, and two more after each stranger: where many went, what is left
 * comes into reach sooner than it moves on. The most is five hundred gone in a row, for the kernel lists rows by a
 * hash; and in a table that is all another it costs a stranger as much as half a microsecond of comparing.
 */
#define AHEAD_LEAST 8
#define AHEAD_MOST  1024

void doubles_init(struct doubles *doubles)
{
	memset(doubles, 0, sizeof(*doubles));
	map_init(&doubles->map);
}

void doubles_release(struct doubles *doubles)
{
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		free(doubles->was[kind].hashes);
	free(doubles->is.hashes);
	free(doubles->strangers);
	free(doubles->found);
	map_release(&doubles->map);
	doubles_init(doubles);
}

void doubles_begin(struct doubles *doubles, uint8_t kind, uint64_t net_namespace)
{
	struct doubles_list *was = &doubles->was[kind];

	doubles->kind = kind;
	doubles->known = was->net_namespace == net_namespace ? was : NULL;
	doubles->is.net_namespace = net_namespace;
	doubles->is.n = 0;
	doubles->next = 0;
	doubles->ahead = AHEAD_LEAST;
	doubles->n_strangers = 0;
	doubles->n_found = 0;
}

/* Whether the row stood in the table before, behind those that were met. */
static bool is_known(struct doubles *doubles, uint64_t hash)
{
	const struct doubles_list *known = doubles->known;
	size_t end;

	if (!known)
		return false;
	end = known->n - doubles->next < doubles->ahead ? known->n : doubles->next + doubles->ahead;
	for (size_t k = doubles->next; k < end; k++) {
		if (known->hashes[k] != hash)
			continue;
		doubles->next = k + 1;
		doubles->ahead = AHEAD_LEAST;
		return true;
	}
	if (doubles->ahead < AHEAD_MOST)
		doubles->ahead += 2;
	return false;
}

int doubles_add(struct doubles *doubles, uint64_t hash)
{
	struct doubles_list *is = &doubles->is;
	size_t i = is->n;

	if (array_room(&is->hashes, &is->room, i + 1, sizeof(*is->hashes)))
		return -ENOMEM;
	is->hashes[is->n++] = hash;
	if (!hash || is_known(doubles, hash))
		return 0;
	if (array_room(&doubles->strangers, &doubles->room_strangers, doubles->n_strangers + 1, sizeof(uint32_t)))
		return -ENOMEM;
	doubles->strangers[doubles->n_strangers++] = (uint32_t)i;
	return 0;
}

/* What `same` is asked with. */
struct question {
	bool (*same)(const void *data, uint32_t a, uint32_t b);
	const void *data;
};

/* The stranger in the map that is the same as this row and not the row itself, by its place among them, or MAP_NONE. */
static uint32_t find(const struct doubles *doubles, struct question question, uint32_t row)
{
	const uint64_t *hashes = doubles->is.hashes;
	uint32_t k = map_first(&doubles->map, hashes[row]);

	for (; k != MAP_NONE; k = map_next(&doubles->map, k)) {
		uint32_t stranger = doubles->strangers[k];

		if (hashes[stranger] == hashes[row] && stranger != row && question.same(question.data, stranger, row))
			return k;
	}
	return MAP_NONE;
}

static int add_found(struct doubles *doubles, uint32_t row)
{
	if (array_room(&doubles->found, &doubles->room_found, doubles->n_found + 1, sizeof(uint32_t)))
		return -ENOMEM;
	doubles->found[doubles->n_found++] = row;
	return 0;
}

/* Those of strangers that are strangers twice; the others are in the map then, each once. */
static int compare_strangers(struct doubles *doubles, struct question question)
{
	if (map_reset(&doubles->map, doubles->n_strangers))
		return -ENOMEM;
	for (size_t k = 0; k < doubles->n_strangers; k++) {
		uint32_t row = doubles->strangers[k];

		if (find(doubles, question, row) == MAP_NONE)
			map_add(&doubles->map, doubles->is.hashes[row], (uint32_t)k);
		else if (add_found(doubles, row))
			return -ENOMEM;
	}
	return 0;
}

/* All others with the strangers: each is the same as one at most, and the later one is found. */
static int compare_others(struct doubles *doubles, struct question question)
{
	size_t stranger = 0;

	for (uint32_t row = 0; row < doubles->is.n; row++) {
		uint32_t k;

		if (stranger < doubles->n_strangers && doubles->strangers[stranger] == row) {
			stranger++;
			continue;
		}
		k = doubles->is.hashes[row] ? find(doubles, question, row) : MAP_NONE;
		if (k == MAP_NONE)
			continue;
		if (add_found(doubles, doubles->strangers[k] > row ? doubles->strangers[k] : row))
			return -ENOMEM;
	}
	return 0;
}

static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* The rows, but for those found, are what the next look begins with, unless a longer table of that kind is known. */
static void keep(struct doubles *doubles)
{
	struct doubles_list *was = &doubles->was[doubles->kind], is = doubles->is;
	size_t to = 0, found = 0;

	if (!doubles->known && was->n > is.n - doubles->n_found)
		return;
	for (uint32_t row = 0; row < is.n; row++) {
		if (found < doubles->n_found && doubles->found[found] == row)
			found++;
		else
			is.hashes[to++] = is.hashes[row];
	}
	is.n = to;
	doubles->is = *was;
	*was = is;
}

int doubles_end(struct doubles *doubles, bool (*same)(const void *data, uint32_t a, uint32_t b), const void *data)
{
	struct question question = { same, data };
	int rc = 0;

	if (doubles->n_strangers)
		rc = compare_strangers(doubles, question);
	if (!rc && doubles->n_strangers && doubles->n_strangers < doubles->is.n)
		rc = compare_others(doubles, question);
	if (rc)
		return rc;
	if (doubles->n_found)
		qsort(doubles->found, doubles->n_found, sizeof(*doubles->found), by_number);
	keep(doubles);
	return 0;
}

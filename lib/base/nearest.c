/* SPDX-License-Identifier: MIT */
#include <skt/nearest.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Names are compared letter by letter. */
#define NAME_MAX_LEN 32

/* How many letters are to be put in, taken out or changed to make one of the other (Levenshtein). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; i < a_len; i++) {
		size_t corner = row[0]++;

		for (size_t j = 0; j < b_len; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			best = best < corner + 1 ? best : corner + 1;
			row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
		}
	}
	return row[b_len];
}

/*
 * How unlike they are. Who gives a part of a name means one that has it, and shorter ones first; names are in lower
 * case.
 */
static size_t unlikeness(const char *name, size_t len, const char *other)
{
	size_t other_len = strlen(other);
	char lower[NAME_MAX_LEN];

	if (other_len > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	for (size_t at = 0; len >= 3 && at + len <= other_len; at++)
		if (!memcmp(other + at, lower, len))
			return 1;
	return distance(lower, len, other, other_len);
}

void skt_nearest_begin(struct skt_nearest *nearest, const char *name, size_t len)
{
	*nearest = (struct skt_nearest){ .name = name, .len = len, .unlike = { SIZE_MAX, SIZE_MAX, SIZE_MAX } };
}

void skt_nearest_offer(struct skt_nearest *nearest, const char *name)
{
	size_t by, at = 3;

	if (!nearest->len || nearest->len > NAME_MAX_LEN)
		return;
	by = unlikeness(nearest->name, nearest->len, name);
	while (at && by < nearest->unlike[at - 1])
		at--;
	if (at == 3 || by > 1 + nearest->len / 3)
		return;
	memmove(&nearest->near[at + 1], &nearest->near[at], (2 - at) * sizeof(*nearest->near));
	memmove(&nearest->unlike[at + 1], &nearest->unlike[at], (2 - at) * sizeof(*nearest->unlike));
	nearest->near[at] = name;
	nearest->unlike[at] = by;
}

const char *skt_nearest_text(const struct skt_nearest *nearest, const char *before, char room[SKT_NEAREST_ROOM])
{
	size_t n = 0;

	room[0] = '\0';
	for (size_t i = 0; i < 3 && nearest->near[i] && n < SKT_NEAREST_ROOM; i++)
		n += (size_t)snprintf(room + n, SKT_NEAREST_ROOM - n, "%s%s%s", i ? ", " : "; nearest: ", before,
				      nearest->near[i]);
	return room;
}

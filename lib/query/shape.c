/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name is compared with all names letter by letter; none has as many. */
#define NAME_MAX_LEN 32

/* ---- names ---- */

const struct skt_field_info *skt_view_find(const struct skt_view *view, const char *name, size_t len)
{
	for (size_t i = 0; i < view->n; i++)
		if (strlen(view->fields[i]->name) == len && !memcmp(view->fields[i]->name, name, len))
			return view->fields[i];
	return NULL;
}

static void add_nameable(const struct skt_view *from, struct skt_view *to)
{
	for (size_t i = 0; i < from->n && to->n < SKT_VIEW_FIELDS; i++) {
		const struct skt_field_info *field = from->fields[i];

		if (field->type != SKT_TYPE_SOCKET && !skt_view_find(to, field->name, strlen(field->name)))
			to->fields[to->n++] = field;
	}
}

void skt_view_nameable(const struct skt_view *view, const struct skt_view *flat, struct skt_view *ret)
{
	struct skt_view all = { .n = 0 };

	add_nameable(view, &all);
	add_nameable(flat, &all);
	*ret = all;
}

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

/* How unlike they are. Who gives a part of a name means one that has it, and shorter ones first; names are in lower case. */
static size_t unlikeness(const char *name, size_t len, const char *field)
{
	size_t field_len = strlen(field);
	char lower[NAME_MAX_LEN];

	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	for (size_t at = 0; len >= 3 && at + len <= field_len; at++)
		if (!memcmp(field + at, lower, len))
			return 1;
	return distance(lower, len, field, field_len);
}

const char *skt_view_nearest(const struct skt_view *of, const char *name, size_t len, char room[SKT_NEAREST_ROOM])
{
	const char *near[3] = { NULL };
	size_t unlike[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
	size_t likely = 1 + len / 3;

	for (size_t i = 0; i < of->n && len <= NAME_MAX_LEN; i++) {
		const char *field = of->fields[i]->name;
		size_t by = unlikeness(name, len, field);
		size_t at = 3;

		while (at && by < unlike[at - 1])
			at--;
		if (at == 3 || by > likely)
			continue;
		memmove(&near[at + 1], &near[at], (2 - at) * sizeof(*near));
		memmove(&unlike[at + 1], &unlike[at], (2 - at) * sizeof(*unlike));
		near[at] = field;
		unlike[at] = by;
	}
	snprintf(room, SKT_NEAREST_ROOM, "%s%s%s%s%s%s", near[0] ? "; nearest: " : "", near[0] ? near[0] : "",
		 near[1] ? ", " : "", near[1] ? near[1] : "", near[2] ? ", " : "", near[2] ? near[2] : "");
	return room;
}

static int refuse(const char *name, size_t len, const struct skt_view *of, struct skt_err *err)
{
	char nearest[SKT_NEAREST_ROOM];

	return skt_err_set(err, -EINVAL, "'%.*s' is no field%s; see sockquery --list-fields",
			   (int)(len < 64 ? len : 64), name, skt_view_nearest(of, name, len, nearest));
}

static int parse(const char *list, const struct skt_view *of, struct skt_order *ret, bool order, struct skt_err *err)
{
	struct skt_order got = { .fields = { .n = 0 } };

	for (const char *at = list;;) {
		bool falling = order && *at == '-';
		const char *name = at + falling;
		size_t len = strcspn(name, ",");
		const struct skt_field_info *field = skt_view_find(of, name, len);

		if (!len)
			return skt_err_set(err, -EINVAL, "'%s' lacks the name of a field", list);
		if (!field)
			return refuse(name, len, of, err);
		if (skt_view_find(&got.fields, name, len))
			return skt_err_set(err, -EINVAL, "'%s' is named twice", field->name);
		if (order && skt_field_is_list(field))
			return skt_err_set(err, -EINVAL, "'%s' is a list and has no order", field->name);
		/* no field twice: there is room */
		got.falling[got.fields.n] = falling;
		got.fields.fields[got.fields.n++] = field;
		if (!name[len])
			break;
		at = name + len + 1;
	}
	*ret = got;
	return 0;
}

int skt_fields_parse(const char *list, const struct skt_view *of, struct skt_view *ret, struct skt_err *err)
{
	struct skt_order got;
	int rc = parse(list, of, &got, false, err);

	if (!rc)
		*ret = got.fields;
	return rc;
}

int skt_order_parse(const char *list, const struct skt_view *of, struct skt_order *ret, struct skt_err *err)
{
	return parse(list, of, ret, true, err);
}

/* ---- holders ---- */

bool skt_view_has_holder(const struct skt_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->fields[i]->of_process)
			return true;
	return false;
}

static bool has_link(const struct skt_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->fields[i]->of_link)
			return true;
	return false;
}

int skt_rows_of_holders(const struct skt_view *view, const struct skt_row *rows, size_t n, struct skt_row **ret,
			size_t *ret_n)
{
	bool links = has_link(view);
	struct skt_row *more;
	size_t most = 0, got = 0;

	for (size_t i = 0; i < n; i++)
		most += rows[i].sock && rows[i].sock->n_owners ? rows[i].sock->n_owners : 1;
	more = calloc(most + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct skt_owner *owners = rows[i].sock ? skt_row_owners(&rows[i]) : NULL;

		if (!owners) {
			more[got++] = rows[i];
			continue;
		}
		for (uint32_t k = 0; k < rows[i].sock->n_owners; k++)
			if (links || !k || owners[k].process != owners[k - 1].process)
				more[got++] = skt_row_of_owner(&rows[i], &owners[k]);
	}
	*ret = more;
	*ret_n = got;
	return 0;
}

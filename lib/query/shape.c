/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include <skt/nearest.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int refuse(const char *name, size_t len, const struct skt_view *of, struct skt_err *err)
{
	struct skt_nearest nearest;
	char room[SKT_NEAREST_ROOM];

	skt_nearest_begin(&nearest, name, len);
	for (size_t i = 0; i < of->n; i++)
		skt_nearest_offer(&nearest, of->fields[i]->name);
	return skt_err_set(err, -EINVAL, "'%.*s' is no field%s; see sockquery --list-fields",
			   (int)(len < 64 ? len : 64), name, skt_nearest_text(&nearest, "", room));
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

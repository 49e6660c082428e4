/* SPDX-License-Identifier: MIT */
#include <skt/place.h>

#include "base/array.h"
#include "proc/meta.h"

#include <skt/escape.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void skt_place_release(struct skt_place *place)
{
	for (size_t i = 0; i < place->n_marks; i++)
		free(place->marks[i].text);
	free(place->marks);
	*place = (struct skt_place){ .marks = NULL };
}

bool skt_place_equal(const struct skt_place *a, const struct skt_place *b)
{
	if (a->interval != b->interval || a->gap != b->gap || a->last != b->last || a->until != b->until ||
	    a->missed != b->missed || a->n_marks != b->n_marks)
		return false;
	for (size_t i = 0; i < a->n_marks; i++)
		if (a->marks[i].time != b->marks[i].time || a->marks[i].back != b->marks[i].back ||
		    strcmp(a->marks[i].text, b->marks[i].text) != 0)
			return false;
	return true;
}

void meta_put_place(struct skt_buf *out, const struct skt_place *place)
{
	skt_buf_text(out, "interval");
	meta_put_signed(out, place->interval);
	skt_buf_byte(out, '\n');
	if (place->gap)
		skt_buf_printf(out, "gap %u\n", place->gap);
	if (place->last) {
		skt_buf_text(out, "last");
		meta_put_signed(out, place->until);
		meta_put_number(out, place->missed);
		skt_buf_byte(out, '\n');
	}
	for (size_t i = 0; i < place->n_marks; i++) {
		const struct skt_place_mark *mark = &place->marks[i];

		skt_buf_printf(out, "mark %u", mark->back);
		meta_put_signed(out, mark->time);
		skt_buf_byte(out, ' ');
		skt_escape(out, mark->text, strlen(mark->text));
		skt_buf_byte(out, '\n');
	}
}

/* A text that no file of ours could hold is refused here already. */
static void get_mark(struct meta *meta, struct skt_place *ret)
{
	struct skt_place_mark mark = { .back = meta_32(meta) };

	mark.time = meta_time(meta);
	meta_bytes(meta);
	if (!meta->bad && (meta->text->len > SKT_PLACE_MARK_TEXT ||
			   (meta->text->len && memchr(meta->text->data, 0, meta->text->len))))
		meta_fail(meta);
	meta_done(meta);
	if (meta->bad)
		return;
	mark.text = calloc(1, meta->text->len + 1);
	if (!mark.text) {
		meta->rc = -ENOMEM;
		meta_fail(meta);
		return;
	}
	if (meta->text->len)
		memcpy(mark.text, meta->text->data, meta->text->len);
	ret->marks[ret->n_marks++] = mark;
}

static void get_marks(struct meta *meta, struct skt_place *ret)
{
	size_t room = 0;

	while (meta_line(meta, "mark")) {
		if (ret->n_marks == SKT_PLACE_MARKS_MAX) {
			meta_fail(meta);
			return;
		}
		meta->rc = array_room(&ret->marks, &room, ret->n_marks + 1, sizeof(*ret->marks));
		if (meta->rc) {
			meta_fail(meta);
			return;
		}
		get_mark(meta, ret);
	}
}

void meta_get_place(struct meta *meta, struct skt_place *ret)
{
	skt_place_release(ret);
	if (!meta_line(meta, "interval"))
		meta_fail(meta);
	ret->interval = meta_time(meta);
	if (ret->interval < 0)
		meta_fail(meta);
	meta_done(meta);
	if (meta_line(meta, "gap")) {
		ret->gap = meta_32(meta);
		if (!ret->gap)
			meta_fail(meta);
		meta_done(meta);
	}
	ret->last = meta_line(meta, "last");
	if (ret->last) {
		ret->until = meta_time(meta);
		ret->missed = meta_32(meta);
		meta_done(meta);
	}
	get_marks(meta, ret);
}

/* SPDX-License-Identifier: MIT */
#ifndef RENDER_FORMATS_H
#define RENDER_FORMATS_H

#include <skt/buf.h>
#include <skt/field.h>
#include <skt/render.h>

#include <stddef.h>
#include <stdint.h>

/* The formats. render.c chooses among them; each appends whole lines, but for json. */

/* One object, without a newline. */
void json_row(const struct skt_view *view, const struct skt_row *row, struct skt_buf *out);

/* The value of a field; null where there is none. */
void json_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out);

/* These fields, SKT_BIT(enum skt_field), of a change's socket as it is now, or as it was. */
void json_socket(const struct skt_row *row, bool now, uint32_t fields, struct skt_buf *out);

/* A line with the names of the fields, and one with their values. */
void csv_heading(const struct skt_view *view, struct skt_buf *out);
void csv_row(const struct skt_view *view, const struct skt_row *row, struct skt_buf *out);

void netstat_heading(struct skt_buf *out);
void netstat_socket(const struct skt_row *row, struct skt_buf *out);

/* All rows at once, for the columns are fitted to them. row has render and snapshot. */
void table_processes(const struct skt_row *row, const uint32_t *slots, size_t n, struct skt_buf *out);

void table_rows(const struct skt_kind *kind, const struct skt_row *rows, size_t n, const struct skt_render *render,
		struct skt_buf *out);

/* The same in two parts (skt_render_part()). */
void table_part(const struct skt_kind *kind, const struct skt_row *row, const struct skt_render *render,
		struct skt_buf *out);
void table_parts(const struct skt_kind *kind, const struct skt_part *parts, size_t n, const struct skt_render *render,
		 struct skt_buf *out);

/*
 * A change a line: they come as they are seen, so there is nothing to fit columns to. One that is whole, and those of a
 * step.
 */
void table_change(const struct skt_row *row, struct skt_buf *out);
void table_changes(const struct skt_row *row, struct skt_changes *changes, const uint32_t *which, size_t n,
		   struct skt_buf *out);
void table_changes_heading(const struct skt_row *row, struct skt_buf *out);

/* Groups of differences. 0 or -ENOMEM. */
int table_differences(const struct skt_render *render, const struct skt_diff_sides *sides,
		      const struct skt_difference *items, size_t n, struct skt_buf *out);

/* The sides of a difference, as rows: false where there is none. */
bool difference_side(const struct skt_render *render, const struct skt_diff_sides *sides,
		     const struct skt_difference *difference, bool after, struct skt_row *ret);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SKT_SHAPE_H
#define SKT_SHAPE_H

#include <skt/buf.h>
#include <skt/err.h>
#include <skt/field.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rows shaped: which of their fields are shown, in what order they come, and how many there are of a kind. All that is
 * known of a row here is what skt_field_get() says of it, so this serves rows of any view.
 *
 * Values compare as what they are: numbers as numbers, times as times, addresses as addresses (10.0.0.2 before
 * 10.0.0.10, those of IPv4 before those of IPv6), text byte by byte. Null is after everything, whichever way the order
 * is.
 */

/*
 * What can be named of rows: the fields of both views, each once, a list of holders as a whole too; but not the two
 * sockets of a change.
 */
void skt_view_nameable(const struct skt_view *view, const struct skt_view *flat, struct skt_view *ret);

/*
 * The fields that a list names, with commas between: -EINVAL with what is wrong with it, and the names that are
 * nearest to one that is none.
 */
int skt_fields_parse(const char *list, const struct skt_view *of, struct skt_view *ret, struct skt_err *err);

/* The field of this name; NULL: none. */
const struct skt_field_info *skt_view_find(const struct skt_view *view, const char *name, size_t len);

/* Whether one of them is a holder's: then a row is a socket and one of its holders. */
bool skt_view_has_holder(const struct skt_view *view);

/*
 * Rows of one socket and one holder each, in the place of n rows of sockets; a socket without one stays as it is. Where
 * no field of the view is a descriptor's, descriptors of one process that stand next to each other are one. Given to
 * the caller (free()). 0 or -ENOMEM.
 */
int skt_rows_of_holders(const struct skt_view *view, const struct skt_row *rows, size_t n, struct skt_row **ret,
			size_t *ret_n);

/* ---- order ---- */

struct skt_order {
	struct skt_view fields;
	bool falling[SKT_VIEW_FIELDS];
};

/*
 * A list of fields, "-" before those that are to fall. As skt_fields_parse(); a list of holders has no order: -EINVAL.
 */
int skt_order_parse(const char *list, const struct skt_view *of, struct skt_order *ret, struct skt_err *err);

/*
 * The order of n rows: indices into them, given to the caller (free()). Rows that compare equal stay as they were. A
 * row of several holders stands where the one of them that comes first would. 0 or -ENOMEM.
 */
int skt_order_rows(const struct skt_order *order, const struct skt_row *rows, size_t n, uint32_t **ret);

/*
 * The same for rows that are never together: what one is sorted by, as bytes, and which of two comes first (<0, 0, >0).
 * Whether such bytes from elsewhere are of this order.
 */
void skt_order_key(const struct skt_order *order, const struct skt_row *row, struct skt_buf *out);
int skt_order_compare(const struct skt_order *order, const unsigned char *a, const unsigned char *b);
bool skt_order_is_key(const struct skt_order *order, const unsigned char *key, size_t len);

/* ---- counts ---- */

/*
 * How many rows there are of each group: of equal values in these fields. A row is counted once in each group that it
 * is in: a socket that several processes hold is counted with each comm, say, of theirs, but once with one that two of
 * them have.
 */
struct skt_counts;

struct skt_counts_options {
	struct skt_view by; /* may have none: all rows are one group */
	int64_t every;	    /* ns: so many for each such stretch of time, from 1970 on; 0 without */
	bool sides;	    /* rows are of before and after, and what differs is counted; not with `every` */
	uint64_t seed;	    /* of hashes */
};

/* Limit: what comes out. It is eight years of minutes, or a day of seconds in 48 groups: more than anybody draws. */
#define SKT_COUNTS_MAX (1u << 22)

int skt_counts_new(const struct skt_counts_options *options, struct skt_counts **ret);
void skt_counts_free(struct skt_counts *counts);

/*
 * Count a row. side: 0, or 1 for one of after. from, to: the instants between which it was there, both included, to be
 * counted in each stretch that they touch; looked at only where counts are by time. 0, -ENOMEM, or -E2BIG of too many
 * groups.
 */
int skt_counts_add(struct skt_counts *counts, unsigned side, const struct skt_row *row, int64_t from, int64_t to);

/*
 * Counts of several processes become one. skt_counts_save() appends the next group to out, as bytes for another process
 * of this program; nothing: there is none left. skt_counts_merge() adds such a group: 0, -ENOMEM, -E2BIG, or -EBADMSG:
 * it is none. Not of counts with sides, and not after the end.
 */
struct skt_counts_place {
	uint32_t group; /* 0 at first */
	size_t turn;
};

void skt_counts_save(struct skt_counts *counts, struct skt_counts_place *place, struct skt_buf *out);
int skt_counts_merge(struct skt_counts *counts, const void *bytes, size_t len);

/*
 * After the last one. Groups come with the largest first, those of the largest difference where there are sides, and
 * those of equal count in the order of their values; at most `top` of them, unless that is 0. With `every` stretch by
 * stretch, and top is of the groups that have most rows in all. 0, -ENOMEM, or -E2BIG: more than SKT_COUNTS_MAX rows.
 */
int skt_counts_end(struct skt_counts *counts, size_t top, struct skt_err *err);

/*
 * What there is to show: rows with the fields `time` (by time: the beginning of the stretch), those that were counted
 * by, and `count`, or `before`, `after` and `difference`. for_table: what is counted stands in front, and after it a
 * bar, which is `bar` columns long for the largest number; 0: none.
 */
#define SKT_BAR_MAX 24
void skt_counts_view(struct skt_counts *counts, bool for_table, unsigned bar, struct skt_view *ret);
size_t skt_counts_count(const struct skt_counts *counts);
struct skt_row skt_counts_row(const struct skt_counts *counts, size_t i);

#endif

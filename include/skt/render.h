/* SPDX-License-Identifier: MIT */
#ifndef SKT_RENDER_H
#define SKT_RENDER_H

#include <skt/buf.h>
#include <skt/changes.h>
#include <skt/field.h>
#include <skt/diff.h>
#include <skt/snapshot.h>
#include <skt/step.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rows as text. Nothing is printed here: text is appended to a buffer, which the program writes out, and whose `failed`
 * says whether there was memory for it. All bytes that came from the recorded host go through skt/escape.h, in
 * every format.
 *
 *   table    a socket a line, columns fitted to what stands in them, and cut to the terminal
 *   json     one array, an object a line
 *   jsonl    an object a line
 *   csv      RFC 4180, a line for each owner with `row` repeated; null is nothing between the commas, empty text
 *            is "", a list the text of a JSON array, and what a spreadsheet would run as a formula is escaped
 *   netstat  as `netstat -tuwapn` of net-tools 2.10 prints
 *
 * Fields have the names of DESIGN section 3; what is unknown or absent is null, and never left out.
 */

enum skt_format { SKT_FORMAT_TABLE, SKT_FORMAT_JSON, SKT_FORMAT_JSONL, SKT_FORMAT_CSV, SKT_FORMAT_NETSTAT };

/* The format of a name ("table", "json", "jsonl", "csv", "netstat"), or -1. */
int skt_format_of(const char *name);

struct skt_render {
	enum skt_format format;
	enum skt_zone zone;
	unsigned width;	       /* columns of the terminal; 0: no terminal, nothing is cut */
	bool heading;	       /* column names (table, csv, netstat) */
	bool colour;	       /* of differences in a table */
	const char *host;      /* name of the recorded host, "" unknown; borrowed */
	const char *recording; /* by which name it was asked, NULL unknown; borrowed */
	bool several;	       /* rows of several recordings come together: those of changes say of which each is */
	int64_t boot_time;     /* ns since 1970 to which process start times are added; -1 unknown */
	uint64_t rows;	       /* how many were rendered since skt_render_begin() */
	bool headed;	       /* private: the column names have been put */
};

/*
 * One document: begin, any number of calls for rows of one kind (one per snapshot, say), end. Column names come with
 * the first call, those of a table with each, for its columns are fitted within one call. Slots name live rows, in the
 * order wanted; hundreds of thousands of rows are better handed over in several calls and written out between them.
 */
void skt_render_begin(struct skt_render *render, struct skt_buf *out);
void skt_render_end(struct skt_render *render, struct skt_buf *out);

/* Sockets of a snapshot. */
void skt_render_sockets(struct skt_render *render, const struct skt_snapshot *snapshot, const uint32_t *slots, size_t n,
			struct skt_buf *out);

/* Processes of a snapshot: rows with the fields of an owner but fd. They have no netstat look, and get the table's. */
void skt_render_processes(struct skt_render *render, const struct skt_snapshot *snapshot, const uint32_t *slots,
			  size_t n, struct skt_buf *out);

/*
 * Changes of a step that was just applied to the snapshot: `which` are numbers of skt_changes_row(), in the order
 * wanted. Their rows have `before` and `after`, a socket's fields or null. In csv the columns are those of the socket
 * as it is now, or was, and `before` holds what was different in one that changed. In a table each is a line, in
 * columns that are not fitted, for a live stream; there is one heading a document. They have no netstat look, and get
 * the table's.
 */
void skt_render_changes(struct skt_render *render, struct skt_changes *changes, const uint32_t *which, size_t n,
			struct skt_buf *out);

/* What stands in a column of a table. */
enum skt_cell {
	SKT_CELL_FIELD,	    /* the field's value, "-" where it is null */
	SKT_CELL_TABLE,	    /* of the row's socket, and its status where it is not fresh */
	SKT_CELL_LOCAL,	    /* of the row's socket: address and port; short, a long IPv6 address has only its ends */
	SKT_CELL_REMOTE,    /* as LOCAL */
	SKT_CELL_NETNS,	    /* its namespace */
	SKT_CELL_HOLDERS,   /* its owners, those of one name together */
	SKT_CELL_USER,	    /* of the row's process, or socket */
	SKT_CELL_COMMAND,   /* its command line, or that of the owner named first */
	SKT_CELL_RECORDING, /* the name that the recording was given; short, its file's without .skt */
};

/*
 * Whether a column is left out where none of its rows has anything but 0 or null there, on a terminal (who cuts a piped
 * table by its columns has the same each time), or where all have the same.
 */
enum skt_spare { SKT_SPARE_NOT, SKT_SPARE_EMPTY, SKT_SPARE_SAME };

struct skt_column {
	const char *heading;
	enum skt_cell cell;
	const char *field;     /* SKT_CELL_FIELD: its name in the view */
	const char *sign;      /* stands before the value where ... */
	const char *signed_by; /* ... this field of the view is true */
	enum skt_spare spare;
	uint8_t least; /* on a terminal it may become so narrow, and what is wider pushes the others; 0: not */

	/*
	 * On a terminal that is too narrow columns give way in the order of these ranks, from 1 to 9 (0: not): times
	 * lose their fractions and zone, states and ends their long form; of ends only the ports are left; or the
	 * column is left out. The last two are cut meanwhile.
	 */
	uint8_t shortens;
	uint8_t ports;
	uint8_t goes;
};

/* Rows of any kind: the fields that they have, and the columns that a table of them has. */
struct skt_kind {
	struct skt_view view;
	struct skt_view flat;		  /* for csv, where a socket's owners have lines of their own */
	const struct skt_column *columns; /* NULL: one for each field of the view */
	size_t n_columns;
	bool netstat; /* they are sockets, and have that look, too */
	bool lines;   /* they are changes, and their table is that of skt_render_changes(); only in parts */
	/*
	 * a line is what it is told to be: in csv, too, it has the fields of the view, no number, and none for each
	 * owner
	 */
	bool exact;
};

/*
 * Where they have no netstat look, they get the table's. Times in a table are cut to milliseconds, and to the clock
 * where all are of one day.
 */
void skt_render_rows(struct skt_render *render, const struct skt_kind *kind, const struct skt_row *rows, size_t n,
		     struct skt_buf *out);

/*
 * The same in two parts, for rows that are put together from many places: first, while a row can be looked at, what is
 * to be written of it; and when all are there, these bytes, n of them in the order wanted, as skt_render_rows() writes
 * rows. The bytes are for this program only: whoever has them from elsewhere must have had them from skt_render_part(),
 * with such a kind.
 */
struct skt_part {
	const unsigned char *data;
	size_t len;
};

void skt_render_part(const struct skt_render *render, const struct skt_kind *kind, const struct skt_row *row,
		     struct skt_buf *out);
void skt_render_parts(struct skt_render *render, const struct skt_kind *kind, const struct skt_part *parts, size_t n,
		      struct skt_buf *out);

/*
 * Sockets of snapshots, as skt_render_sockets() has them, with a column more in front, that of their recordings; and
 * changes, as skt_render_changes() has them.
 */
void skt_kind_of_sockets(struct skt_kind *ret);
void skt_kind_of_changes(struct skt_kind *ret);

/* What differences are between. */
struct skt_diff_side {
	const struct skt_snapshot *snapshot; /* NULL: there is none */
	const char *host;
	int64_t boot_time;
};

struct skt_diff_sides {
	struct skt_diff_side before, after;
	struct skt_diff_side between;	  /* of those that were there in between */
	const struct skt_diff_told *told; /* of those; NULL: nothing was */
	bool forced;			  /* they are not comparable */
};

/*
 * Differences, all of a document in one call. In a table they stand in groups, one for each program: that of the
 * process with the lowest pid among those that hold the socket, or held it. Twins of which the same is to be said are a
 * line. In the other formats they come in the order given. They have no netstat look, and get the table's.
 */
void skt_render_differences(struct skt_render *render, const struct skt_diff_sides *sides,
			    const struct skt_difference *items, size_t n, struct skt_buf *out);

#endif

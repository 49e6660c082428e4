/* SPDX-License-Identifier: MIT */
#ifndef RENDER_FIELDS_H
#define RENDER_FIELDS_H

#include <skt/render.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fields of rows, described once: json, csv and the lists of fields are loops over these tables. A field is got
 * as a value of its type, or it is unknown: null, and never 0 or "".
 */

/* What a field is looked up in. */
struct row {
	const struct skt_render *render;
	const struct skt_snapshot *snapshot;
	const struct skt_sock *sock;	      /* NULL in a row about a process */
	const struct skt_process *process;    /* NULL where a socket has no owner */
	int32_t fd;			      /* the owner's */
	const struct skt_step *step;	      /* NULL in a row that is not about a change, */
	const struct skt_sock_change *change; /* and this too */
	int64_t ago;			      /* ns: the row is as it was so long before the snapshot */
};

enum field_type {
	FIELD_NUMBER, /* number, negative */
	FIELD_BOOL,   /* number: 0 or 1 */
	FIELD_WORD,   /* text: of this toolkit's own making, printable ASCII without quotes and backslashes */
	FIELD_BYTES,  /* text, len: from the host, to be escaped */
	FIELD_TIME,   /* time */
	FIELD_GAPS,   /* number: enum skt_owner_gap, ored; a list of words */
	FIELD_ARGV,   /* text, len: from the host, a list of arguments (argv_next()) */
	FIELD_FIELDS, /* number: SKT_BIT(enum skt_field), ored; a list of their names */
	FIELD_SOCKET, /* number: 1 the socket as it is now, 0 as it was; an object with the socket's fields */
	FIELD_OWNERS, /* a list of objects with the owner_fields; nothing to get */
};

struct value {
	uint64_t number;
	int64_t time;
	const char *text; /* borrowed from the snapshot, the row or room */
	size_t len;
	bool negative; /* number is the absolute value of one below 0 */
	char room[SKT_ADDRESS_SIZE];
};

struct field {
	const char *name;
	enum field_type type;
	bool of_process; /* the process's field, not the socket's */
	bool of_link;	 /* the owner's link's: no field of a row about a process */
	uint8_t size;	 /* of the member, where it is one */
	uint16_t offset;
	uint32_t needs; /* bits that `has` must have */
	bool (*get)(const struct field *field, const struct row *row, struct value *ret);
	const char *meaning;
};

extern const struct field owner_fields[];
extern const size_t n_owner_fields;

/* The fields of one kind of row, in their order. */
#define VIEW_FIELDS 64
struct view {
	const struct field *fields[VIEW_FIELDS];
	size_t n;
};

/* A socket's fields, the last being `owners`; or flat, with an owner's fields in its place. */
void view_of_sockets(struct view *ret, bool flat);
void view_of_processes(struct view *ret);

/* A change's; flat, with the fields of the socket as it is now, or was, and of an owner, and what differed before. */
void view_of_changes(struct view *ret, bool flat);

/* A socket's within a change: without time and host, and only these, SKT_BIT(enum skt_field). */
void view_within_change(struct view *ret, uint32_t fields);

/* The socket of a change as it is now, or as it was: false where there is none. */
bool row_of_change(const struct row *row, bool now, struct row *ret);

/* The field's value in this row: false where it is null. */
bool field_get(const struct field *field, const struct row *row, struct value *ret);

/* The same row with this owner. */
struct row row_of_owner(const struct row *row, const struct skt_owner *owner);

/* The owners of the row's socket, n_owners of them; NULL where there are none. */
static inline const struct skt_owner *row_owners(const struct row *row)
{
	return row->sock->n_owners ? &row->snapshot->owners[row->sock->first_owner] : NULL;
}

/*
 * The next argument of a command line, from *at, which moves on: false at the end. Arguments end in NUL; one that
 * the process left without, by writing over its own, is one too.
 */
bool argv_next(const char **at, const char *end, const char **ret, size_t *ret_len);

/* Whether the socket's uid says whose it is. */
bool row_has_uid(const struct row *row);

/* When the row's process started, in ns since 1970: false where it is not known when the host booted. */
bool row_start_time(const struct row *row, int64_t *ret);

/* A number in decimal. */
void put_number(struct skt_buf *out, uint64_t number);

/* The value of a FIELD_NUMBER. */
void put_number_value(struct skt_buf *out, const struct value *value);

#endif

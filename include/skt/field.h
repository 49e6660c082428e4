/* SPDX-License-Identifier: MIT */
#ifndef SKT_FIELD_H
#define SKT_FIELD_H

#include <skt/snapshot.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fields of rows, described once: filters, json, csv, and lists of fields are loops over these tables. A field is
 * got as a value of its type, or it is unknown: null, and never 0 or "".
 */

struct skt_candidates;
struct skt_render;
struct skt_row;

/* The two sockets of a row about a difference. */
struct skt_row_pair {
	const struct skt_row *before; /* as it was, and as it is; NULL where there is none */
	const struct skt_row *after;
	uint32_t fields; /* in which they differ, SKT_BIT(enum skt_field) */
};

/* Of which host, and of which of its boots, snapshots are: each run of a recorder says so. Texts are borrowed. */
struct skt_origin {
	const char *host;    /* as in struct skt_row */
	const char *boot_id; /* NULL or "" unknown */
	int64_t boot_time;   /* as in struct skt_row */
};

/* What a field is looked up in. Everything is borrowed. */
struct skt_row {
	const char *host;      /* name of the recorded host; NULL or "" unknown */
	const char *recording; /* by which name its recording was asked; NULL or "" unknown */
	int64_t boot_time;     /* ns since 1970 to which process start times are added; -1 unknown */
	const struct skt_snapshot *snapshot;
	const struct skt_sock *sock;		 /* NULL in a row about a process */
	const struct skt_process *process;	 /* NULL where a socket has no owner */
	int32_t fd;				 /* the owner's */
	const struct skt_owner *owner;		 /* that owner among those of the snapshot; NULL without one */
	const struct skt_step *step;		 /* NULL in a row that is not about a change, */
	const struct skt_sock_change *change;	 /* and this too */
	const struct skt_event *event;		 /* that told of it; NULL: looking found it */
	const struct skt_candidates *candidates; /* who may have held it; NULL: nobody is known to */
	bool ends_only;				 /* of a filter: of the socket only its table and both ends are known */
	const struct skt_row_pair *pair;	 /* NULL in a row that is not about a difference */
	const void *subject;		 /* what a row of another kind is about: only its own fields look there */
	int64_t ago;			 /* ns: the row is as it was so long before the snapshot */
	const struct skt_render *render; /* how it is written; no field looks there */
};

enum skt_field_type {
	SKT_TYPE_NUMBER,     /* number, negative */
	SKT_TYPE_BOOL,	     /* number: 0 or 1 */
	SKT_TYPE_WORD,	     /* text: of this toolkit's own making, printable ASCII without quotes and backslashes */
	SKT_TYPE_BYTES,	     /* text, len: from the host, to be escaped */
	SKT_TYPE_TIME,	     /* time */
	SKT_TYPE_GAPS,	     /* number: enum skt_owner_gap, ored; a list of words */
	SKT_TYPE_ARGV,	     /* text, len: from the host, a list of arguments (skt_argv_next()) */
	SKT_TYPE_FIELDS,     /* number: SKT_BIT(enum skt_field), ored; a list of their names */
	SKT_TYPE_SOCKET,     /* number: 1 the socket as it is now, 0 as it was; an object with the socket's fields */
	SKT_TYPE_OWNERS,     /* a list of objects with the skt_owner_fields; nothing to get */
	SKT_TYPE_WORDS,	     /* text, len: as SKT_TYPE_WORD, with a blank between; a list of words */
	SKT_TYPE_CANDIDATES, /* a list of objects with the skt_owner_fields of a process; nothing to get */
};

struct skt_value {
	uint64_t number;
	int64_t time;
	const char *text; /* borrowed from the snapshot, the row or room */
	size_t len;
	bool negative; /* number is the absolute value of one below 0 */
	char room[SKT_ADDRESS_SIZE];
};

struct skt_field_info {
	const char *name;
	enum skt_field_type type;
	bool of_process; /* the process's field, not the socket's */
	bool of_link;	 /* the owner's link's: no field of a row about a process */
	bool is_address; /* SKT_TYPE_WORD: as inet_ntop(3) writes it */
	bool of_event;	 /* an event's: of those `needs` are bits, too */
	bool of_look;	 /* only a look tells: null where the socket was in no table */
	bool moves;	 /* from one snapshot to the next it may be another, though neither row nor program is */
	uint8_t size;	 /* of the member, where it is one */
	uint16_t offset;
	uint32_t needs; /* bits that `has` must have */
	bool (*get)(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret);
	const char *meaning;
	const struct skt_field_info *more; /* SKT_TYPE_OWNERS: what its objects have beside the skt_owner_fields */
	size_t n_more;
};

/* A list of objects: it is shown, and has no order. */
static inline bool skt_field_is_list(const struct skt_field_info *field)
{
	return field->type == SKT_TYPE_OWNERS || field->type == SKT_TYPE_CANDIDATES;
}

extern const struct skt_field_info skt_owner_fields[];
extern const size_t skt_n_owner_fields;

/* The name of the row's recording: every view of a recording has it where there are several. */
extern const struct skt_field_info skt_recording_field;

/* What only events tell, of a row that may have one: `source` and so on, and `candidates` behind them. */
extern const struct skt_field_info skt_event_fields[];
extern const size_t skt_n_event_fields;

/* The fields of one kind of row, in their order. */
#define SKT_VIEW_FIELDS 96
struct skt_view {
	const struct skt_field_info *fields[SKT_VIEW_FIELDS];
	size_t n;
};

/* One more field, where there is room. */
void skt_view_add(struct skt_view *view, const struct skt_field_info *field);

/* A socket's fields, the last being `owners`; or flat, with an owner's fields in its place. */
void skt_view_sockets(struct skt_view *ret, bool flat);
void skt_view_processes(struct skt_view *ret);

/* What a filter may test: a socket's, an owner's, and an event's. */
void skt_view_testable(struct skt_view *ret);

/* A change's; flat, with the fields of the socket as it is now, or was, and of an owner, and what differed before. */
void skt_view_changes(struct skt_view *ret, bool flat);

/* A socket's within a change: without time and host, and only these, SKT_BIT(enum skt_field). */
void skt_view_within_change(struct skt_view *ret, uint32_t fields);

/* The socket of a change as it is now, or as it was: false where there is none. */
bool skt_row_of_change(const struct skt_row *row, bool now, struct skt_row *ret);

/* The field's value in this row: false where it is null. */
bool skt_field_get(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret);

/* The same row with this owner. */
struct skt_row skt_row_of_owner(const struct skt_row *row, const struct skt_owner *owner);

/* The owners of the row's socket, n_owners of them; NULL where there are none. */
static inline const struct skt_owner *skt_row_owners(const struct skt_row *row)
{
	return row->sock->n_owners ? &row->snapshot->owners[row->sock->first_owner] : NULL;
}

/*
 * The next argument of a command line, from *at, which moves on: false at the end. Arguments end in NUL; one that
 * the process left without, by writing over its own, is one too.
 */
bool skt_argv_next(const char **at, const char *end, const char **ret, size_t *ret_len);

/*
 * Whether there is another end; and whether its remote port, and its local address, are known: a reset by its own end
 * loses them, where no look has seen it.
 */
bool skt_sock_has_peer(const struct skt_sock *sock);
bool skt_sock_has_remote_port(const struct skt_sock *sock);
bool skt_sock_has_local_address(const struct skt_sock *sock);

/* Whether the socket's uid says whose it is. */
bool skt_row_has_uid(const struct skt_row *row);

/* When the row's process started, in ns since 1970: false where it is not known when the host booted. */
bool skt_row_start_time(const struct skt_row *row, int64_t *ret);

#endif

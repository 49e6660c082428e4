/* SPDX-License-Identifier: MIT */
#ifndef RECORD_COLUMNS_H
#define RECORD_COLUMNS_H

#include "base/cur.h"

#include <skt/buf.h>
#include <skt/step.h>

/*
 * The columns of a socket row, in one table that both the encoder and the decoder walk. A column stands as
 *
 *	id (1 byte) | length (varint) | values
 *
 * so that a reader can pass over one it does not know.
 */

/* The parts of a block that are compressed, and so can be inflated, apart from each other. */
enum section {
	SECTION_META = 1,     /* times, quality, tables, users */
	SECTION_STRINGS = 2,  /* those first used by these steps */
	SECTION_IDENTITY = 3, /* processes; rows that came, went, changed hands or state */
	SECTION_STATE = 4,    /* their counters */
	SECTION_RESIDUAL = 5, /* timers off by a tick, and order: needed to write tables back, and for nothing else */
	SECTION_EVENTS = 6,   /* what was told between two looks */
	SECTION_END = 7,
};

const char *section_name(unsigned section);

/* How a column's values are written. */
enum how {
	HOW_VARINT,
	HOW_SIGNED,  /* zigzag */
	HOW_DELTA,   /* zigzag of the difference to the row before in the column; of a changed row to its old value */
	HOW_FIXED,   /* little-endian, in planes: the lowest byte of every row, then the next ... */
	HOW_ADDRESS, /* 4 or 16 bytes, by the table's kind */
	/* zigzag ms from the snapshot's boottime, then zigzag ticks off; nothing where the row has no timer */
	HOW_TIMER,
};

struct column {
	uint8_t id; /* enum skt_field */
	uint8_t section;
	uint8_t how;
	uint8_t width; /* bytes of the member: 1, 2, 4, 8 */
	uint16_t offset;
};

/*
 * The columns that a row which came has, and the fields that a changed row can have: those whose section is asked for,
 * in this order.
 */
extern const struct column row_columns[];
extern const size_t n_row_columns;

/* Fields whose change is told in SECTION_IDENTITY; all others are in SECTION_STATE. */
#define IDENTITY_FIELDS                                                                            \
	(SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_UID) | SKT_BIT(SKT_F_INODE) | SKT_BIT(SKT_F_OWNER) | \
	 SKT_BIT(SKT_F_OWNER_GAPS) | SKT_BIT(SKT_F_OWNERS))

/* What a row is: it never changes while the row lives. */
#define FIXED_FIELDS                                                                          \
	(SKT_BIT(SKT_F_TABLE) | SKT_BIT(SKT_F_NET_NAMESPACE) | SKT_BIT(SKT_F_LOCAL_ADDRESS) | \
	 SKT_BIT(SKT_F_LOCAL_PORT) | SKT_BIT(SKT_F_REMOTE_ADDRESS) | SKT_BIT(SKT_F_REMOTE_PORT))

/* What a value is written against. */
struct column_context {
	const struct column *column;
	int64_t boottime;
	bool ipv6; /* of the row at hand */
	uint64_t previous;
};

/* One value of a column that is not HOW_FIXED. before is the row as it was, NULL for one that came. */
void column_put(struct column_context *context, const struct skt_sock *before, const struct skt_sock *now,
		struct skt_buf *out);

/*
 * The same of n changed rows, one after the other, all of one family of addresses. old are rows by slot, NULL for those
 * that came.
 */
void column_get(struct column_context *context, const struct skt_sock *old, struct skt_sock_change *const *rows,
		size_t n, struct cur *in);

/*
 * One value of a HOW_FIXED column. Row i of n has its bytes at [i], [i + n], ... of the column: planes let deflate see
 * that high bytes are equal, and not try on low ones.
 */
void column_put_planes(const struct column *column, const struct skt_sock *now, unsigned char *at, size_t n);
void column_get_planes(const struct column *column, struct skt_sock *now, const unsigned char *at, size_t n);

/*
 * The columns of events, with numbers of their own. What an event says the same as its row (that before the step, or
 * that came with it; of none all is 0) is not said again: EVENT_SAYS has a bit for each of the others, which have a
 * value then.
 */
enum event_column {
	EVENT_SAYS = 1,
	/* 0: none; else a number and one more: of the rows that IDENTITY lists in turn, behind them by slot */
	EVENT_ROW = 2,
	EVENT_FIELDS = 3, /* which of the last ones are known, SKT_BIT(enum skt_event_field) */
	EVENT_WHEN = 4,	  /* to that before, or to the step's time */
	EVENT_LATE = 5,	  /* to that before */
	EVENT_TABLE = 6,
	EVENT_LOCAL_ADDRESS = 7,
	EVENT_LOCAL_PORT = 8, /* HOW_FIXED, as in rows */
	EVENT_REMOTE_ADDRESS = 9,
	EVENT_REMOTE_PORT = 10,
	EVENT_INODE = 11, /* to that before in the column */
	EVENT_UID = 12,
	EVENT_BYTES_SENT = 13,
	EVENT_BYTES_RECEIVED = 14,
	EVENT_RTT = 15,
	EVENT_RETRANSMITS = 16,
	EVENT_DURATION_MS = 17,
	EVENT_DURATION_US = 18, /* beyond whole ms, in which kernels count */
	EVENT_COLUMNS = 19,
};

enum event_says {
	SAYS_SAME_INSTANT = 1 << 0, /* it was heard together with the one before: when and late are that one's */
	SAYS_LOCAL_ADDRESS = 1 << 1,
	SAYS_LOCAL_PORT = 1 << 2,
	SAYS_REMOTE_ADDRESS = 1 << 3,
	SAYS_REMOTE_PORT = 1 << 4,
	SAYS_INODE = 1 << 5,
	SAYS_UID = 1 << 6,
	SAYS_TABLE = 1 << 7,
	SAYS_UNKNOWN = 1 << 8, /* the last columns, whether it knows these fields or not */
};

/* Timers further from their snapshot than this are refused: 100 times what a column can say. */
#define TIMER_MS_MAX (INT64_C(1) << 42)

/* The ms grid on which timers stand. */
int64_t timer_base(int64_t boottime);

#endif

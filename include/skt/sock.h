/* SPDX-License-Identifier: MIT */
#ifndef SKT_SOCK_H
#define SKT_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A socket: one row of a table under /proc/net (net/ipv4/tcp_ipv4.c tcp4_seq_show() and its siblings),
 * with the owners that were found for its inode. Rows are plain data; strings are ids in the string
 * table of the snapshot that holds the row, owners a run in its owner array.
 */

/* Which file a row stood in. The numbers are stored in recordings and never reused. */
enum skt_table_kind {
	SKT_TCP,
	SKT_TCP6,
	SKT_UDP,
	SKT_UDP6,
	SKT_UDPLITE,
	SKT_UDPLITE6,
	SKT_RAW,
	SKT_RAW6,
	SKT_TABLE_KINDS,
};

/*
 * "tcp", "tcp6", ...: the name of the file under net/, and of the kind everywhere else. "" for a number that is no
 * kind.
 */
const char *skt_table_kind_name(unsigned kind);

/* The kind of a name, or -1. */
int skt_table_kind_of(const char *name);

static inline bool skt_table_kind_is_ipv6(unsigned kind)
{
	return kind & 1;
}

static inline bool skt_table_kind_is_tcp(unsigned kind)
{
	return kind == SKT_TCP || kind == SKT_TCP6;
}

/*
 * State numbers as the kernel prints them (include/net/tcp_states.h). UDP and raw use ESTABLISHED and CLOSE; raw
 * sockets show theirs as it is.
 */
enum skt_state {
	SKT_ESTABLISHED = 1,
	SKT_SYN_SENT,
	SKT_SYN_RECV,
	SKT_FIN_WAIT1,
	SKT_FIN_WAIT2,
	SKT_TIME_WAIT,
	SKT_CLOSE,
	SKT_CLOSE_WAIT,
	SKT_LAST_ACK,
	SKT_LISTEN,
	SKT_CLOSING,
	SKT_NEW_SYN_RECV,
	SKT_STATES,
};

/* The kernel's name without TCP_, or NULL for a number without one. */
const char *skt_state_name(unsigned state);

/* The `tr` column: off retransmit keepalive time_wait probe; NULL for a number without a name. */
const char *skt_timer_name(unsigned timer);

/* What is known of a row's holders (DESIGN: "owner"). Stored in recordings; never reused. */
enum skt_owner_state {
	SKT_OWNER_UNKNOWN,  /* not looked for completely yet */
	SKT_OWNER_HELD,	    /* at least one owner */
	SKT_OWNER_CARRIED,  /* held before; the row has lost its inode since (orphan, TIME_WAIT) */
	SKT_OWNER_QUEUED,   /* SYN_RECV, or in a backlog and accepted by nobody yet: belongs to its listener */
	SKT_OWNER_DETACHED, /* no inode, and never seen held */
	SKT_OWNER_UNHELD,   /* an inode, and complete looks found nobody */
	SKT_OWNER_STATES,
	/* never in a row that was read, and not stored: */
	SKT_OWNER_UNSEEN = SKT_OWNER_STATES, /* only an event tells of it (skt/changes.h): no look has seen it */
};

const char *skt_owner_state_name(unsigned owner);

/* Why a list of owners may be incomplete; empty means that it is complete. */
enum skt_owner_gap {
	SKT_GAP_DENIED = 1,	/* some process's descriptors could not be read */
	SKT_GAP_VANISHED = 2,	/* a process exited during the look */
	SKT_GAP_UNSEARCHED = 4, /* the walk's budget ended first, or a second look is still to come */
};
#define SKT_GAPS_ALL 7

/* "denied", "vanished", "unsearched" for one bit. */
const char *skt_owner_gap_name(unsigned gap);

/*
 * The fields of a row. The number is the field's bit in masks (`has`, a change's `fields`) and its column
 * in recordings; it is never reused.
 */
enum skt_field {
	SKT_F_TABLE = 0,
	SKT_F_NET_NAMESPACE = 1,
	SKT_F_LOCAL_ADDRESS = 2,
	SKT_F_LOCAL_PORT = 3,
	SKT_F_REMOTE_ADDRESS = 4,
	SKT_F_REMOTE_PORT = 5,
	SKT_F_STATE = 6,
	SKT_F_TX_QUEUE = 7,
	SKT_F_RX_QUEUE = 8,
	SKT_F_TIMER = 9,
	SKT_F_TIMER_MS = 10, /* the instant of expiry, timer_expires */
	SKT_F_RETRANSMITS = 11,
	SKT_F_UID = 12,
	SKT_F_PROBES = 13, /* the column headed timeout */
	SKT_F_INODE = 14,
	SKT_F_REF = 15,
	SKT_F_SK = 16,
	SKT_F_RTO = 17,
	SKT_F_ATO = 18,
	SKT_F_QUICK = 19,
	SKT_F_CWND = 20,
	SKT_F_SSTHRESH = 21,
	SKT_F_DROPS = 22,
	SKT_F_TAIL = 23,  /* columns after the known ones, as they stood */
	SKT_F_TEXT = 24,  /* the line as it stood, where its spelling is not the kernel's */
	SKT_F_OWNER = 25, /* owner state */
	SKT_F_OWNER_GAPS = 26,
	SKT_F_OWNERS = 27,
	SKT_F_HAS = 28, /* which optional columns the row has */
	SKT_FIELDS = 29,
};
#define SKT_BIT(field) (UINT32_C(1) << (field))

/* "table", "net_namespace", ...: the name that it has wherever rows are shown; NULL for a number that is no field. */
const char *skt_field_name(unsigned field);

/* Fields that a row may lack; these bits of `has` say which it has. */
#define SKT_OPTIONAL                                                                                                  \
	(SKT_BIT(SKT_F_TIMER_MS) | SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_RTO) | SKT_BIT(SKT_F_ATO) | \
	 SKT_BIT(SKT_F_QUICK) | SKT_BIT(SKT_F_CWND) | SKT_BIT(SKT_F_SSTHRESH) | SKT_BIT(SKT_F_DROPS) |                \
	 SKT_BIT(SKT_F_TAIL) | SKT_BIT(SKT_F_TEXT))
/* And one bit of spelling: the pointer was printed in 8 digits (a 32-bit kernel), not 16. */
#define SKT_HAS_SHORT_SK (UINT32_C(1) << 31)
/* And two of a row that an event makes: its remote port is not known, nor its uid. */
#define SKT_HAS_NO_REMOTE_PORT (UINT32_C(1) << 30)
#define SKT_HAS_NO_UID	       (UINT32_C(1) << 29)

#define SKT_NO_TABLE UINT32_MAX

struct skt_sock {
	/* what it is: never changes while the row lives, but for the inode, which can be lost or gained */
	uint32_t table;		    /* index into the snapshot's tables; SKT_NO_TABLE: the slot is free */
	uint16_t local_port;	    /* host order */
	uint16_t remote_port;	    /* host order; a raw socket has its protocol in local_port */
	uint8_t local_address[16];  /* network order; IPv4 in the first four bytes, the others 0 */
	uint8_t remote_address[16]; /* the same */
	uint64_t inode;

	/* how it was when read: the columns */
	uint64_t sk; /* hashed kernel pointer; 0 where hidden */
	uint64_t rto;
	uint64_t ato;
	uint32_t tx_queue;
	uint32_t rx_queue; /* bytes; for LISTEN the accept backlog in connections */
	uint32_t retransmits;
	int32_t probes;
	uint32_t uid;
	int32_t ref;
	uint32_t quick;
	uint32_t cwnd;
	int32_t ssthresh;
	uint32_t drops;
	uint32_t tail; /* string ids */
	uint32_t text;
	uint32_t has;
	uint8_t state; /* enum skt_state */
	uint8_t timer;

	/* who holds it */
	uint8_t owner;	    /* enum skt_owner_state */
	uint8_t owner_gaps; /* enum skt_owner_gap, ored */
	uint32_t first_owner;
	uint32_t n_owners;
	/*
	 * who held it when that was last known, where now nobody is known to: kept by lib/model to carry, and not
	 * stored
	 */
	uint32_t first_last;
	uint32_t n_last;

	/*
	 * When its timer runs out, in ns of the snapshot's boottime, to the ms. The column counts down in ticks, read a
	 * little earlier or later each time: the instant is held while the count is at most about a tick off what it
	 * predicts, and pulled to where it agrees when it is. skt_sock_ticks() gives the column back.
	 */
	int64_t timer_expires;

	bool listed;	       /* stands in its table's order; kept by lib/model */
	uint64_t owners_hash;  /* of its owners, and ... */
	uint64_t columns_hash; /* ... of its columns up to its timer; kept by lib/record */
};

#define SKT_TICK_NS \
	INT64_C(10000000) /* USER_HZ is 100 in the ABI of every architecture Linux has today but Alpha and IA-64 */

/* A count of ticks over this (497 days) is no countdown: such a line keeps its text. */
#define SKT_TICKS_MAX UINT32_MAX

/* The tm->when column at the instant boottime; 0 where no timer is set. */
uint64_t skt_sock_ticks(const struct skt_sock *sock, int64_t boottime);

/*
 * Set the timer from its two columns (ticks at most SKT_TICKS_MAX) as read at the instant boottime (not negative).
 * `timer` must be set already.
 */
void skt_sock_set_ticks(struct skt_sock *sock, uint64_t ticks, int64_t boottime);

/*
 * The column read off ticks more or less than its instant predicts: the instant is moved to the nearest whole
 * ms that agrees with it. So it comes nearer to where it really is each time, as far as a row that is read sooner or
 * later lets it. false, with nothing done, where there is no timer, off is 0, or no kernel can have printed that.
 */
bool skt_sock_pull_timer(struct skt_sock *sock, int64_t off, int64_t boottime);

/* Milliseconds until the timer runs out, not below 0. */
int64_t skt_sock_timer_ms(const struct skt_sock *sock, int64_t boottime);

/* Whether it waits for others: a TCP listener, and any other socket without a peer. kind is its table's. */
static inline bool skt_sock_is_listening(const struct skt_sock *sock, unsigned kind)
{
	return sock->state == (skt_table_kind_is_tcp(kind) ? SKT_LISTEN : SKT_CLOSE);
}

/* Whether it has the optional field. */
static inline bool skt_sock_has(const struct skt_sock *sock, enum skt_field field)
{
	return sock->has & SKT_BIT(field);
}

/*
 * Which plain fields (all but table, owners and the timer's instant) differ between two rows of one string table,
 * as a mask of SKT_BIT(enum skt_field).
 */
uint32_t skt_sock_compare(const struct skt_sock *a, const struct skt_sock *b);

/* An address as inet_ntop(3) writes it, into a buffer of SKT_ADDRESS_SIZE. */
#define SKT_ADDRESS_SIZE 46
const char *skt_address_format(const uint8_t address[16], bool ipv6, char buffer[SKT_ADDRESS_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#include <skt/sock.h>

#include <arpa/inet.h>
#include <string.h>

static const char *const kinds[SKT_TABLE_KINDS] = {
	[SKT_TCP] = "tcp",	   [SKT_TCP6] = "tcp6",		[SKT_UDP] = "udp", [SKT_UDP6] = "udp6",
	[SKT_UDPLITE] = "udplite", [SKT_UDPLITE6] = "udplite6", [SKT_RAW] = "raw", [SKT_RAW6] = "raw6",
};

static const char *const states[SKT_STATES] = {
	[SKT_ESTABLISHED] = "ESTABLISHED",
	[SKT_SYN_SENT] = "SYN_SENT",
	[SKT_SYN_RECV] = "SYN_RECV",
	[SKT_FIN_WAIT1] = "FIN_WAIT1",
	[SKT_FIN_WAIT2] = "FIN_WAIT2",
	[SKT_TIME_WAIT] = "TIME_WAIT",
	[SKT_CLOSE] = "CLOSE",
	[SKT_CLOSE_WAIT] = "CLOSE_WAIT",
	[SKT_LAST_ACK] = "LAST_ACK",
	[SKT_LISTEN] = "LISTEN",
	[SKT_CLOSING] = "CLOSING",
	[SKT_NEW_SYN_RECV] = "NEW_SYN_RECV",
};

/* include/net/inet_connection_sock.h and get_tcp4_sock(): 1 covers the reorder and loss-probe timers too */
static const char *const timers[] = { "off", "retransmit", "keepalive", "time_wait", "probe" };

static const char *const owner_states[SKT_OWNER_UNSEEN + 1] = {
	[SKT_OWNER_UNKNOWN] = "unknown", [SKT_OWNER_HELD] = "held",	    [SKT_OWNER_CARRIED] = "carried",
	[SKT_OWNER_QUEUED] = "queued",	 [SKT_OWNER_DETACHED] = "detached", [SKT_OWNER_UNHELD] = "unheld",
	[SKT_OWNER_UNSEEN] = "unseen",
};

const char *skt_table_kind_name(unsigned kind)
{
	return kind < SKT_TABLE_KINDS ? kinds[kind] : "";
}

int skt_table_kind_of(const char *name)
{
	for (int i = 0; i < SKT_TABLE_KINDS; i++)
		if (!strcmp(kinds[i], name))
			return i;
	return -1;
}

const char *skt_state_name(unsigned state)
{
	return state < SKT_STATES ? states[state] : NULL;
}

const char *skt_timer_name(unsigned timer)
{
	return timer < sizeof(timers) / sizeof(*timers) ? timers[timer] : NULL;
}

const char *skt_field_name(unsigned field)
{
	static const char *const names[SKT_FIELDS] = {
		"table",
		"net_namespace",
		"local_address",
		"local_port",
		"remote_address",
		"remote_port",
		"state",
		"tx_queue",
		"rx_queue",
		"timer",
		"timer_ms",
		"retransmits",
		"uid",
		"probes",
		"inode",
		"ref",
		"sk",
		"rto",
		"ato",
		"quick",
		"cwnd",
		"ssthresh",
		"drops",
		"tail",
		"text",
		"owner",
		"owner_gaps",
		"owners",
		"has",
	};

	return field < SKT_FIELDS ? names[field] : NULL;
}

const char *skt_owner_state_name(unsigned owner)
{
	return owner <= SKT_OWNER_UNSEEN ? owner_states[owner] : "unknown";
}

const char *skt_owner_gap_name(unsigned gap)
{
	switch (gap) {
	case SKT_GAP_DENIED:
		return "denied";
	case SKT_GAP_VANISHED:
		return "vanished";
	case SKT_GAP_UNSEARCHED:
		return "unsearched";
	default:
		return "";
	}
}

uint64_t skt_sock_ticks(const struct skt_sock *sock, int64_t boottime)
{
	if (!skt_sock_has(sock, SKT_F_TIMER_MS) || sock->timer_expires <= boottime)
		return 0;
	/* unsigned, for the instants of a damaged recording may lie further apart than an int64_t reaches */
	return ((uint64_t)sock->timer_expires - (uint64_t)boottime) / SKT_TICK_NS;
}

void skt_sock_set_ticks(struct skt_sock *sock, uint64_t ticks, int64_t boottime)
{
	if (!sock->timer && !ticks) {
		sock->has &= ~SKT_BIT(SKT_F_TIMER_MS);
		sock->timer_expires = 0;
		return;
	}
	sock->has |= SKT_BIT(SKT_F_TIMER_MS);
	/* the middle of the tick, so that a read a little late or early still falls into it; whole ms pack well */
	boottime -= boottime % INT64_C(1000000);
	sock->timer_expires = boottime + (int64_t)ticks * SKT_TICK_NS + SKT_TICK_NS / 2;
}

bool skt_sock_pull_timer(struct skt_sock *sock, int64_t off, int64_t boottime)
{
	const int64_t ms = SKT_TICK_NS / 10;
	int64_t ticks = (int64_t)skt_sock_ticks(sock, boottime), edge;

	if (!skt_sock_has(sock, SKT_F_TIMER_MS) || !off || off < -ticks || off > (int64_t)SKT_TICKS_MAX - ticks)
		return false;
	if (boottime < 0 || boottime > INT64_MAX / 2)
		return false;
	/* the tick that was read is from here on; or, where less was read than predicted, ends before here */
	edge = boottime + (ticks + off + (off < 0)) * SKT_TICK_NS;
	sock->timer_expires = (edge + ms - 1) / ms * ms - (off < 0 ? ms : 0);
	return true;
}

int64_t skt_sock_timer_ms(const struct skt_sock *sock, int64_t boottime)
{
	return (int64_t)skt_sock_ticks(sock, boottime) * (SKT_TICK_NS / INT64_C(1000000));
}

uint32_t skt_sock_compare(const struct skt_sock *a, const struct skt_sock *b)
{
	uint32_t differ = 0;

#define COMPARE(member, field) differ |= a->member != b->member ? SKT_BIT(field) : 0
	COMPARE(inode, SKT_F_INODE);
	COMPARE(sk, SKT_F_SK);
	COMPARE(rto, SKT_F_RTO);
	COMPARE(ato, SKT_F_ATO);
	COMPARE(tx_queue, SKT_F_TX_QUEUE);
	COMPARE(rx_queue, SKT_F_RX_QUEUE);
	COMPARE(retransmits, SKT_F_RETRANSMITS);
	COMPARE(probes, SKT_F_PROBES);
	COMPARE(uid, SKT_F_UID);
	COMPARE(ref, SKT_F_REF);
	COMPARE(quick, SKT_F_QUICK);
	COMPARE(cwnd, SKT_F_CWND);
	COMPARE(ssthresh, SKT_F_SSTHRESH);
	COMPARE(drops, SKT_F_DROPS);
	COMPARE(tail, SKT_F_TAIL);
	COMPARE(text, SKT_F_TEXT);
	COMPARE(has, SKT_F_HAS);
	COMPARE(state, SKT_F_STATE);
	COMPARE(timer, SKT_F_TIMER);
	COMPARE(owner, SKT_F_OWNER);
	COMPARE(owner_gaps, SKT_F_OWNER_GAPS);
#undef COMPARE
	return differ;
}

const char *skt_address_format(const uint8_t address[16], bool ipv6, char buffer[SKT_ADDRESS_SIZE])
{
	return inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, buffer, SKT_ADDRESS_SIZE);
}

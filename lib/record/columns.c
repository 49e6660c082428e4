/* SPDX-License-Identifier: MIT */
#include "record/columns.h"

#include <skt/time.h>

#include <string.h>

#define COLUMN(id_, section_, how_, member)                               \
	{                                                                 \
		.id = (id_), .section = (section_), .how = (how_),        \
		.width = (uint8_t)sizeof(((struct skt_sock *)0)->member), \
		.offset = (uint16_t)offsetof(struct skt_sock, member)     \
	}

/* `has` goes before the columns whose presence it tells. */
const struct column row_columns[] = {
	COLUMN(SKT_F_LOCAL_ADDRESS, SECTION_IDENTITY, HOW_ADDRESS, local_address),
	COLUMN(SKT_F_LOCAL_PORT, SECTION_IDENTITY, HOW_FIXED, local_port),
	COLUMN(SKT_F_REMOTE_ADDRESS, SECTION_IDENTITY, HOW_ADDRESS, remote_address),
	COLUMN(SKT_F_REMOTE_PORT, SECTION_IDENTITY, HOW_FIXED, remote_port),
	COLUMN(SKT_F_STATE, SECTION_IDENTITY, HOW_FIXED, state),
	COLUMN(SKT_F_UID, SECTION_IDENTITY, HOW_VARINT, uid),
	COLUMN(SKT_F_INODE, SECTION_IDENTITY, HOW_DELTA, inode),
	COLUMN(SKT_F_OWNER, SECTION_IDENTITY, HOW_FIXED, owner),
	COLUMN(SKT_F_OWNER_GAPS, SECTION_IDENTITY, HOW_FIXED, owner_gaps),
	COLUMN(SKT_F_HAS, SECTION_STATE, HOW_VARINT, has),
	COLUMN(SKT_F_TX_QUEUE, SECTION_STATE, HOW_VARINT, tx_queue),
	COLUMN(SKT_F_RX_QUEUE, SECTION_STATE, HOW_VARINT, rx_queue),
	COLUMN(SKT_F_TIMER, SECTION_STATE, HOW_FIXED, timer),
	COLUMN(SKT_F_TIMER_MS, SECTION_STATE, HOW_TIMER, timer_expires),
	COLUMN(SKT_F_RETRANSMITS, SECTION_STATE, HOW_VARINT, retransmits),
	COLUMN(SKT_F_PROBES, SECTION_STATE, HOW_SIGNED, probes),
	COLUMN(SKT_F_REF, SECTION_STATE, HOW_SIGNED, ref),
	COLUMN(SKT_F_SK, SECTION_STATE, HOW_FIXED, sk),
	COLUMN(SKT_F_RTO, SECTION_STATE, HOW_DELTA, rto),
	COLUMN(SKT_F_ATO, SECTION_STATE, HOW_DELTA, ato),
	COLUMN(SKT_F_QUICK, SECTION_STATE, HOW_VARINT, quick),
	COLUMN(SKT_F_CWND, SECTION_STATE, HOW_DELTA, cwnd),
	COLUMN(SKT_F_SSTHRESH, SECTION_STATE, HOW_SIGNED, ssthresh),
	COLUMN(SKT_F_DROPS, SECTION_STATE, HOW_DELTA, drops),
	COLUMN(SKT_F_TAIL, SECTION_STATE, HOW_VARINT, tail),
	COLUMN(SKT_F_TEXT, SECTION_STATE, HOW_VARINT, text),
};
const size_t n_row_columns = sizeof(row_columns) / sizeof(*row_columns);

int64_t timer_base(int64_t boottime)
{
	return boottime - boottime % SKT_NS_PER_MS;
}

static uint64_t load(const struct column *column, const struct skt_sock *sock)
{
	const unsigned char *at = (const unsigned char *)sock + column->offset;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (column->width) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return column->how == HOW_SIGNED ? (uint64_t)(int64_t)(int32_t)u32 : u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

/* false: the value does not fit the member */
static bool store(const struct column *column, struct skt_sock *sock, uint64_t value)
{
	unsigned char *at = (unsigned char *)sock + column->offset;
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	switch (column->width) {
	case 1:
		*at = (unsigned char)value;
		return value <= UINT8_MAX;
	case 2:
		memcpy(at, &u16, sizeof(u16));
		return value <= UINT16_MAX;
	case 4:
		memcpy(at, &u32, sizeof(u32));
		return column->how == HOW_SIGNED ? value == (uint64_t)(int64_t)(int32_t)u32 : value <= UINT32_MAX;
	default:
		memcpy(at, &value, sizeof(value));
		return true;
	}
}

void column_put_planes(const struct column *column, const struct skt_sock *now, unsigned char *at, size_t n)
{
	uint64_t value = load(column, now);

	for (unsigned plane = 0; plane < column->width; plane++)
		at[plane * n] = (unsigned char)(value >> (8 * plane));
}

void column_get_planes(const struct column *column, struct skt_sock *now, const unsigned char *at, size_t n)
{
	uint64_t value = 0;

	for (unsigned plane = 0; plane < column->width; plane++)
		value |= (uint64_t)at[plane * n] << (8 * plane);
	store(column, now, value);
}

void column_put(struct column_context *context, const struct skt_sock *before, const struct skt_sock *now,
		struct skt_buf *out)
{
	const struct column *column = context->column;
	uint64_t value = column->how == HOW_ADDRESS ? 0 : load(column, now);

	switch (column->how) {
	case HOW_VARINT:
		skt_buf_varint(out, value);
		break;
	case HOW_SIGNED:
		skt_buf_zigzag(out, (int64_t)value);
		break;
	case HOW_DELTA:
		skt_buf_zigzag(out, (int64_t)(value - (before ? load(column, before) : context->previous)));
		context->previous = value;
		break;
	case HOW_ADDRESS:
		skt_buf_add(out, (const unsigned char *)now + column->offset, context->ipv6 ? 16 : 4);
		break;
	case HOW_TIMER:
		if (!skt_sock_has(now, SKT_F_TIMER_MS))
			break;
		skt_buf_zigzag(out, (now->timer_expires - timer_base(context->boottime)) / SKT_NS_PER_MS);
		break;
	}
}

static void get_timer(const struct column_context *context, struct skt_sock *now, struct cur *in)
{
	int64_t ms;

	now->timer_expires = 0;
	if (!skt_sock_has(now, SKT_F_TIMER_MS))
		return;
	ms = cur_zigzag(in);
	/* SKT_TICKS_MAX ticks are 2^32 * 10 ms; an instant long past is held while the row says 0 */
	if (ms > TIMER_MS_MAX || ms < -TIMER_MS_MAX) {
		cur_fail(in);
		return;
	}
	now->timer_expires = timer_base(context->boottime) + ms * SKT_NS_PER_MS;
}

static void get_address(const struct column_context *context, struct skt_sock *now, struct cur *in)
{
	size_t len = context->ipv6 ? 16 : 4;
	const unsigned char *bytes = cur_bytes(in, len);

	if (bytes)
		memcpy((unsigned char *)now + context->column->offset, bytes, len);
}

static void get_delta(struct column_context *context, const struct skt_sock *before, struct skt_sock *now,
		      struct cur *in)
{
	const struct column *column = context->column;
	uint64_t value = (uint64_t)cur_zigzag(in) + (before ? load(column, before) : context->previous);

	context->previous = value;
	if (!store(column, now, value))
		cur_fail(in);
}

void column_get(struct column_context *context, const struct skt_sock *old, struct skt_sock_change *const *rows,
		size_t n, struct cur *in)
{
	const struct column *column = context->column;

	switch (column->how) {
	case HOW_VARINT:
		for (size_t i = 0; i < n && !in->bad; i++)
			if (!store(column, &rows[i]->now, cur_varint(in)))
				cur_fail(in);
		break;
	case HOW_SIGNED:
		for (size_t i = 0; i < n && !in->bad; i++)
			if (!store(column, &rows[i]->now, (uint64_t)cur_zigzag(in)))
				cur_fail(in);
		break;
	case HOW_DELTA:
		for (size_t i = 0; i < n && !in->bad; i++)
			get_delta(context, old ? &old[rows[i]->slot] : NULL, &rows[i]->now, in);
		break;
	case HOW_ADDRESS:
		for (size_t i = 0; i < n && !in->bad; i++)
			get_address(context, &rows[i]->now, in);
		break;
	case HOW_TIMER:
		for (size_t i = 0; i < n && !in->bad; i++)
			get_timer(context, &rows[i]->now, in);
		break;
	}
}

const char *section_name(unsigned section)
{
	static const char *const names[SECTION_END] = {
		"", "meta", "strings", "identity", "state", "residual", "events"
	};

	return section < SECTION_END ? names[section] : "";
}

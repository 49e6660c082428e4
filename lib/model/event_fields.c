/* SPDX-License-Identifier: MIT */
#include <skt/field.h>

#include <skt/changes.h>

#include <stdio.h>
#include <string.h>

/* Fields of what was told; a row about what was only looked at has none of it. */

static bool get_source(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	unsigned source = row->event ? row->event->source : SKT_SOURCE_PROC;
	const char *name = skt_source_name(source);

	(void)field;
	if (!*name) {
		snprintf(ret->room, sizeof(ret->room), "0x%02X", source);
		name = ret->room;
	}
	ret->text = name;
	ret->len = strlen(name);
	return true;
}

static bool get_of_event(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const void *at;

	if (!row->event || !(row->event->has & field->needs))
		return false;
	at = (const char *)row->event + field->offset;
	ret->number = field->size == sizeof(uint64_t) ? *(const uint64_t *)at : *(const uint32_t *)at;
	ret->negative = false;
	return true;
}

static bool get_more_candidates(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->number = row->candidates ? row->candidates->more : 0;
	ret->negative = false;
	return row->candidates;
}

#define EVENT(m, bit)                                                                   \
	.of_event = true, .get = get_of_event, .offset = offsetof(struct skt_event, m), \
	.size = sizeof(((struct skt_event *)NULL)->m), .needs = SKT_BIT(bit)
const struct skt_field_info skt_event_fields[] = {
	{ "source", SKT_TYPE_WORD, .of_event = true, .get = get_source,
	  .meaning = "look: found in a table; destroy: the kernel told when it was destroyed" },
	{ "bytes_sent", SKT_TYPE_NUMBER, EVENT(bytes_sent, SKT_E_BYTES_SENT),
	  .meaning = "bytes it sent, each counted once; null: nobody told" },
	{ "bytes_received", SKT_TYPE_NUMBER, EVENT(bytes_received, SKT_E_BYTES_RECEIVED),
	  .meaning = "bytes it received; the end of the stream counts for one" },
	{ "rtt_us", SKT_TYPE_NUMBER, EVENT(rtt_us, SKT_E_RTT),
	  .meaning = "its round trip at the end, in microseconds" },
	{ "retransmits_total", SKT_TYPE_NUMBER, EVENT(retransmits, SKT_E_RETRANSMITS),
	  .meaning = "segments it sent again, all in all" },
	{ "duration_us", SKT_TYPE_NUMBER, EVENT(duration_us, SKT_E_DURATION), .meaning = "how long it lasted" },
	{ "candidates", SKT_TYPE_CANDIDATES, .of_event = true,
	  .meaning = "who may have held one that no look has seen; never owners" },
	{ "candidates_more", SKT_TYPE_NUMBER, .of_event = true, .get = get_more_candidates,
	  .meaning = "candidates that are not listed, for there are too many" },
};
const size_t skt_n_event_fields = sizeof(skt_event_fields) / sizeof(*skt_event_fields);

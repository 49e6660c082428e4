/* SPDX-License-Identifier: MIT */
#include "query/filter.h"
#include "query/flow.h"

#include <skt/changes.h>

#include "base/scan.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_word(const char *text, size_t len, const char *wanted)
{
	return len == strlen(wanted) && !strncasecmp(text, wanted, len);
}

/* ---- states ---- */

#define STATE(name) (UINT32_C(1) << (name))
#define ALL	    UINT32_MAX
/* asked for the one, the kernel gives both (inet_diag.c); a table of /proc calls both SYN_RECV */
#define SYN_RECV (STATE(SKT_SYN_RECV) | STATE(SKT_NEW_SYN_RECV))

static const struct {
	const char *name;
	uint32_t states;
} states[] = {
	{ "all", ALL },
	{ "connected", ALL & ~(STATE(SKT_CLOSE) | STATE(SKT_LISTEN)) },
	{ "synchronized", ALL & ~(STATE(SKT_CLOSE) | STATE(SKT_LISTEN) | STATE(SKT_SYN_SENT)) },
	{ "bucket", SYN_RECV | STATE(SKT_TIME_WAIT) },
	{ "big", ALL & ~(SYN_RECV | STATE(SKT_TIME_WAIT)) },
	{ "estab", STATE(SKT_ESTABLISHED) },
	{ "syn-recv", SYN_RECV },
	{ "syn-rcv", SYN_RECV },
	{ "fin-wait-1", STATE(SKT_FIN_WAIT1) },
	{ "fin-wait-2", STATE(SKT_FIN_WAIT2) },
	{ "closed", STATE(SKT_CLOSE) },
	{ "unconnected", STATE(SKT_CLOSE) },
	{ "unconn", STATE(SKT_CLOSE) },
	{ "listening", STATE(SKT_LISTEN) },
};

const char *value_states(const char *text, size_t len, uint32_t *ret)
{
	char name[16];

	if (len >= sizeof(name))
		len = 0;
	for (size_t i = 0; i < len; i++)
		name[i] = text[i] == '_' ? '-' : text[i];
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		*ret = states[i].states;
		if (is_word(name, len, states[i].name))
			return NULL;
	}
	/* the model's own names, whose blanks are _ */
	for (unsigned i = 1; i < SKT_STATES && len; i++) {
		*ret = STATE(i);
		if (is_word(text, len, skt_state_name(i)))
			return NULL;
		for (size_t k = 0; k < len; k++)
			name[k] = text[k] == '-' ? '_' : text[k];
		if (is_word(name, len, skt_state_name(i)))
			return NULL;
	}
	return "a state: established syn-sent syn-recv fin-wait-1 fin-wait-2 time-wait closed close-wait last-ack "
	       "listening closing, or a group: all connected synchronized bucket big";
}

/* ---- values of fields ---- */

/* [-]123 or 0x7b; unlike in a port, a 0 in front means nothing */
static bool parse_number(struct value *value)
{
	struct scan s = scan_of(value->text, value->len);

	value->negative = scan_sees(&s, '-');
	s.at += value->negative;
	if (s.end - s.at > 2 && s.at[0] == '0' && s.at[1] == 'x') {
		size_t digits = (size_t)(s.end - s.at) - 2;

		s.at += 2;
		value->number = digits > 16 ? 0 : scan_hex(&s, (unsigned)digits, true);
		s.bad |= digits > 16;
	} else {
		value->number = scan_decimal(&s, UINT64_MAX);
	}
	value->negative &= value->number != 0;
	return !s.bad && scan_at_end(&s);
}

static bool parse_bool(struct value *value)
{
	value->number = is_word(value->text, value->len, "true") || is_word(value->text, value->len, "yes") ||
			is_word(value->text, value->len, "1");
	return value->number || is_word(value->text, value->len, "false") || is_word(value->text, value->len, "no") ||
	       is_word(value->text, value->len, "0");
}

static bool parse_gap(struct value *value)
{
	for (value->number = 1; value->number < SKT_GAPS_ALL; value->number <<= 1)
		if (is_word(value->text, value->len, skt_owner_gap_name((unsigned)value->number)))
			return true;
	value->number = 0;
	return is_word(value->text, value->len, "none");
}

/* One and the same of whatever is asked: the expression is read before any recording is, and there may be several. */
static const char *value_instant(const struct skt_filter_names *names, struct value *value)
{
	struct skt_time time;

	if (strlen(value->text) != value->len ||
	    skt_time_parse(value->text, names ? names->zone : SKT_ZONE_UTC, names ? names->now : 0, &time, NULL))
		return "an instant, as 2026-11-22T14:03:07Z or '2h ago'";
	if (time.kind != SKT_TIME_INSTANT)
		return "an instant with its date, as 2026-11-22T14:30Z, or '2h ago' (which instant this is the "
		       "recording says: --from, --to and REC@TIME take it)";
	value->time = time.ns;
	return NULL;
}

static bool is_one_of(const struct value *value, const char *(*name)(unsigned), unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if (name(i) && is_word(value->text, value->len, name(i)))
			return true;
	return false;
}

/* Words of which all are known: a misspelt one would match nothing, and that would look like an answer. */
static const struct {
	const char *field;
	const char *(*name)(unsigned);
	unsigned n;
	const char *expected;
} vocabularies[] = {
	{ "table", skt_table_kind_name, SKT_TABLE_KINDS, "a table: tcp tcp6 udp udp6 udplite udplite6 raw raw6" },
	{ "table_status", skt_table_status_name, 3, "one of fresh stale unknown" },
	{ "source", skt_source_name, SKT_SOURCE_DESTROY + 1, "one of look destroy" },
	{ "timer", skt_timer_name, 5, "one of off retransmit keepalive time_wait probe" },
	{ "owner", skt_owner_state_name, SKT_OWNER_UNSEEN + 1,
	  "one of held carried queued detached unheld unknown unseen (of whom it is: pid, comm, user)" },
	{ "direction", direction_name, DIRECTIONS, "one of in out local unknown" },
	{ "ended", flow_end_name, FLOW_ENDS, "one of closed lost gap" },
};

static const char *check_word(const struct skt_field_info *field, const struct value *value)
{
	for (size_t i = 0; i < sizeof(vocabularies) / sizeof(*vocabularies); i++)
		if (!strcmp(field->name, vocabularies[i].field))
			return is_one_of(value, vocabularies[i].name, 0, vocabularies[i].n) ? NULL
											    : vocabularies[i].expected;
	return NULL;
}

/* tcpdump's host is an address, and nobody calls a machine so. */
static const char *check_bytes(const struct skt_field_info *field, const struct value *value)
{
	uint8_t address[16];

	if (strcmp(field->name, "host") ||
	    (inet_pton(AF_INET, value->text, address) != 1 && inet_pton(AF_INET6, value->text, address) != 1))
		return NULL;
	return "the name of a recorded machine (of the ends of a connection: '( src = 10.0.0.5 or dst = 10.0.0.5 )')";
}

const char *value_of_field(const struct skt_field_info *field, const struct skt_filter_names *names, struct value *ret)
{
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		return parse_number(ret) ? NULL : "a number";
	case SKT_TYPE_BOOL:
		return parse_bool(ret) ? NULL : "true or false";
	case SKT_TYPE_GAPS:
		return parse_gap(ret) ? NULL : "one of denied vanished unsearched none";
	case SKT_TYPE_TIME:
		return value_instant(names, ret);
	case SKT_TYPE_WORD:
		return check_word(field, ret);
	case SKT_TYPE_BYTES:
		return check_bytes(field, ret);
	default:
		return NULL;
	}
}

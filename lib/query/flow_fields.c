/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "model/getters.h"

#include <stddef.h>
#include <string.h>

/* ---- every row of what is seen over time: the subject is a struct flow or a struct image ---- */

static const void *member(const struct skt_field_info *field, const struct skt_row *row)
{
	return (const char *)row->subject + field->offset;
}

static bool get_instant(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	ret->time = *(const int64_t *)member(field, row);
	return ret->time != INT64_MIN;
}

static bool get_number(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return set_number(ret, field->size == sizeof(uint64_t) ? *(const uint64_t *)member(field, row)
							       : *(const uint32_t *)member(field, row));
}

/* Of what no look has seen nobody knows it. */
static bool get_most(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return !flow_is_unseen(row->subject) && get_number(field, row, ret);
}

static bool get_bool(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return set_number(ret, *(const bool *)member(field, row));
}

static bool get_host(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return row->host && *row->host && set_word(ret, row->host);
}

/* ---- a flow's ---- */

static bool get_still_there(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct flow *flow = row->subject;

	(void)field;
	return set_number(ret, flow->end == FLOW_STILL);
}

const char *flow_end_name(unsigned end)
{
	static const char *const names[FLOW_ENDS] = {
		[FLOW_STILL] = NULL, [FLOW_CLOSED] = "closed", [FLOW_LOST] = "lost", [FLOW_BROKEN] = "gap"
	};

	return end < FLOW_ENDS ? names[end] : NULL;
}

static bool get_ended(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct flow *flow = row->subject;

	(void)field;
	return set_word(ret, flow_end_name(flow->end));
}

const char *direction_name(unsigned direction)
{
	static const char *const names[DIRECTIONS] = { [DIRECTION_NONE] = NULL,
						       [DIRECTION_UNKNOWN] = "unknown",
						       [DIRECTION_IN] = "in",
						       [DIRECTION_OUT] = "out",
						       [DIRECTION_LOCAL] = "local" };

	return direction < DIRECTIONS ? names[direction] : NULL;
}

static bool get_direction(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct flow *flow = row->subject;

	(void)field;
	return set_word(ret, direction_name(flow->direction));
}

static bool get_states(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct flow *flow = row->subject;

	(void)field;
	ret->text = skt_strtab_get(row->snapshot->strings, flow->states_text, &ret->len);
	return true;
}

/* ---- how long an owner held it ---- */

/* The holds stand beside the owners of the kept snapshot, which is the first thing that a flow's row knows of. */
static const struct hold *hold_of(const struct skt_row *row)
{
	const struct skt_flows *flows = (const struct skt_flows *)(const void *)((const char *)row->snapshot -
										 offsetof(struct skt_flows, kept));

	return row->owner ? &flows->holds[row->owner - row->snapshot->owners] : NULL;
}

static bool get_held_first(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct hold *hold = hold_of(row);

	(void)field;
	ret->time = hold ? hold->first : INT64_MIN;
	return ret->time != INT64_MIN;
}

static bool get_held_last(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct hold *hold = hold_of(row);

	(void)field;
	ret->time = hold ? hold->last : INT64_MIN;
	return ret->time != INT64_MIN;
}

/* ---- a process's ---- */

static bool get_running(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct image *image = row->subject;

	(void)field;
	return set_number(ret, image->end == IMAGE_STILL);
}

static bool get_image_ended(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char *const names[] = {
		[IMAGE_STILL] = NULL, [IMAGE_EXITED] = "exited", [IMAGE_EXEC] = "exec", [IMAGE_BROKEN] = "gap"
	};
	const struct image *image = row->subject;

	(void)field;
	return set_word(ret, names[image->end]);
}

static bool get_parent(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct image *image = row->subject;

	(void)field;
	if (image->parent == NONE)
		return false;
	ret->text = skt_strtab_get(row->snapshot->strings, image->parent, &ret->len);
	return true;
}

#define FLOW(m)	 .offset = offsetof(struct flow, m), .size = sizeof(((struct flow *)NULL)->m)
#define IMAGE(m) .offset = offsetof(struct image, m), .size = sizeof(((struct image *)NULL)->m)

static const struct skt_field_info hold_fields[] = {
	{ "held_first", SKT_TYPE_TIME, .of_process = true, .of_link = true, .get = get_held_first,
	  .meaning = "when it was first seen to hold it" },
	{ "held_last", SKT_TYPE_TIME, .of_process = true, .of_link = true, .get = get_held_last,
	  .meaning = "and when last" },
};

static const struct skt_field_info flow_fields[] = {
	{ "time", SKT_TYPE_TIME, .get = get_instant, FLOW(first_seen), .meaning = "when it was first seen" },
	{ "host", SKT_TYPE_BYTES, .get = get_host, .meaning = "name of the recorded host" },
	{ "first_after", SKT_TYPE_TIME, .get = get_instant, FLOW(first_after),
	  .meaning = "it came after this; null: nobody knows, for it was there at the first look, say" },
	{ "first_seen", SKT_TYPE_TIME, .get = get_instant, FLOW(first_seen), .meaning = "and until this" },
	{ "last_seen", SKT_TYPE_TIME, .get = get_instant, FLOW(last_seen), .meaning = "it was there until this" },
	{ "last_until", SKT_TYPE_TIME, .get = get_instant, FLOW(last_until),
	  .meaning = "and was gone by this; null: that was not seen" },
	{ "already_there", SKT_TYPE_BOOL, .get = get_bool, FLOW(was_there),
	  .meaning = "there at the first look: nobody knows since when" },
	{ "still_there", SKT_TYPE_BOOL, .get = get_still_there, .meaning = "there at the last look" },
	{ "ended", SKT_TYPE_WORD, .get = get_ended,
	  .meaning = "closed; lost: its namespace could no longer be read; gap: not seen again after one" },
	{ "close_time", SKT_TYPE_TIME, .get = get_instant, FLOW(close_time),
	  .meaning = "when it was closed: as an event told, or by its TIME_WAIT timer" },
	{ "direction", SKT_TYPE_WORD, .get = get_direction, .meaning = "who called: in out local unknown" },
	{ "states", SKT_TYPE_WORDS, .get = get_states, .meaning = "the states that it was seen in, in order" },
	{ "seen", SKT_TYPE_NUMBER, .get = get_number, FLOW(seen), .meaning = "how many reads of its table had it" },
	{ "gaps", SKT_TYPE_NUMBER, .get = get_number, FLOW(gaps),
	  .meaning = "gaps of the recording that it was there before and after" },
	{ "tx_queue_most", SKT_TYPE_NUMBER, .get = get_most, FLOW(most_tx), .meaning = "the largest tx_queue" },
	{ "rx_queue_most", SKT_TYPE_NUMBER, .get = get_most, FLOW(most_rx), .meaning = "the largest rx_queue" },
	{ "retransmits_most", SKT_TYPE_NUMBER, .get = get_most, FLOW(most_retransmits),
	  .meaning = "the largest retransmits" },
};

static const struct skt_field_info owners_field = { "owners", SKT_TYPE_OWNERS, .more = hold_fields,
						    .n_more = sizeof(hold_fields) / sizeof(*hold_fields),
						    .meaning =
							    "every process and descriptor that was seen to hold it" };

static const struct skt_field_info process_fields[] = {
	{ "time", SKT_TYPE_TIME, .get = get_instant, IMAGE(first_seen), .meaning = "when it was first seen" },
	{ "host", SKT_TYPE_BYTES, .get = get_host, .meaning = "name of the recorded host" },
	{ "first_after", SKT_TYPE_TIME, .get = get_instant, IMAGE(first_after),
	  .meaning = "it appeared, or began this program, after this; null: it was there at the first look" },
	{ "first_seen", SKT_TYPE_TIME, .get = get_instant, IMAGE(first_seen), .meaning = "and until this" },
	{ "last_seen", SKT_TYPE_TIME, .get = get_instant, IMAGE(last_seen),
	  .meaning = "it was there until this; null: it lived only between two looks" },
	{ "last_until", SKT_TYPE_TIME, .get = get_instant, IMAGE(last_until),
	  .meaning = "and was gone by this; null: that was not seen" },
	{ "already_there", SKT_TYPE_BOOL, .get = get_bool, IMAGE(was_there), .meaning = "there at the first look" },
	{ "still_there", SKT_TYPE_BOOL, .get = get_running, .meaning = "there at the last look" },
	{ "ended", SKT_TYPE_WORD, .get = get_image_ended,
	  .meaning = "exited; exec: it runs another program; gap: not seen again after one" },
	{ "sockets", SKT_TYPE_NUMBER, .get = get_number, IMAGE(flows),
	  .meaning = "how many of the sockets that are meant it held, one after another ones too" },
	{ "parent", SKT_TYPE_BYTES, .get = get_parent, .meaning = "comm of its parent" },
};

static void add(struct skt_view *view, const struct skt_field_info *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		view->fields[view->n++] = &fields[i];
}

void skt_view_flows(struct skt_view *ret, bool flat)
{
	struct skt_view sockets;

	skt_view_sockets(&sockets, false);
	ret->n = 0;
	add(ret, flow_fields, sizeof(flow_fields) / sizeof(*flow_fields));
	add(ret, skt_event_fields, skt_n_event_fields);
	for (size_t i = 0; i < sockets.n; i++) {
		const char *name = sockets.fields[i]->name;

		/* those of its own, and what is of one snapshot only */
		if (strcmp(name, "time") && strcmp(name, "host") && strcmp(name, "table_status") &&
		    strcmp(name, "owners"))
			add(ret, sockets.fields[i], 1);
	}
	if (flat) {
		add(ret, skt_owner_fields, skt_n_owner_fields);
		add(ret, hold_fields, sizeof(hold_fields) / sizeof(*hold_fields));
	} else {
		add(ret, &owners_field, 1);
	}
}

const struct skt_field_info *flow_field(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(flow_fields) / sizeof(*flow_fields); i++) {
		const struct skt_field_info *field = &flow_fields[i];

		if (strlen(field->name) == len && !memcmp(field->name, name, len))
			return field;
	}
	return NULL;
}

void skt_view_flow_processes(struct skt_view *ret)
{
	ret->n = 0;
	add(ret, process_fields, sizeof(process_fields) / sizeof(*process_fields));
	for (size_t i = 0; i < skt_n_owner_fields; i++)
		/* how it ended is said above */
		if (!skt_owner_fields[i].of_link && strcmp(skt_owner_fields[i].name, "exited"))
			add(ret, &skt_owner_fields[i], 1);
}

/* ---- rows ---- */

size_t skt_flows_count(const struct skt_flows *flows)
{
	return flows->n_order;
}

struct skt_row skt_flows_row(const struct skt_flows *flows, size_t i)
{
	const struct flow *flow = &flows->flows[flows->order[i]];
	struct skt_row row = flow_row_of(flows, flow->origin);

	row.sock = &flows->kept.socks[flow->kept];
	row.subject = flow;
	row.event = flow->told ? &flows->events[flows->order[i]] : NULL;
	row.candidates = flow->run != NONE ? &flows->lists[flow->run] : NULL;
	row.ago = flows->kept.boottime - flow->boottime;
	return row;
}

void skt_flow_stay(const struct skt_row *row, int64_t *ret_first, int64_t *ret_last)
{
	const struct flow *flow = row->subject;

	*ret_first = flow->first_seen;
	*ret_last = flow->stayed;
}

size_t skt_flows_processes(const struct skt_flows *flows)
{
	return flows->kept.n_processes;
}

struct skt_row skt_flows_process_row(const struct skt_flows *flows, size_t i)
{
	struct skt_row row = flow_row_of(flows, flows->images[i].origin);

	row.process = &flows->kept.processes[i];
	row.subject = &flows->images[i];
	return row;
}

/* SPDX-License-Identifier: MIT */
#include "slice_facts.h"

#include "cli.h"
#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER	  "slice.filter"
#define TABLES	  "slice.tables"
#define LISTENING "slice.listening"

/* Of the flight recorder's directory, in which a slice does not stand. */
static bool is_of_directory(const char *name)
{
	static const char *const beginnings[] = { FOLDER_FACT, "recorder.keep", "recorder.continues",
						  "rotation.dropped." };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

/* A slice without one of these would say that it is more than it is. */
static int add(struct facts *facts, const char *name, const char *value, struct skt_err *err)
{
	size_t n = facts->n;

	facts_add(facts, name, value);
	return facts->n > n ? 0 : skt_err_set(err, -ENOMEM, "out of memory");
}

static int add_buf(struct facts *facts, const char *name, struct skt_buf *text, struct skt_err *err)
{
	int rc;

	skt_buf_byte(text, '\0');
	rc = text->failed ? skt_err_set(err, -ENOMEM, "out of memory") : add(facts, name, (char *)text->data, err);
	skt_buf_release(text);
	return rc;
}

static int add_time(struct facts *facts, const char *name, int64_t when, struct skt_err *err)
{
	struct skt_buf text;

	skt_buf_init(&text);
	skt_time_format(&text, when, SKT_ZONE_UTC);
	return add_buf(facts, name, &text, err);
}

static int add_hex(struct facts *facts, const char *name, const uint8_t *bytes, size_t len, struct skt_err *err)
{
	char hex[2 * SKT_CHAIN_SIZE + 1];

	cli_hex(bytes, len, hex);
	return add(facts, name, hex, err);
}

/* Where it was taken from. */
static int add_source(struct facts *facts, const struct skt_file *file, const struct skt_header *header, uint64_t first,
		      struct skt_err *err)
{
	uint8_t chain[SKT_CHAIN_SIZE];
	char number[24];
	int rc = skt_file_chain(file, chain);

	if (rc)
		return skt_err_sys(err, rc, "cannot read its chain value");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)first);
	rc = add(facts, "slice.tool", "sockquery " SKT_VERSION, err);
	if (!rc)
		rc = add(facts, "slice.file", skt_file_name(file), err);
	if (!rc)
		rc = add_hex(facts, "slice.recording", header->recording_id, sizeof(header->recording_id), err);
	if (!rc)
		rc = add_hex(facts, "slice.chain", chain, sizeof(chain), err);
	if (!rc)
		rc = add(facts, "slice.first_snapshot", number, err);
	if (!rc && header->facts_damaged)
		rc = add(facts, "slice.facts", "those of the source were damaged", err);
	return rc;
}

/*
 * As whoever reads it has it, on whatever machine and whenever: without names of ports, in UTC. NULL where it cannot be
 * read so.
 */
static struct skt_filter *read_filter(const char *text)
{
	const struct skt_filter_names names = { .zone = SKT_ZONE_UTC };
	struct skt_filter *filter = NULL;
	char *word = strdup(text);

	if (word)
		(void)skt_filter_parse(&word, 1, &names, &filter, NULL);
	free(word);
	return filter;
}

static int add_filter(struct facts *facts, const struct query *query, struct skt_err *err)
{
	struct skt_filter *again = NULL;
	struct skt_buf text;
	bool same;

	skt_buf_init(&text);
	skt_filter_format(query->filter, &text);
	skt_buf_byte(&text, '\0');
	if (!text.failed)
		again = read_filter((char *)text.data);
	same = again && skt_filter_implies(query->filter, again) && skt_filter_implies(again, query->filter);
	skt_filter_free(again);
	if (!text.failed && !same) {
		skt_err_set(
			err, -EINVAL,
			"'%s' does not mean the same everywhere and at any time, which what stands in a slice has to: "
			"give ports as numbers and instants in full",
			(char *)text.data);
		skt_buf_release(&text);
		return -EINVAL;
	}
	if (!text.failed)
		text.len--;
	return add_buf(facts, FILTER, &text, err);
}

static int add_tables(struct facts *facts, uint32_t kinds, struct skt_err *err)
{
	struct skt_buf text;

	skt_buf_init(&text);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (kinds & 1u << kind)
			skt_buf_printf(&text, "%s%s", text.len ? "," : "", skt_table_kind_name(kind));
	return add_buf(facts, TABLES, &text, err);
}

int slice_facts(struct facts *facts, const struct query *query, const struct skt_file *file,
		const struct skt_header *header, const struct walk *walk, uint64_t first, struct skt_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < header->n_facts; i++)
		if (!is_of_directory(header->facts[i].name) && *header->facts[i].value)
			rc = add(facts, header->facts[i].name, header->facts[i].value, err);
	if (!rc)
		rc = add_source(facts, file, header, first, err);
	if (!rc && walk->from != INT64_MIN)
		rc = add_time(facts, "slice.from", walk->from, err);
	if (!rc && walk->to != INT64_MAX)
		rc = add_time(facts, "slice.to", walk->to, err);
	if (!rc && query->filter)
		rc = add_filter(facts, query, err);
	if (!rc && query->kinds != (1u << SKT_TABLE_KINDS) - 1)
		rc = add_tables(facts, query->kinds, err);
	if (!rc && query->listening)
		rc = add(facts, LISTENING, "only", err);
	return rc;
}

/* ---- reading ---- */

/* "tcp,tcp6" as a mask; words that are no table's are passed over. */
static uint32_t read_tables(const char *text)
{
	uint32_t kinds = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		char name[16];
		int kind;

		snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), text);
		kind = skt_table_kind_of(name);
		if (kind >= 0)
			kinds |= 1u << kind;
		text += len + (text[len] == ',');
	}
	return kinds;
}

/* Whether all that is asked about matches this expression, out of a header. One that cannot be read may be anything. */
static bool is_within(const struct skt_filter *filter, const char *expression)
{
	struct skt_filter *wider = filter ? read_filter(expression) : NULL;
	bool within = wider && skt_filter_implies(filter, wider);

	skt_filter_free(wider);
	return within;
}

/* What in words this fact leaves of the sockets; NULL: all. */
static const char *left_by(const struct skt_fact *fact)
{
	static const char *const words[][2] = { { FILTER, "sockets that match" },
						{ TABLES, "sockets of the tables" },
						{ LISTENING, "sockets that listen" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(fact->name, words[i][0]))
			return words[i][1];
	return NULL;
}

static bool holds_all(const struct skt_fact *fact, const struct skt_filter *filter, uint32_t kinds, bool listening)
{
	if (!strcmp(fact->name, FILTER))
		return is_within(filter, fact->value);
	return strcmp(fact->name, TABLES) ? listening : !(kinds & ~read_tables(fact->value));
}

bool slice_is_too_small(const struct skt_header *header, const struct skt_filter *filter, uint32_t kinds,
			bool listening, struct skt_buf *ret)
{
	bool small = false;

	for (size_t i = 0; i < header->n_facts; i++) {
		const struct skt_fact *fact = &header->facts[i];
		const char *left = left_by(fact);

		if (!left || holds_all(fact, filter, kinds, listening))
			continue;
		skt_buf_printf(ret, "%s%s", small ? ", and of them " : "it is a slice, which holds only ", left);
		if (strcmp(fact->name, LISTENING) != 0)
			skt_buf_printf(ret, " '%s'", fact->value);
		small = true;
	}
	return small;
}

/* The next fact that leaves some, from *at on; NULL: there is none. */
static const struct skt_fact *next_left(const struct skt_header *header, size_t *at)
{
	while (*at < header->n_facts && !left_by(&header->facts[*at]))
		++*at;
	return *at < header->n_facts ? &header->facts[(*at)++] : NULL;
}

bool slice_is_alike(const struct skt_header *a, const struct skt_header *b)
{
	const struct skt_fact *x, *y;
	size_t i = 0, k = 0;

	do {
		x = next_left(a, &i);
		y = next_left(b, &k);
	} while (x && y && !strcmp(x->name, y->name) && !strcmp(x->value, y->value));
	return !x && !y;
}

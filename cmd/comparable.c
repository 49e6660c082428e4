/* SPDX-License-Identifier: MIT */
#include "comparable.h"

#include "slice_facts.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text may be hostile, and is escaped where it is printed. */
__attribute__((format(printf, 2, 0))) static void add_line(struct skt_buf *lines, const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	skt_buf_text(lines, line);
	skt_buf_byte(lines, '\0');
}

/* One reason. */
__attribute__((format(printf, 2, 3))) static void because(struct comparison *comparison, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(&comparison->why, format, args);
	va_end(args);
}

/* What is to be known, and is no reason. */
__attribute__((format(printf, 2, 3))) static void note(struct comparison *comparison, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(&comparison->notes, format, args);
	va_end(args);
}

static bool both_known_and_differ(const char *a, const char *b)
{
	return *a && *b && strcmp(a, b) != 0;
}

/* Kinds of table of which something may be asked. */
static uint32_t kinds_asked(const struct comparison *comparison)
{
	return comparison->filter ? skt_filter_kinds(comparison->filter) : UINT32_MAX;
}

static bool asks_for_owners(const struct comparison *comparison)
{
	return !comparison->filter || skt_filter_needs(comparison->filter) & SKT_NEEDS_OWNERS;
}

/*
 * Two files of two hosts are named by somebody who knows that; a baseline beside /proc, or a host that was booted, may
 * not be.
 */
static void check_host(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;
	bool other_host = both_known_and_differ(a->host, b->host);
	bool other_boot = both_known_and_differ(a->boot_id, b->boot_id);

	comparison->across = other_host || other_boot;
	if (other_host && (a->is_live || b->is_live))
		because(comparison, "%s is of host %s, and %s of %s", a->name, a->host, b->name, b->host);
	else if (!other_host && other_boot)
		because(comparison, "%s was booted in between: inodes, pids and namespaces say nothing any more",
			*a->host ? a->host : "the host");
}

/* Those that were looked at in one and not in the other. */
static void check_kinds_of(struct comparison *comparison, const struct instant *instant, const struct instant *other)
{
	uint32_t missing = other->tables & ~instant->tables & kinds_asked(comparison);
	char names[128] = "";

	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (missing & 1u << kind)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", *names ? " " : "",
				 skt_table_kind_name(kind));
	if (*names)
		because(comparison, "not looked at in %s, but in %s: %s", instant->name, other->name, names);
}

static void check_kinds(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;

	comparison->tables = a->tables & b->tables;
	check_kinds_of(comparison, a, b);
	check_kinds_of(comparison, b, a);
}

/* What a slice left out is not gone. Two slices of the same choice left out the same. */
static void check_slice(struct comparison *comparison, const struct instant *instant, const struct instant *other)
{
	struct skt_buf which;

	if (!instant->file ||
	    (other->file && slice_is_alike(skt_file_header(instant->file), skt_file_header(other->file))))
		return;
	skt_buf_init(&which);
	if (slice_is_too_small(skt_file_header(instant->file), comparison->filter, kinds_asked(comparison), false,
			       &which)) {
		skt_buf_byte(&which, '\0');
		because(comparison, "%s: %s", instant->name, which.failed ? "out of memory" : (char *)which.data);
	}
	skt_buf_release(&which);
}

/* What all of the above is known by is lost with the facts; two files of one run are alike in it. */
static void check_facts(struct comparison *comparison, const struct instant *instant, const struct instant *other)
{
	const struct skt_header *header = instant->file ? skt_file_header(instant->file) : NULL;

	if (header && header->facts_damaged &&
	    (!other->file || memcmp(header->recording_id, skt_file_header(other->file)->recording_id,
				    sizeof(header->recording_id)) != 0))
		because(comparison,
			"the facts of the header of %s are damaged: of which host and boot it is, and whether it is a slice, is not known",
			instant->name);
}

static bool has_namespace(const struct skt_snapshot *snapshot, uint64_t net_namespace)
{
	for (size_t t = 0; t < snapshot->n_tables; t++)
		if (!snapshot->tables[t].gone && snapshot->tables[t].net_namespace == net_namespace)
			return true;
	return false;
}

/* How many tables with sockets are of namespaces that the other side does not have. */
static unsigned lone_tables(const struct comparison *comparison, const struct instant *instant,
			    const struct instant *other)
{
	unsigned n = 0;

	for (size_t t = 0; t < instant->snapshot->n_tables; t++) {
		const struct skt_table *table = &instant->snapshot->tables[t];

		n += !table->gone && table->n_rows && kinds_asked(comparison) & 1u << table->kind &&
		     !has_namespace(other->snapshot, table->net_namespace);
	}
	return n;
}

/* Where some process lives could not be found out: a namespace that is missing there may be its own. */
static void check_hidden_namespaces(struct comparison *comparison, const struct instant *instant,
				    const struct instant *other)
{
	uint32_t denied = instant->snapshot->quality.netns_denied;
	unsigned lone = denied && !comparison->across ? lone_tables(comparison, other, instant) : 0;

	if (lone)
		because(comparison,
			"the network namespaces of %u process%s could not be found out in %s, and %u table%s of %s %s of one that is missing there",
			denied, denied == 1 ? "" : "es", instant->name, lone, lone == 1 ? "" : "s", other->name,
			lone == 1 ? "is" : "are");
	else if (denied && !other->snapshot->quality.netns_denied)
		note(comparison, "the network namespaces of %u process%s could not be found out in %s", denied,
		     denied == 1 ? "" : "es", instant->name);
}

static void check_namespaces(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;

	if (both_known_and_differ(a->netns, b->netns))
		because(comparison, "%s has the sockets of %s, and %s of %s", a->name,
			strcmp(a->netns, "own") ? "all network namespaces" : "one network namespace", b->name,
			strcmp(b->netns, "own") ? "all" : "one");
	check_hidden_namespaces(comparison, a, b);
	check_hidden_namespaces(comparison, b, a);
}

/* Lines that are no rows: what they were is not known, unless they are the same on both sides. */
static bool same_raw(const struct instant *a, const struct skt_table *x, const struct instant *b,
		     const struct skt_table *y)
{
	if (x->malformed != y->malformed || x->n_raw != y->n_raw)
		return false;
	for (size_t i = 0; i < x->n_raw; i++) {
		size_t x_len, y_len;
		const char *x_text = skt_strtab_get(a->snapshot->strings, x->raw[i].text, &x_len);
		const char *y_text = skt_strtab_get(b->snapshot->strings, y->raw[i].text, &y_len);

		if (x_len != y_len || memcmp(x_text, y_text, x_len) != 0)
			return false;
	}
	return true;
}

static const struct skt_table *same_table(const struct instant *instant, const struct skt_table *wanted)
{
	for (size_t t = 0; t < instant->snapshot->n_tables; t++) {
		const struct skt_table *table = &instant->snapshot->tables[t];

		if (!table->gone && table->kind == wanted->kind && table->net_namespace == wanted->net_namespace)
			return table;
	}
	return NULL;
}

static bool has_kind(const struct instant *instant, uint8_t kind)
{
	for (size_t t = 0; t < instant->snapshot->n_tables; t++)
		if (!instant->snapshot->tables[t].gone && instant->snapshot->tables[t].kind == kind)
			return true;
	return false;
}

static void check_tables_of(struct comparison *comparison, const struct instant *instant, const struct instant *other)
{
	unsigned waiting = 0;

	for (size_t t = 0; t < instant->snapshot->n_tables; t++) {
		const struct skt_table *table = &instant->snapshot->tables[t], *there;

		if (table->gone || !(comparison->tables & kinds_asked(comparison) & 1u << table->kind))
			continue;
		if (table->error && table->status != SKT_TABLE_FRESH)
			because(comparison, "table %s could not be read in %s: %s", skt_table_kind_name(table->kind),
				instant->name,
				table->error == -EBADMSG ? "it is not such a table as a kernel writes"
							 : strerror(-table->error));
		else if (table->status == SKT_TABLE_UNKNOWN)
			/* of a namespace that ended meanwhile there is nothing that could be said */
			waiting += comparison->across || same_table(other, table);
		else if (table->malformed &&
			 (!(there = same_table(other, table)) || !same_raw(instant, table, other, there)))
			because(comparison, "table %s in %s has %u line%s that %s no row%s",
				skt_table_kind_name(table->kind), instant->name, table->malformed,
				table->malformed == 1 ? "" : "s", table->malformed == 1 ? "is" : "are",
				table->malformed == 1 ? "" : "s");
		else if (table->n_rows && !has_kind(other, table->kind))
			because(comparison, "there is no table %s in %s", skt_table_kind_name(table->kind),
				other->name);
	}
	if (waiting)
		because(comparison, "%u table%s of other network namespaces had not been read yet in %s", waiting,
			waiting == 1 ? "" : "s", instant->name);
}

static bool is_denied(const struct skt_snapshot *snapshot)
{
	if (snapshot->quality.denied)
		return true;
	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE && snapshot->socks[i].owner_gaps & SKT_GAP_DENIED)
			return true;
	return false;
}

/*
 * Of the capabilities in effect those that open other processes; a recorder gives up the others. 0: it is not said
 * which.
 */
static unsigned opening(const char *capabilities)
{
	unsigned long long sets = strtoull(capabilities, NULL, 16);

	if (!*capabilities)
		return 0;
	return 1u | (sets >> CAP_SYS_PTRACE & 1 ? 2u : 0) |
	       (sets & (1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH) ? 4u : 0);
}

/* Who may look into which process: the other side would have found other holders. */
static void check_privilege(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;
	bool a_none = a->snapshot->quality.walk == SKT_WALK_NONE, b_none = b->snapshot->quality.walk == SKT_WALK_NONE;
	unsigned a_opening = opening(a->capabilities), b_opening = opening(b->capabilities);

	comparison->uneven =
		both_known_and_differ(a->euid, b->euid) || (a_opening && b_opening && a_opening != b_opening);
	if (!asks_for_owners(comparison))
		return;
	if (a_none != b_none)
		because(comparison, "%s does not tell who holds its sockets", a_none ? a->name : b->name);
	if (both_known_and_differ(a->cmdline, b->cmdline))
		because(comparison, "command lines are kept in %s (%s) otherwise than in %s (%s)", a->name, a->cmdline,
			b->name, b->cmdline);
}

/* Who was denied what, in which this and the other side are not alike; false where they are. */
static bool tell_denied(const struct comparison *comparison, struct skt_buf *line)
{
	const struct instant *a = comparison->before, *b = comparison->after;
	bool a_denied = is_denied(a->snapshot), b_denied = is_denied(b->snapshot);

	if (a_denied != b_denied)
		skt_buf_printf(line, "some processes' descriptors could not be read in %s, and all in %s",
			       a_denied ? a->name : b->name, a_denied ? b->name : a->name);
	else if (a_denied && both_known_and_differ(a->euid, b->euid))
		skt_buf_printf(line,
			       "%s was looked at by uid %s, and %s by %s, neither of whom could read all descriptors",
			       a->name, a->euid, b->name, b->euid);
	else if (a_denied && comparison->uneven)
		skt_buf_printf(line,
			       "%s was looked at with other capabilities than %s, and neither with all descriptors",
			       a->name, b->name);
	skt_buf_byte(line, '\0');
	return !line->failed && line->len > 1;
}

void comparable_hands(struct comparison *comparison, size_t n_unsure)
{
	struct skt_buf line;

	skt_buf_init(&line);
	if (asks_for_owners(comparison) && tell_denied(comparison, &line)) {
		if (n_unsure)
			because(comparison, "of %zu socket%s it cannot be said whether %s changed hands: %s", n_unsure,
				n_unsure == 1 ? "" : "s", n_unsure == 1 ? "it" : "they", (char *)line.data);
		else
			note(comparison, "%s: nothing that is told depends on them", (char *)line.data);
	}
	skt_buf_release(&line);
}

/* ---- holes ---- */

/*
 * Whether the first or last snapshot that can be read may not be the first or last that was taken. A clock may have
 * been set back: in one file it is no such damage where something good lies beyond.
 */
static bool is_beyond(const struct instant *instant, const struct skt_damage *damage)
{
	if (instant->is_first)
		return damage->until <= instant->snapshot->time && (damage->file || damage->after == INT64_MIN);
	return damage->after >= instant->snapshot->time && (damage->file || damage->until == INT64_MAX);
}

static void check_damage(struct comparison *comparison, const struct instant *instant)
{
	bool beyond = false;
	size_t n = 0;
	const struct skt_damage *damage = instant->is_tree ? NULL : skt_file_damage(instant->file, &n);

	for (size_t i = 0; i < n; i++) {
		if (damage[i].facts)
			continue;
		/* that nothing was recorded before it was begun is no damage */
		beyond |= instant->is_implicit && !damage[i].restart && is_beyond(instant, &damage[i]);
	}
	if (beyond)
		because(comparison, "%s is not whole: its %s snapshot may be another", instant->name,
			instant->is_first ? "first" : "last");
}

void comparable_hole(struct comparison *comparison, const struct skt_err *hole)
{
	char position[32] = "";

	if (hole->position >= 0)
		snprintf(position, sizeof(position), ":%lld", (long long)hole->position);
	because(comparison, "what came and went in a hole is not known: %s%s: %s",
		hole->path[0] ? hole->path : comparison->before->name, position, hole->message);
}

void comparable(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;

	skt_buf_init(&comparison->why);
	skt_buf_init(&comparison->notes);
	check_host(comparison);
	check_kinds(comparison);
	check_slice(comparison, a, b);
	check_slice(comparison, b, a);
	check_facts(comparison, a, b);
	check_facts(comparison, b, a);
	check_namespaces(comparison);
	check_tables_of(comparison, a, b);
	check_tables_of(comparison, b, a);
	check_privilege(comparison);
	check_damage(comparison, a);
	/* what was said of it is not said again */
	if (strcmp(a->name, b->name) != 0 || a->is_first != b->is_first || !a->is_implicit)
		check_damage(comparison, b);
}

/* SPDX-License-Identifier: MIT */
#include "comparable.h"

#include "slice_facts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One reason; text may be hostile, and is escaped where it is printed. */
__attribute__((format(printf, 2, 3))) static void because(struct comparison *comparison, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	skt_buf_text(&comparison->why, line);
	skt_buf_byte(&comparison->why, '\0');
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

/* Two files of two hosts are named by somebody who knows that; a baseline beside /proc, or a host that was booted, may not be. */
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

static void check_namespaces(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;
	uint32_t a_denied = a->snapshot->quality.netns_denied, b_denied = b->snapshot->quality.netns_denied;

	if (both_known_and_differ(a->netns, b->netns))
		because(comparison, "%s has the sockets of %s, and %s of %s", a->name,
			strcmp(a->netns, "own") ? "all network namespaces" : "one network namespace", b->name,
			strcmp(b->netns, "own") ? "all" : "one");
	else if (!a_denied != !b_denied)
		because(comparison, "network namespaces of %u processes could not be found out in %s",
			a_denied ? a_denied : b_denied, a_denied ? a->name : b->name);
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
			waiting++;
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

/* Who may look into which process: the other side would have found other holders. */
static void check_privilege(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;
	bool a_none = a->snapshot->quality.walk == SKT_WALK_NONE, b_none = b->snapshot->quality.walk == SKT_WALK_NONE;
	bool a_denied = is_denied(a->snapshot), b_denied = is_denied(b->snapshot);
	bool cmdline = both_known_and_differ(a->cmdline, b->cmdline);

	comparison->uneven =
		a_none != b_none || a_denied != b_denied || (a_denied && both_known_and_differ(a->euid, b->euid));
	if (!asks_for_owners(comparison))
		return;
	if (a_none != b_none)
		because(comparison, "%s does not tell who holds its sockets", a_none ? a->name : b->name);
	else if (a_denied != b_denied)
		because(comparison, "some processes' descriptors could not be read in %s, and all in %s",
			a_denied ? a->name : b->name, a_denied ? b->name : a->name);
	else if (comparison->uneven)
		because(comparison,
			"%s was looked at by uid %s, and %s by %s, neither of whom could read all descriptors", a->name,
			a->euid, b->name, b->euid);
	if (cmdline)
		because(comparison, "command lines are kept in %s (%s) otherwise than in %s (%s)", a->name, a->cmdline,
			b->name, b->cmdline);
}

/* A hole in a recording: the first or last snapshot that can be read may not be the first or last that was taken. */
static void check_damage(struct comparison *comparison, const struct instant *instant)
{
	size_t n = 0;
	const struct skt_damage *damage = instant->is_tree ? NULL : skt_file_damage(instant->file, &n);

	for (size_t i = 0; i < n; i++) {
		if (damage[i].facts || (!instant->is_implicit && !comparison->whole))
			continue;
		because(comparison, "%s is not whole", instant->name);
		return;
	}
}

bool comparable(struct comparison *comparison)
{
	const struct instant *a = comparison->before, *b = comparison->after;

	skt_buf_init(&comparison->why);
	check_host(comparison);
	check_kinds(comparison);
	check_slice(comparison, a, b);
	check_slice(comparison, b, a);
	check_namespaces(comparison);
	check_tables_of(comparison, a, b);
	check_tables_of(comparison, b, a);
	check_privilege(comparison);
	check_damage(comparison, a);
	if (strcmp(a->name, b->name) != 0)
		check_damage(comparison, b);
	return !comparison->why.len;
}

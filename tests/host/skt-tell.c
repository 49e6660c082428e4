/* SPDX-License-Identifier: MIT */
/*
 * `skt-tell FROM TO <WORDS`: the recording FROM as TO, with events as if somebody had listened. Exit 0, or 2 and why.
 * Lines are
 *
 *	all TABLES				every snapshot: sockets of these tables (a mask) are listened to
 *	deaf N NAMESPACES			the Nth snapshot: so many namespaces are not
 *	lost N SINCE UNTIL			some were lost, from so many ms before its time until so many
 *	event N AGO TABLE LOCAL PORT REMOTE PORT [NAME VALUE]...
 *						so many ms before its time; the port of an end that was lost is -
 *
 * and names are sent received rtt retransmits lasted uid, late (it happened up to so many us before), and after (1: its
 * row closed with a step before). Lines of one snapshot stand in the order of their instants.
 */
#include <skt/record.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS    1000000
#define LINES 256

static struct line {
	char kind[8];
	unsigned long snapshot;
	long since, until; /* ms before it */
	char table[12], local[48], remote[48], local_port[8], remote_port[8];
	struct skt_event event;
} lines[LINES];
static size_t n_lines;
static uint32_t tables;

static int say(const struct skt_err *err)
{
	fprintf(stderr, "skt-tell: %s: %s\n", err->path, err->message);
	return 2;
}

static void set(struct skt_event *event, const char *name, unsigned long value)
{
	if (!strcmp(name, "sent")) {
		event->bytes_sent = value;
		event->has |= SKT_BIT(SKT_E_BYTES_SENT);
	} else if (!strcmp(name, "received")) {
		event->bytes_received = value;
		event->has |= SKT_BIT(SKT_E_BYTES_RECEIVED);
	} else if (!strcmp(name, "rtt")) {
		event->rtt_us = (uint32_t)value;
		event->has |= SKT_BIT(SKT_E_RTT);
	} else if (!strcmp(name, "retransmits")) {
		event->retransmits = (uint32_t)value;
		event->has |= SKT_BIT(SKT_E_RETRANSMITS);
	} else if (!strcmp(name, "lasted")) {
		event->duration_us = value;
		event->has |= SKT_BIT(SKT_E_DURATION);
	} else if (!strcmp(name, "uid")) {
		event->uid = (uint32_t)value;
		event->has |= SKT_BIT(SKT_E_UID);
	} else if (!strcmp(name, "late")) {
		event->late_us = (uint32_t)value;
	} else if (!strcmp(name, "after")) {
		event->has |= SKT_BIT(SKT_E_LATE);
	} else {
		fprintf(stderr, "skt-tell: no such name: %s\n", name);
		exit(2);
	}
}

static void read_lines(void)
{
	char text[512], name[16];
	unsigned long value;
	int at, more;

	while (fgets(text, sizeof(text), stdin)) {
		struct line *line = &lines[n_lines];

		if (sscanf(text, "all %u", &tables) == 1 || text[0] == '\n' || text[0] == '#')
			continue;
		if (n_lines + 1 == LINES ||
		    sscanf(text, "%7s %lu %ld%n", line->kind, &line->snapshot, &line->since, &at) != 3)
			goto bad;
		n_lines++;
		if (!strcmp(line->kind, "deaf"))
			continue;
		if (!strcmp(line->kind, "lost")) {
			if (sscanf(text + at, "%ld", &line->until) != 1)
				goto bad;
			continue;
		}
		if (sscanf(text + at, "%11s %47s %7s %47s %7s%n", line->table, line->local, line->local_port,
			   line->remote, line->remote_port, &more) != 5)
			goto bad;
		for (at += more; sscanf(text + at, "%15s %lu%n", name, &value, &more) == 2; at += more)
			set(&line->event, name, value);
	}
	return;
bad:
	fprintf(stderr, "skt-tell: %s", text);
	exit(2);
}

static uint32_t table_of(const struct skt_snapshot *snapshot, const char *name)
{
	for (uint32_t i = 0; i < snapshot->n_tables; i++)
		if (!snapshot->tables[i].gone && snapshot->tables[i].kind == skt_table_kind_of(name))
			return i;
	fprintf(stderr, "skt-tell: no table %s\n", name);
	exit(2);
}

static void make(const struct line *line, const struct skt_snapshot *snapshot, struct skt_event *ret)
{
	bool lost = !strcmp(line->remote_port, "-");

	*ret = line->event;
	ret->when = snapshot->time - (int64_t)line->since * MS;
	ret->source = SKT_SOURCE_DESTROY;
	ret->change = SKT_CLOSED;
	ret->state = SKT_CLOSE;
	ret->slot = SKT_NO_SLOT;
	ret->table = table_of(snapshot, line->table);
	inet_pton(strchr(line->local, ':') ? AF_INET6 : AF_INET, line->local, ret->local_address);
	inet_pton(strchr(line->remote, ':') ? AF_INET6 : AF_INET, line->remote, ret->remote_address);
	ret->local_port = (uint16_t)strtoul(line->local_port, NULL, 10);
	ret->remote_port = lost ? 0 : (uint16_t)strtoul(line->remote_port, NULL, 10);
	ret->has |= lost ? 0 : SKT_BIT(SKT_E_REMOTE_PORT);
}

/* What is told is of the step, and of the quality of the snapshot. */
static void tell(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_event *events)
{
	size_t n = 0;

	snapshot->quality.events_tables = tables;
	for (size_t i = 0; i < n_lines; i++) {
		const struct line *line = &lines[i];

		if (line->snapshot != snapshot->number)
			continue;
		if (!strcmp(line->kind, "deaf")) {
			snapshot->quality.events_deaf = (uint32_t)line->since;
		} else if (!strcmp(line->kind, "lost")) {
			snapshot->quality.events_lost_since = snapshot->time - (int64_t)line->since * MS;
			snapshot->quality.events_lost_until = snapshot->time - (int64_t)line->until * MS;
		} else {
			make(line, snapshot, &events[n++]);
		}
	}
	step->events = events;
	step->n_events = n;
}

int main(int argc, char **argv)
{
	static struct skt_event events[LINES];
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	const uint8_t random[24] = "skt-tell";
	struct skt_writer *writer;
	struct skt_cursor *cursor;
	struct skt_slice *slice;
	struct skt_file *file;
	struct skt_step *step;
	struct skt_err err;
	int from, to, rc;

	if (argc != 3)
		return 2;
	read_lines();
	skt_err_init(&err);
	from = open(argv[1], O_RDONLY);
	to = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (from < 0 || to < 0) {
		perror("skt-tell");
		return 2;
	}
	if (skt_file_open(from, argv[1], 0, &file, &err) || skt_cursor_new(file, &cursor, &err) ||
	    skt_writer_open(to, argv[2], skt_file_header(file), &options, random, &writer, &err))
		return say(&err);
	if (skt_slice_new(writer, 1, &slice))
		return 2;
	while ((rc = skt_cursor_next(cursor, &step, &err)) > 0) {
		struct skt_step told = *step;
		/* only what is said of it is touched */
		struct skt_snapshot *snapshot = (struct skt_snapshot *)(uintptr_t)skt_cursor_snapshot(cursor);

		tell(snapshot, &told, events);
		if (skt_slice_add(slice, snapshot, &told, NULL, &err))
			return say(&err);
	}
	if (rc || skt_writer_end(writer, skt_file_span(file).end, &err))
		return say(&err);
	skt_slice_free(slice);
	skt_writer_free(writer);
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(from);
	return close(to) ? 2 : 0;
}

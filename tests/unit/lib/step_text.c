/* SPDX-License-Identifier: MIT */
#include "step_text.h"

#include <skt/buf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines so far; each ends in a line feed. */
struct text {
	const struct skt_step *step;
	const struct skt_snapshot *now;
	bool exact;
	struct skt_buf line;
	char **lines;
	size_t n;
	size_t room;
};

static void *must(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "step_text: no memory\n");
	abort();
}

static void end_line(struct text *text)
{
	if (text->n == text->room) {
		text->room = text->room ? 2 * text->room : 64;
		text->lines = must(realloc(text->lines, text->room * sizeof(*text->lines)));
	}
	skt_buf_add(&text->line, "\n", 2);
	must(text->line.failed ? NULL : text->line.data);
	text->lines[text->n++] = (char *)text->line.data;
	skt_buf_init(&text->line);
}

static void put_string(struct text *text, const char *what, uint32_t id)
{
	size_t len;
	const char *bytes = skt_strtab_get(text->now->strings, id, &len);

	skt_buf_printf(&text->line, " %s=%zu:", what, len);
	for (size_t i = 0; i < len; i++)
		skt_buf_printf(&text->line, bytes[i] > ' ' && bytes[i] <= '~' ? "%c" : "\\%03o",
			       (unsigned)(unsigned char)bytes[i]);
}

#define PUT(format, ...) skt_buf_printf(&text->line, format, __VA_ARGS__)

static unsigned long long u(uint64_t value)
{
	return value;
}

static long long d(int64_t value)
{
	return value;
}

static void put_head(struct text *text)
{
	const struct skt_step *step = text->step;
	const struct skt_quality *q = &step->quality;

	PUT("  number=%llu time=%lld end=%lld boottime=%lld missed=%u from=%lld", u(step->number), d(step->time),
	    d(step->end), d(step->boottime), step->missed, d(step->from));
	PUT(" walk=%u processes=%u links=%u denied=%u vanished=%u unsearched=%u malformed=%u us=%u netns=%u since=%lld",
	    q->walk, q->processes, q->links, q->denied, q->vanished, q->unsearched, q->malformed, q->walk_us,
	    q->netns_denied, d(q->checked_since));
	PUT(" told=%x deaf=%u lost=%lld,%lld", q->events_tables, q->events_deaf, d(q->events_lost_since),
	    d(q->events_lost_until));
	PUT(" lived=%d lost=%d more=%u", q->lived_told, q->lived_lost, q->lived_more);
	for (uint32_t i = 0; i < q->n_findings; i++) {
		const struct skt_finding *finding = &q->findings[i];

		PUT(" finding=%u,%u,%u,%d,%llu,%llu", finding->kind, finding->table, finding->pid, finding->fd,
		    u(finding->inode), u(finding->net_namespace));
	}
	PUT(" more=%u", q->more_findings);
	end_line(text);
}

static void put_table(struct text *text, const struct skt_table_change *change)
{
	const struct skt_table *now = &change->now, *table = &text->now->tables[change->slot];

	PUT("table %s/%llu gone=%d source=%u status=%u error=%d read=%lld us=%u duplicates=%u malformed=%u",
	    skt_table_kind_name(now->kind), u(now->net_namespace), now->gone, now->source, now->status, now->error,
	    d(now->read_time), now->read_us, now->duplicates, now->malformed);
	put_string(text, "heading", now->heading);
	for (size_t i = 0; change->raw_changed && i < table->n_raw; i++) {
		PUT(" raw@%u", table->raw[i].before);
		put_string(text, "", table->raw[i].text);
	}
	end_line(text);
}

static void put_process(struct text *text, const char *what, const struct skt_process *p)
{
	PUT(" %s{%u/%llu has=%#x ppid=%u uid=%u net=%llu threads=%u state=%u exited=%d deleted=%d cut=%d", what, p->pid,
	    u(p->start_time), p->has, p->ppid, p->uid, u(p->net_namespace), p->threads, p->state, p->exited,
	    p->exe_deleted, p->cmdline_truncated);
	put_string(text, "comm", p->comm);
	put_string(text, "exe", p->exe);
	put_string(text, "cmdline", p->cmdline);
	put_string(text, "cgroup", p->cgroup);
	PUT("%s", "}");
}

static void put_process_change(struct text *text, const struct skt_process_change *change)
{
	PUT("process %s", skt_process_change_name(change->change));
	if (change->change != SKT_PROCESS_APPEARED) {
		PUT(" fields=%#x", change->fields);
		put_process(text, "before", &change->before);
	}
	put_process(text, "now", &change->now);
	end_line(text);
}

static void put_address(struct text *text, const uint8_t address[16], uint16_t port)
{
	for (int i = 0; i < 16; i++)
		PUT("%02x", address[i]);
	PUT(":%u ", port);
}

static void put_row(struct text *text, const char *what, const struct skt_sock *row, uint32_t t)
{
	const struct skt_table *table = &text->now->tables[t];

	PUT(" %s{%s/%llu ", what, skt_table_kind_name(table->kind), u(table->net_namespace));
	put_address(text, row->local_address, row->local_port);
	put_address(text, row->remote_address, row->remote_port);
	PUT("state=%u inode=%llu sk=%llx uid=%u tx=%u rx=%u retransmits=%u probes=%d ref=%d has=%#x timer=%u",
	    row->state, u(row->inode), u(row->sk), row->uid, row->tx_queue, row->rx_queue, row->retransmits,
	    row->probes, row->ref, row->has, row->timer);
	PUT(" rto=%llu ato=%llu quick=%u cwnd=%u ssthresh=%d drops=%u owner=%u gaps=%u", u(row->rto), u(row->ato),
	    row->quick, row->cwnd, row->ssthresh, row->drops, row->owner, row->owner_gaps);
	if (text->exact)
		PUT(" expires=%lld", d(row->timer_expires));
	else
		PUT(" ticks=%llu", u(skt_sock_ticks(row, text->now->boottime)));
	put_string(text, "tail", row->tail);
	put_string(text, "text", row->text);
	for (uint32_t i = 0; i < row->n_owners; i++) {
		const struct skt_owner *owner = &text->now->owners[row->first_owner + i];
		const struct skt_process *process = &text->now->processes[owner->process];

		PUT(" %u/%llu:%d", process->pid, u(process->start_time), owner->fd);
	}
	PUT("%s", "}");
}

static void put_change(struct text *text, const struct skt_sock_change *change)
{
	bool opened = change->change == SKT_OPENED || change->change == SKT_PRESENT;
	bool gone = change->change == SKT_CLOSED || change->change == SKT_LOST;

	PUT("socket %s", skt_change_name(change->change));
	if (change->change == SKT_CHANGED)
		PUT(" fields=%#x", change->fields);
	PUT(" after=%lld until=%lld", d(change->after), d(change->until));
	if (!opened)
		put_row(text, "before", &change->before, change->before.table);
	if (!gone)
		put_row(text, "now", &change->now, change->now.table);
	end_line(text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(struct text *text)
{
	size_t len = 0;
	char *all, *at;

	qsort(text->lines, text->n, sizeof(*text->lines), by_text);
	for (size_t i = 0; i < text->n; i++)
		len += strlen(text->lines[i]);
	all = at = must(malloc(len + 1));
	for (size_t i = 0; i < text->n; i++) {
		at = stpcpy(at, text->lines[i]);
		free(text->lines[i]);
	}
	free(text->lines);
	return all;
}

char *step_text(const struct skt_step *step, const struct skt_snapshot *now, bool exact)
{
	struct text t = { .step = step, .now = now, .exact = exact }, *text = &t;

	skt_buf_init(&text->line);
	put_head(text);
	for (size_t i = 0; i < step->n_tables; i++)
		put_table(text, &step->tables[i]);
	for (size_t i = 0; i < step->n_processes; i++)
		put_process_change(text, &step->processes[i]);
	for (size_t i = 0; i < step->n_socks; i++)
		put_change(text, &step->socks[i]);
	for (size_t i = 0; i < step->n_users; i++) {
		PUT("user %u", step->users[i].uid);
		put_string(text, "name", step->users[i].name);
		end_line(text);
	}
	for (size_t i = 0; exact && i < step->n_timers; i++) {
		const struct skt_sock *row = &now->socks[step->timers[i].slot];

		PUT("timer off=%d", step->timers[i].off);
		put_row(text, "of", row, row->table);
		end_line(text);
	}
	return join(text);
}

bool step_text_same(const char *expected, const char *got)
{
	if (!strcmp(expected, got))
		return true;
	for (;;) {
		size_t n = strcspn(expected, "\n"), m = strcspn(got, "\n");

		if (n != m || memcmp(expected, got, n)) {
			fprintf(stderr, "# expected: %.*s\n# got:      %.*s\n", (int)n, expected, (int)m, got);
			return false;
		}
		expected += n + 1;
		got += m + 1;
	}
}

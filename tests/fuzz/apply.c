/* SPDX-License-Identifier: MIT */
/*
 * Steps made of the input's bytes, or matched and then bent by them, applied one after the other as a recording's are.
 * A step is refused, or the snapshot is whole afterwards; a whole snapshot can be compacted, copied, and matched with
 * another, either way.
 */
#include "taken.h"

#include <skt/step.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scene.c" /* the fuzz targets are not linked with the unit tests' helpers */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* Mostly a small number or one near to what fits, so that steps get far; after 255 any. */
static uint32_t number(struct input *in, size_t fits)
{
	uint8_t b = byte(in);
	uint32_t any = 0;

	if (b < 128)
		return b;
	if (b < 255)
		return (uint32_t)fits + (uint32_t)(b - 192);
	for (int i = 0; i < 4; i++)
		any = any << 8 | byte(in);
	return any;
}

/* A number that fits, unless one in 16 that does not. */
static uint32_t index_of(struct input *in, size_t n)
{
	uint8_t b = byte(in);

	return b < 16 || !n ? number(in, n) : (uint32_t)(b % n);
}

/* What a decoder lets through is within 146 years of 1970. */
static int64_t instant(struct input *in)
{
	int64_t limit = INT64_C(1) << 62, when = SCENE_TIME + (int64_t)byte(in) * SCENE_SECOND / 10;

	if (byte(in) < 250)
		return when;
	return byte(in) & 1 ? limit - byte(in) : byte(in) - limit;
}

static void *room(void *array, size_t *have, size_t n, size_t size)
{
	void *bigger = realloc(array, (n + 1) * size);

	if (!bigger)
		abort();
	memset(bigger, 0, (n + 1) * size);
	*have = n + 1;
	return bigger;
}

static uint32_t string_of(struct input *in, const struct skt_snapshot *s)
{
	return index_of(in, skt_strtab_count(s->strings));
}

static void get_tables(struct input *in, const struct skt_snapshot *s, struct skt_step *step)
{
	size_t n = byte(in) % 5;

	step->tables = room(step->tables, &step->room_tables, n, sizeof(*step->tables));
	for (; step->n_tables < n; step->n_tables++) {
		struct skt_table_change *change = &step->tables[step->n_tables];
		uint8_t flags = byte(in);

		change->slot = number(in, s->n_tables);
		change->raw_changed = flags & 1;
		change->now.gone = flags & 2;
		change->now.kind = flags >> 4;
		change->now.net_namespace = byte(in) % 3;
		change->now.status = byte(in) % 4;
		change->now.heading = string_of(in, s);
		change->now.read_time = instant(in);
		change->now.read_us = number(in, 1000);
		for (unsigned k = byte(in) % 4; k; k--) {
			uint32_t before = number(in, 3);

			if (skt_table_add_raw(&change->now, before, string_of(in, s)))
				abort();
		}
	}
}

static void get_process(struct input *in, const struct skt_snapshot *s, struct skt_process *process)
{
	process->pid = byte(in) % 4;
	process->start_time = byte(in) % 2;
	process->comm = string_of(in, s);
	process->exe = string_of(in, s);
	process->cmdline = string_of(in, s);
	process->cgroup = string_of(in, s);
	process->has = number(in, 0);
	process->exited = byte(in) & 1;
	process->sockets = number(in, 0);
}

static void get_processes(struct input *in, const struct skt_snapshot *s, struct skt_step *step)
{
	size_t n = byte(in) % 5;

	step->processes = room(step->processes, &step->room_processes, n, sizeof(*step->processes));
	for (; step->n_processes < n; step->n_processes++) {
		struct skt_process_change *change = &step->processes[step->n_processes];

		change->change = byte(in) % 6;
		change->slot = number(in, s->n_processes);
		change->fields = number(in, 0);
		get_process(in, s, &change->now);
	}
}

static void get_sock(struct input *in, const struct skt_snapshot *s, const struct skt_step *step, struct skt_sock *sock)
{
	sock->table = index_of(in, s->n_tables + step->n_tables);
	sock->local_port = byte(in) % 4;
	sock->inode = byte(in) % 4;
	sock->sk = byte(in) % 3;
	sock->state = byte(in) % 14;
	sock->owner = byte(in) % 7;
	sock->tail = string_of(in, s);
	sock->text = string_of(in, s);
	sock->has = number(in, 0) << 8;
	sock->timer = byte(in) % 6;
	sock->timer_expires = instant(in);
	sock->listed = byte(in) & 1;
	sock->first_owner = index_of(in, step->n_owners);
	sock->n_owners = number(in, step->n_owners);
}

static void get_socks(struct input *in, const struct skt_snapshot *s, struct skt_step *step)
{
	size_t n = byte(in) % 12;

	step->socks = room(step->socks, &step->room_socks, n, sizeof(*step->socks));
	for (; step->n_socks < n; step->n_socks++) {
		struct skt_sock_change *change = &step->socks[step->n_socks];

		change->change = byte(in) % 7;
		change->slot = number(in, s->n_socks);
		change->fields = number(in, 0) << (byte(in) % 24);
		get_sock(in, s, step, &change->now);
	}
}

static void get_rest(struct input *in, const struct skt_snapshot *s, struct skt_step *step)
{
	size_t n = byte(in) % 8, slots = s->n_socks + step->n_socks;

	step->edits = room(step->edits, &step->room_edits, n, sizeof(*step->edits));
	for (; step->n_edits < n; step->n_edits++)
		step->edits[step->n_edits] = (struct skt_order_edit){
			.table = index_of(in, s->n_tables + step->n_tables),
			.keep = number(in, 0),
			.drop = number(in, 0),
			.put = number(in, 0),
		};
	n = byte(in) % 16;
	step->puts = room(step->puts, &step->room_puts, n, sizeof(*step->puts));
	for (; step->n_puts < n; step->n_puts++)
		step->puts[step->n_puts] = number(in, slots);
	n = byte(in) % 4;
	step->timers = room(step->timers, &step->room_timers, n, sizeof(*step->timers));
	for (; step->n_timers < n; step->n_timers++) {
		step->timers[step->n_timers].slot = number(in, slots);
		step->timers[step->n_timers].off = (int32_t)number(in, 0);
	}
	n = byte(in) % 3;
	step->users = room(step->users, &step->room_users, n, sizeof(*step->users));
	for (; step->n_users < n; step->n_users++) {
		step->users[step->n_users].uid = byte(in) % 4;
		step->users[step->n_users].name = string_of(in, s);
	}
}

static void get_step(struct input *in, const struct skt_snapshot *s, struct skt_step *step)
{
	size_t n;

	skt_step_clear(step);
	step->number = s->number + 1;
	step->time = instant(in);
	step->boottime = instant(in);
	step->from = s->number ? s->time : INT64_MIN;
	get_tables(in, s, step);
	get_processes(in, s, step);
	n = byte(in) % 6;
	step->owners = room(step->owners, &step->room_owners, n, sizeof(*step->owners));
	for (; step->n_owners < n; step->n_owners++)
		step->owners[step->n_owners] =
			(struct skt_owner){ .process = index_of(in, s->n_processes), .fd = byte(in) };
	get_socks(in, s, step);
	get_rest(in, s, step);
}

/* --- a step that fits, from a snapshot made of the input, and then bent --- */

static void get_snapshot(struct input *in, const struct skt_snapshot *s, struct skt_snapshot *now)
{
	uint32_t n, first, slot;

	scene_begin(now, s->strings, byte(in) % 8);
	for (n = byte(in) % 4; n; n--)
		scene_process(now, byte(in) % 4, byte(in) % 2, byte(in) % 2 ? "one" : "two");
	for (n = byte(in) % 4; n; n--) {
		scene_table(now, n, byte(in) % 2);
		if (byte(in) < 64)
			now->tables[now->n_tables - 1].status = SKT_TABLE_UNKNOWN;
		else if (byte(in) < 64)
			must(skt_table_add_raw(&now->tables[now->n_tables - 1], 0, string_of(in, s) % 2));
	}
	for (n = now->n_tables ? byte(in) % 16 : 0; n; n--) {
		struct skt_sock sock = { .table = byte(in) % (uint32_t)now->n_tables };
		struct skt_owner owners[4];

		sock.local_port = byte(in) % 2;
		sock.inode = byte(in) % 3;
		sock.sk = byte(in) % 3;
		sock.state = byte(in) % 13;
		sock.timer = byte(in) % 2;
		skt_sock_set_ticks(&sock, byte(in), now->boottime);
		slot = scene_add(now, sock);
		first = now->n_processes ? byte(in) % 5 : 0;
		for (uint32_t i = 0; i < first; i++)
			owners[i] = (struct skt_owner){ byte(in) % (uint32_t)now->n_processes, (int32_t)i };
		scene_own(now, slot, owners, first);
	}
	scene_end(now);
}

/* Exclusive or one of the bytes of an item; none that holds a bool or a pointer. */
static void bend(struct input *in, void *items, size_t n, size_t size, size_t from, size_t to)
{
	uint8_t *bytes = items;

	if (n)
		bytes[byte(in) % n * size + from + byte(in) % (to - from)] ^= byte(in);
}

#define ALL(array) step->array, step->n_##array, sizeof(*step->array), 0, sizeof(*step->array)
#define MEMBERS(array, type, a, b) \
	step->array, step->n_##array, sizeof(*step->array), offsetof(type, a), offsetof(type, b)

static void bend_step(struct input *in, struct skt_step *step)
{
	for (unsigned n = byte(in) % 4; n; n--)
		switch (byte(in) % 10) {
		case 0:
			bend(in, MEMBERS(tables, struct skt_table_change, slot, raw_changed));
			break;
		case 1:
			bend(in, MEMBERS(tables, struct skt_table_change, now, now.gone));
			break;
		case 2:
			bend(in, MEMBERS(processes, struct skt_process_change, change, before));
			break;
		case 3:
			bend(in, MEMBERS(processes, struct skt_process_change, now, now.exe_deleted));
			break;
		case 4:
			bend(in, MEMBERS(socks, struct skt_sock_change, change, before));
			break;
		case 5:
			bend(in, MEMBERS(socks, struct skt_sock_change, now, now.listed));
			break;
		case 6:
			bend(in, ALL(edits));
			break;
		case 7:
			bend(in, ALL(puts));
			break;
		case 8:
			bend(in, ALL(owners));
			break;
		default:
			bend(in, ALL(timers));
			break;
		}
}

static void get_bent_step(struct input *in, struct skt_matcher *matcher, struct skt_snapshot *s, struct skt_step *step)
{
	struct skt_snapshot now;

	get_snapshot(in, s, &now);
	must(skt_match(matcher, s, &now, !s->number, step));
	skt_snapshot_release(&now);
	bend_step(in, step);
}

static void check(const struct skt_snapshot *s)
{
	char why[200];

	if (scene_is_whole(s, why, sizeof(why)))
		return;
	fprintf(stderr, "%s\n", why);
	abort();
}

/* Every table that was read has its rows, in their order; what history and string tables may alter is left out. */
static void check_rows(const struct skt_snapshot *s, const struct skt_snapshot *to)
{
	const uint32_t altered =
		SKT_BIT(SKT_F_TAIL) | SKT_BIT(SKT_F_TEXT) | SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS);

	for (size_t i = 0; i < to->n_tables; i++) {
		const struct skt_table *wanted = &to->tables[i], *have = s->tables;

		if (wanted->gone || wanted->status == SKT_TABLE_UNKNOWN)
			continue;
		while (have->gone || have->kind != wanted->kind || have->net_namespace != wanted->net_namespace)
			have++;
		if (have->n_rows != wanted->n_rows)
			abort();
		for (size_t k = 0; k < have->n_rows; k++) {
			const struct skt_sock *x = &s->socks[have->order[k]], *y = &to->socks[wanted->order[k]];

			if ((skt_sock_compare(x, y) & ~altered) || x->local_port != y->local_port ||
			    skt_sock_ticks(x, s->boottime) != skt_sock_ticks(y, to->boottime))
				abort();
		}
	}
}

/* From one snapshot to the other, of which either may be hostile. */
static void match(struct skt_matcher *matcher, const struct skt_snapshot *from, const struct skt_snapshot *to)
{
	struct skt_snapshot s;
	struct skt_step step;

	must(skt_snapshot_copy(from, &s));
	skt_step_init(&step);
	must(skt_match(matcher, &s, to, false, &step));
	must(skt_apply(&s, &step, NULL));
	check(&s);
	check_rows(&s, to);
	skt_step_release(&step);
	skt_snapshot_release(&s);
}

static void use(struct skt_matcher *matcher, struct skt_snapshot *s, const struct skt_snapshot *first)
{
	struct skt_snapshot copy;

	match(matcher, first, s);
	match(matcher, s, first);
	match(matcher, s, s);
	must(skt_snapshot_copy(s, &copy));
	check(&copy);
	skt_snapshot_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_snapshot s, first;
	struct skt_step step;
	int rc = 0;

	if (!matcher)
		abort();
	scene_begin(&first, NULL, 0);
	scene_begin(&s, NULL, 0);
	scene_string(&s, "one");
	scene_string(&s, "two");
	skt_step_init(&step);
	for (int i = 0; i < 8 && in.at < in.end && !rc; i++) {
		struct skt_err err;

		if (byte(&in) < 64)
			get_step(&in, &s, &step);
		else
			get_bent_step(&in, matcher, &s, &step);
		skt_err_init(&err);
		rc = skt_apply(&s, &step, &err);
		if (rc && (rc != -EBADMSG || err.code != rc || !err.message[0]))
			abort();
		if (rc)
			break;
		taken();
		check(&s);
		use(matcher, &s, &first);
		if (byte(&in) & 1) {
			skt_snapshot_release(&first);
			must(skt_snapshot_copy(&s, &first));
			must(skt_snapshot_compact(&s));
			check(&s);
			scene_string(&s, "more");
		}
	}
	skt_snapshot_release(&s);
	skt_snapshot_release(&first);
	skt_step_release(&step);
	skt_matcher_free(matcher);
	return 0;
}

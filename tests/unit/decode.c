/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include "record/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * What skt.5 says of the inside of a block, one sentence a test: a key and a step after it are put together from the
 * page, byte by byte, and bent in one place. Nothing here comes out of the encoder.
 */

struct one_column {
	uint8_t id;
	uint8_t bytes[64];
	size_t len;
};

struct column_list {
	struct one_column of[32];
	unsigned n;
};

/* A list of slots, and where they have them their masks and columns. */
struct changes {
	uint32_t slots[4];
	uint32_t masks[4];
	unsigned n;
	struct column_list columns;
};

struct edit {
	uint32_t table, keep, drop, put;
};

/* One step. */
struct draft {
	struct {
		uint8_t flags, kind;
		int64_t error;
	} tables[4];
	unsigned n_tables, first_table;
	struct {
		uint32_t uid, name;
	} users[4];
	unsigned n_users;
	unsigned n_findings, finding_table;
	unsigned events_lost; /* whether it is told that some were */
	int64_t lost_since, lost_until;
	uint8_t lived; /* how far processes were told of */
	uint32_t lived_more;
	uint64_t finding_fd; /* and one more */
	struct changes closed, lost, changed, changed_state;
	struct {
		uint32_t rows, table;
	} runs[4];
	unsigned n_runs;
	struct column_list opened, opened_state;
	struct skt_buf processes; /* records, each with its length */
	unsigned n_processes;
	struct {
		uint32_t slot;
		int64_t off;
	} timers[4];
	unsigned n_timers;
	struct edit edits[4];
	unsigned n_edits;
	uint32_t puts, first_put;
	struct {
		int64_t after; /* the step's time */
		uint32_t row;  /* 1 + its slot; 0: none */
		uint32_t table;
	} events[4];
	unsigned n_events;
};

static void add_column(struct column_list *columns, unsigned id, size_t len, const char *bytes)
{
	struct one_column *column = &columns->of[columns->n++];

	column->id = (uint8_t)id;
	column->len = len;
	memcpy(column->bytes, bytes, len);
}

static struct one_column *find(struct column_list *columns, unsigned id)
{
	for (unsigned c = 0; c < columns->n; c++)
		if (columns->of[c].id == id)
			return &columns->of[c];
	fail_msg("no column %u", id);
	return NULL;
}

static void remove_column(struct column_list *columns, unsigned id)
{
	struct one_column *column = find(columns, id);

	memmove(column, column + 1, (size_t)(columns->of + columns->n - column - 1) * sizeof(*column));
	columns->n--;
}

static void put_columns(const struct column_list *columns, struct skt_buf *out)
{
	skt_buf_varint(out, columns->n);
	for (unsigned c = 0; c < columns->n; c++) {
		skt_buf_byte(out, columns->of[c].id);
		skt_buf_varint(out, columns->of[c].len);
		skt_buf_add(out, columns->of[c].bytes, columns->of[c].len);
	}
}

static void put_slots(const struct changes *changes, struct skt_buf *out)
{
	skt_buf_varint(out, changes->n);
	for (unsigned i = 0; i < changes->n; i++)
		skt_buf_varint(out, (uint32_t)(changes->slots[i] - (i ? changes->slots[i - 1] : 0)));
}

static void put_changes(const struct changes *changes, struct skt_buf *out)
{
	put_slots(changes, out);
	for (unsigned i = 0; i < changes->n; i++)
		skt_buf_varint(out, changes->masks[i]);
	put_columns(&changes->columns, out);
}

static void put_record(const struct skt_buf *record, struct skt_buf *out)
{
	skt_buf_varint(out, record->len);
	skt_buf_add(out, record->data, record->len);
}

static void put_meta(const struct draft *draft, int64_t time, struct skt_buf *out)
{
	struct skt_buf record;

	skt_buf_init(&record);
	skt_buf_le64(&record, (uint64_t)time);
	skt_buf_le64(&record, (uint64_t)SCENE_BOOTTIME);
	/* it took no time, nothing was missed, nobody looked */
	skt_buf_fill(&record, 0, 10);
	skt_buf_varint(&record, draft->n_tables);
	for (unsigned i = 0; i < draft->n_tables; i++) {
		skt_buf_varint(&record, draft->first_table + i);
		skt_buf_byte(&record, draft->tables[i].flags);
		skt_buf_byte(&record, draft->tables[i].kind);
		skt_buf_byte(&record, 1);
		skt_buf_byte(&record, 1);
		skt_buf_varint(&record, 0);
		skt_buf_varint(&record, 0);
		skt_buf_zigzag(&record, draft->tables[i].error);
		/* read at that time, in no time, without duplicates and malformed lines */
		skt_buf_varint(&record, 1);
		skt_buf_fill(&record, 0, 4);
	}
	for (unsigned i = 0; i < draft->n_tables; i++)
		if (draft->tables[i].flags & 2)
			skt_buf_varint(&record, 0);
	skt_buf_varint(&record, draft->n_users);
	for (unsigned i = 0; i < draft->n_users; i++) {
		skt_buf_varint(&record, draft->users[i].uid);
		skt_buf_varint(&record, draft->users[i].name);
	}
	/* nobody denied, not all links read yet */
	skt_buf_fill(&record, 0, 2);
	skt_buf_varint(&record, draft->n_findings);
	for (unsigned i = 0; i < draft->n_findings; i++) {
		skt_buf_byte(&record, SKT_FINDING_UNHELD);
		skt_buf_varint(&record, draft->finding_table);
		skt_buf_varint(&record, 0);
		skt_buf_varint(&record, draft->finding_fd);
		skt_buf_fill(&record, 0, 2);
	}
	/* nothing more was found, and nobody listened */
	skt_buf_fill(&record, 0, 3);
	skt_buf_varint(&record, draft->events_lost);
	if (draft->events_lost) {
		skt_buf_zigzag(&record, draft->lost_since);
		skt_buf_zigzag(&record, draft->lost_until);
	}
	skt_buf_byte(&record, draft->lived);
	skt_buf_varint(&record, draft->lived_more);
	put_record(&record, out);
	skt_buf_release(&record);
}

static void put_identity(const struct draft *draft, struct skt_buf *out)
{
	skt_buf_varint(out, draft->n_processes);
	skt_buf_add(out, draft->processes.data, draft->processes.len);
	put_slots(&draft->closed, out);
	put_slots(&draft->lost, out);
	for (unsigned i = 0; i < draft->n_runs; i++) {
		skt_buf_varint(out, draft->runs[i].rows);
		skt_buf_varint(out, draft->runs[i].table);
	}
	skt_buf_varint(out, 0);
	put_columns(&draft->opened, out);
	put_changes(&draft->changed, out);
}

static void put_residual(const struct draft *draft, struct skt_buf *out)
{
	skt_buf_varint(out, draft->n_timers);
	for (unsigned i = 0; i < draft->n_timers; i++)
		skt_buf_varint(out, draft->timers[i].slot - (i ? draft->timers[i - 1].slot : 0));
	for (unsigned i = 0; i < draft->n_timers; i++)
		skt_buf_zigzag(out, draft->timers[i].off);
	skt_buf_varint(out, draft->n_edits);
	for (unsigned i = 0; i < draft->n_edits; i++)
		skt_buf_zigzag(out, (int64_t)draft->edits[i].table - (i ? draft->edits[i - 1].table : 0));
	for (unsigned i = 0; i < draft->n_edits; i++)
		skt_buf_varint(out, draft->edits[i].keep);
	for (unsigned i = 0; i < draft->n_edits; i++)
		skt_buf_varint(out, draft->edits[i].drop);
	for (unsigned i = 0; i < draft->n_edits; i++)
		skt_buf_varint(out, draft->edits[i].put);
	if (draft->puts) {
		skt_buf_varint(out, draft->puts);
		skt_buf_zigzag(out, draft->first_put);
	}
	skt_buf_varint(out, 0);
}

/*
 * How many rows stand in the lists of IDENTITY: an event has the number behind them for a row that it names by its
 * slot.
 */
static unsigned listed(const struct draft *draft)
{
	unsigned n = draft->closed.n + draft->lost.n + draft->changed.n;

	for (unsigned i = 0; i < draft->n_runs; i++)
		n += draft->runs[i].rows;
	return n;
}

static void put_column(unsigned id, const struct skt_buf *column, struct skt_buf *out)
{
	skt_buf_byte(out, (unsigned char)id);
	skt_buf_varint(out, column->len);
	skt_buf_add(out, column->data, column->len);
}

static void put_events(const struct draft *draft, struct skt_buf *out)
{
	struct skt_buf columns[7];
	int64_t before = 0;

	if (draft->n_events) {
		/* told by 9 that they opened, state 0 */
		skt_buf_varint(out, draft->n_events);
		skt_buf_add(out, "\11\2\0", 3);
	}
	skt_buf_varint(out, 0);
	if (!draft->n_events)
		return;
	for (unsigned id = 1; id < 7; id++)
		skt_buf_init(&columns[id]);
	for (unsigned i = 0; i < draft->n_events; i++) {
		uint32_t row = draft->events[i].row;

		/* the table is told, whatever the row's is; late 0 */
		skt_buf_varint(&columns[1], 128);
		skt_buf_varint(&columns[2], row ? (uint64_t)listed(draft) + row : 0);
		skt_buf_varint(&columns[3], 0);
		skt_buf_zigzag(&columns[4], draft->events[i].after - before);
		skt_buf_varint(&columns[5], 0);
		skt_buf_varint(&columns[6], draft->events[i].table);
		before = draft->events[i].after;
	}
	skt_buf_varint(out, 6);
	for (unsigned id = 1; id < 7; id++) {
		put_column(id, &columns[id], out);
		skt_buf_release(&columns[id]);
	}
}

/* Decode and take it: the answer. */
static int take(const struct draft *draft, struct skt_snapshot *snapshot, bool key)
{
	struct decoder decoder = { .room = 0 };
	struct skt_buf sections[SECTION_END];
	struct cur in[SECTION_END];
	struct skt_step step;
	struct skt_err err;
	int rc;

	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
	/* two strings, for what needs one */
	if (key)
		skt_buf_add(&sections[SECTION_STRINGS], "\2\3one\3two", 9);
	else
		skt_buf_byte(&sections[SECTION_STRINGS], 0);
	put_meta(draft, SCENE_TIME + (key ? 0 : SCENE_SECOND), &sections[SECTION_META]);
	put_identity(draft, &sections[SECTION_IDENTITY]);
	put_columns(&draft->opened_state, &sections[SECTION_STATE]);
	put_changes(&draft->changed_state, &sections[SECTION_STATE]);
	put_residual(draft, &sections[SECTION_RESIDUAL]);
	put_events(draft, &sections[SECTION_EVENTS]);
	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], sections[id].data, sections[id].len);
	skt_step_init(&step);
	skt_err_init(&err);
	rc = step_decode(&decoder, in, SKT_WANT_ALL, snapshot, key, &step, &err);
	if (!rc)
		rc = skt_apply(snapshot, &step, &err);
	for (int id = SECTION_META; !rc && id < SECTION_END; id++)
		assert_true(cur_is_done(&in[id]));
	skt_step_release(&step);
	decoder_release(&decoder);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
	return rc;
}

/* --- what is bent --- */

static struct draft key, step;

/* Two rows in tcp, of which the first has a timer and a holder, and one in tcp6. */
static void draft_key(void)
{
	static const char tcp_and_tcp6[24] = "\12\0\0\1\12\0\0\1";

	memset(&key, 0, sizeof(key));
	key.n_tables = 2;
	key.tables[1].kind = SKT_TCP6;
	skt_buf_init(&key.processes);
	/* 18 bytes: appeared, slot 0, pid 7, started at 0, and nothing known */
	skt_buf_add(&key.processes, "\21\1\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
	key.n_processes = 1;
	key.n_runs = 2;
	key.runs[0].rows = 2;
	key.runs[1].rows = 1;
	key.runs[1].table = 1;
	add_column(&key.opened, SKT_F_LOCAL_ADDRESS, 24, tcp_and_tcp6);
	add_column(&key.opened, SKT_F_LOCAL_PORT, 6, "\1\2\3\0\0\0");
	add_column(&key.opened, SKT_F_REMOTE_ADDRESS, 24, tcp_and_tcp6);
	add_column(&key.opened, SKT_F_REMOTE_PORT, 6, "\1\2\3\0\0\0");
	add_column(&key.opened, SKT_F_STATE, 3, "\1\1\12");
	add_column(&key.opened, SKT_F_UID, 3, "\0\0\0");
	add_column(&key.opened, SKT_F_INODE, 3, "\2\2\2");
	add_column(&key.opened, SKT_F_OWNER, 3, "\1\0\0");
	add_column(&key.opened, SKT_F_OWNER_GAPS, 3, "\0\0\0");
	add_column(&key.opened, SKT_F_OWNERS, 5, "\1\0\0\0\6");
	/* bit 10 is 1024 */
	add_column(&key.opened_state, SKT_F_HAS, 4, "\x80\x08\0\0");
	add_column(&key.opened_state, SKT_F_TX_QUEUE, 3, "\0\0\0");
	add_column(&key.opened_state, SKT_F_TIMER, 3, "\1\0\0");
	add_column(&key.opened_state, SKT_F_TIMER_MS, 1, "\4");
	key.n_edits = 2;
	key.edits[0].put = 2;
	key.edits[1] = (struct edit){ .table = 1, .put = 1 };
	key.puts = 3;
}

/* Row 0 changes its state and its queues, row 1 its uid. */
static void draft_step(void)
{
	memset(&step, 0, sizeof(step));
	skt_buf_init(&step.processes);
	step.changed.n = 2;
	step.changed.slots[1] = 1;
	step.changed.masks[0] = SKT_BIT(SKT_F_STATE);
	step.changed.masks[1] = SKT_BIT(SKT_F_UID);
	add_column(&step.changed.columns, SKT_F_STATE, 1, "\10");
	add_column(&step.changed.columns, SKT_F_UID, 1, "\5");
	step.changed_state.n = 1;
	step.changed_state.masks[0] = SKT_BIT(SKT_F_TX_QUEUE) | SKT_BIT(SKT_F_RX_QUEUE);
	add_column(&step.changed_state.columns, SKT_F_TX_QUEUE, 1, "\7");
	add_column(&step.changed_state.columns, SKT_F_RX_QUEUE, 1, "\11");
}

static void begin(struct skt_snapshot *snapshot)
{
	assert_int_equal(skt_snapshot_init(snapshot, NULL, 1), 0);
}

static int take_key(void)
{
	struct skt_snapshot snapshot;
	int rc;

	begin(&snapshot);
	rc = take(&key, &snapshot, true);
	skt_snapshot_release(&snapshot);
	return rc;
}

/* The step after the key, which is good. */
static int take_both(struct skt_snapshot *ret)
{
	begin(ret);
	assert_int_equal(take(&key, ret, true), 0);
	return take(&step, ret, false);
}

static int take_step(void)
{
	struct skt_snapshot snapshot;
	int rc = take_both(&snapshot);

	skt_snapshot_release(&snapshot);
	return rc;
}

static int set_up(void **state)
{
	(void)state;
	draft_key();
	draft_step();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	skt_buf_release(&key.processes);
	skt_buf_release(&step.processes);
	return 0;
}

#define DAMAGE(call) assert_int_equal((call), -EBADMSG)

static void what_the_page_says_is_read(void **state)
{
	struct skt_snapshot snapshot;
	const struct skt_sock *row;
	char why[200];

	(void)state;
	assert_int_equal(take_both(&snapshot), 0);
	if (!scene_is_whole(&snapshot, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(snapshot.n_socks, 3);
	row = &snapshot.socks[0];
	assert_int_equal(row->state, SKT_CLOSE_WAIT);
	assert_int_equal(row->tx_queue, 7);
	assert_int_equal(row->rx_queue, 9);
	assert_int_equal(row->n_owners, 1);
	assert_int_equal(snapshot.owners[row->first_owner].fd, 3);
	assert_true(row->timer_expires == SCENE_BOOTTIME + 2000000);
	assert_int_equal(snapshot.socks[1].uid, 5);
	assert_int_equal(snapshot.socks[1].inode, 2);
	assert_int_equal(snapshot.socks[2].local_port, 3);
	assert_int_equal(snapshot.socks[2].table, 1);
	skt_snapshot_release(&snapshot);
}

/* --- META --- */

static void refuses_an_error_that_is_none(void **state)
{
	static const int64_t good[] = { 0, -1, -5, INT32_MIN };
	static const int64_t bad[] = { 1,	  5,	     INT32_MAX,		 (int64_t)INT32_MIN - 1,
				       INT64_MIN, INT64_MAX, -(INT64_C(1) << 32) };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		key.tables[0].error = good[i];
		assert_int_equal(take_key(), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		key.tables[0].error = bad[i];
		DAMAGE(take_key());
	}
}

static void a_table_that_goes_has_no_raw_lines(void **state)
{
	(void)state;
	step.n_tables = 1;
	step.first_table = 1;
	step.tables[0].kind = SKT_TCP6;
	step.lost.n = 1;
	step.lost.slots[0] = 2;
	step.tables[0].flags = 2;
	assert_int_equal(take_step(), 0);
	step.tables[0].flags = 1;
	assert_int_equal(take_step(), 0);
	for (uint8_t flags = 3; flags; flags++) {
		step.tables[0].flags = flags;
		DAMAGE(take_step());
	}
}

static void users_rise(void **state)
{
	(void)state;
	key.n_users = 2;
	key.users[0].uid = 4;
	key.users[0].name = 1;
	key.users[1].uid = 5;
	key.users[1].name = 2;
	assert_int_equal(take_key(), 0);
	key.users[1].uid = 4;
	DAMAGE(take_key());
	key.users[1].uid = 3;
	DAMAGE(take_key());
}

static void names_of_users_are_merged(void **state)
{
	static const char *const names[] = { NULL, "two", "one", NULL, "two", "one" };
	struct skt_snapshot snapshot;

	(void)state;
	key.n_users = step.n_users = 2;
	key.users[0].uid = 2;
	key.users[0].name = 1;
	key.users[1].uid = 4;
	key.users[1].name = 1;
	step.users[0].uid = 1;
	step.users[0].name = 2;
	step.users[1].uid = 4;
	step.users[1].name = 2;
	step.users[2].uid = 5;
	step.users[2].name = 1;
	step.n_users = 3;
	assert_int_equal(take_both(&snapshot), 0);
	assert_int_equal(snapshot.n_users, 4);
	for (uint32_t uid = 0; uid < 6; uid++) {
		const char *name = skt_snapshot_user(&snapshot, uid, NULL);

		assert_true(!name == !names[uid]);
		if (name)
			assert_string_equal(name, names[uid]);
	}
	skt_snapshot_release(&snapshot);
}

static void findings_keep_within_their_bounds(void **state)
{
	(void)state;
	key.n_findings = 16;
	key.finding_table = 7;
	key.finding_fd = UINT64_C(1) << 31;
	assert_int_equal(take_key(), 0);
	key.finding_fd++;
	DAMAGE(take_key());
	key.finding_fd = 0;
	key.finding_table = 8;
	DAMAGE(take_key());
	key.finding_table = 0;
	assert_int_equal(take_key(), 0);
	key.n_findings = 17;
	DAMAGE(take_key());
}

static void how_far_processes_were_told_of_is_one_of_four(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	key.lived = 3;
	key.lived_more = UINT32_MAX;
	begin(&snapshot);
	assert_int_equal(take(&key, &snapshot, true), 0);
	assert_true(snapshot.quality.lived_told);
	assert_true(snapshot.quality.lived_lost);
	assert_int_equal(snapshot.quality.lived_more, UINT32_MAX);
	skt_snapshot_release(&snapshot);
	key.lived = 4;
	DAMAGE(take_key());
}

static void what_was_lost_was_so_from_one_instant_to_a_later_one(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	key.events_lost = 1;
	key.lost_since = -50;
	key.lost_until = 20;
	begin(&snapshot);
	assert_int_equal(take(&key, &snapshot, true), 0);
	assert_int_equal(snapshot.quality.events_lost_since, SCENE_TIME - 50);
	assert_int_equal(snapshot.quality.events_lost_until, SCENE_TIME + 20);
	skt_snapshot_release(&snapshot);
	key.lost_since = 20;
	assert_int_equal(take_key(), 0);
	key.lost_since = 21;
	assert_int_equal(take_key(), -EBADMSG);
	key.lost_since = -SCENE_TIME - 1;
	key.lost_until = -SCENE_TIME;
	assert_int_equal(take_key(), -EBADMSG);
	key.events_lost = 2;
	key.lost_since = key.lost_until = 0;
	assert_int_equal(take_key(), -EBADMSG);
}

/* --- processes --- */

static void a_process_that_changed_changed_in_something(void **state)
{
	(void)state;
	step.n_processes = 1;
	/* changed, slot 0, pid of the parent: known, 9 */
	skt_buf_add(&step.processes, "\5\3\0\1\1\11", 6);
	assert_int_equal(take_step(), 0);
	skt_buf_clear(&step.processes);
	skt_buf_add(&step.processes, "\4\3\0\0\0", 5);
	DAMAGE(take_step());
}

/* --- slot lists --- */

static void a_row_goes_once_and_changes_no_more(void **state)
{
	(void)state;
	step.closed.n = 1;
	step.closed.slots[0] = 2;
	assert_int_equal(take_step(), 0);
	step.lost = step.closed;
	DAMAGE(take_step());
	step.lost.n = 0;
	step.closed.slots[0] = 3;
	DAMAGE(take_step());
	/* row 0 changes */
	step.closed.slots[0] = 0;
	step.edits[0] = (struct edit){ .table = 0, .drop = 1 };
	DAMAGE(take_step());
}

static void masks_are_of_their_section_and_not_empty(void **state)
{
	(void)state;
	step.changed.masks[0] |= SKT_BIT(SKT_F_DROPS);
	DAMAGE(take_step());
	step.changed.masks[0] = 0;
	DAMAGE(take_step());
	draft_step();
	step.changed_state.masks[0] |= SKT_BIT(SKT_F_STATE);
	DAMAGE(take_step());
	draft_step();
	step.changed_state.masks[0] |= SKT_BIT(SKT_F_LOCAL_PORT);
	DAMAGE(take_step());
	draft_step();
	/* columns of a later version */
	step.changed_state.masks[0] |= SKT_BIT(29) | SKT_BIT(31);
	assert_int_equal(take_step(), 0);
}

/* --- columns --- */

static void rows_that_came_have_what_no_row_is_without(void **state)
{
	static const unsigned always[] = { SKT_F_LOCAL_ADDRESS, SKT_F_LOCAL_PORT, SKT_F_REMOTE_ADDRESS,
					   SKT_F_REMOTE_PORT,	SKT_F_STATE,	  SKT_F_OWNER,
					   SKT_F_OWNER_GAPS };
	static const unsigned may[] = { SKT_F_UID, SKT_F_INODE, SKT_F_OWNERS };

	(void)state;
	/* 2 to 6, 25 and 26 */
	assert_int_equal(SKT_F_LOCAL_ADDRESS, 2);
	assert_int_equal(SKT_F_STATE, 6);
	assert_int_equal(SKT_F_OWNER, 25);
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
		remove_column(&key.opened, always[i]);
		DAMAGE(take_key());
		tear_down(NULL);
		draft_key();
	}
	for (size_t i = 0; i < sizeof(may) / sizeof(*may); i++) {
		remove_column(&key.opened, may[i]);
		assert_int_equal(take_key(), 0);
	}
}

static void a_column_that_is_not_there_is_0(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	remove_column(&key.opened, SKT_F_INODE);
	remove_column(&key.opened, SKT_F_OWNERS);
	key.opened_state.n = 0;
	begin(&snapshot);
	assert_int_equal(take(&key, &snapshot, true), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(snapshot.socks[i].inode, 0);
		assert_int_equal(snapshot.socks[i].has, 0);
		assert_int_equal(snapshot.socks[i].n_owners, 0);
	}
	skt_snapshot_release(&snapshot);
}

/* Every column in every other place, and every one twice. */
static void columns_stand_in_the_pages_order_and_once(struct column_list *columns, int (*take_it)(void))
{
	struct column_list had = *columns;

	assert_int_equal(take_it(), 0);
	for (unsigned from = 0; from < had.n; from++) {
		for (unsigned to = 0; to <= had.n; to++) {
			if (from != to) {
				columns->n = 0;
				for (unsigned c = 0; c <= had.n; c++) {
					if (c == to)
						columns->of[columns->n++] = had.of[from];
					if (c < had.n && c != from)
						columns->of[columns->n++] = had.of[c];
				}
				assert_int_equal(columns->n, had.n);
				if (to != from + 1)
					DAMAGE(take_it());
			}
			*columns = had;
			memmove(&columns->of[to + 1], &columns->of[to], (had.n - to) * sizeof(had.of[0]));
			columns->of[to] = had.of[from];
			columns->n++;
			DAMAGE(take_it());
			*columns = had;
		}
	}
}

static void columns_of_rows_that_came_stand_in_order_and_once(void **state)
{
	(void)state;
	columns_stand_in_the_pages_order_and_once(&key.opened, take_key);
	columns_stand_in_the_pages_order_and_once(&key.opened_state, take_key);
}

static void columns_of_rows_that_changed_stand_in_order_and_once(void **state)
{
	(void)state;
	columns_stand_in_the_pages_order_and_once(&step.changed.columns, take_step);
	columns_stand_in_the_pages_order_and_once(&step.changed_state.columns, take_step);
}

static void a_column_that_is_not_known_stands_anywhere(void **state)
{
	static const uint8_t unknown[] = { 0, 1, 29, 31, 32, 200, 255 };
	struct column_list *lists[] = { &key.opened, &key.opened_state, &step.changed.columns,
					&step.changed_state.columns };

	(void)state;
	for (size_t l = 0; l < 4; l++) {
		struct column_list had = *lists[l];

		for (size_t u = 0; u < sizeof(unknown); u++) {
			for (unsigned at = 0; at <= had.n; at++) {
				struct one_column *column = &lists[l]->of[at];

				memmove(column + 1, column, (had.n - at) * sizeof(*column));
				*column = (struct one_column){ .id = unknown[u], .len = u % 3 };
				lists[l]->n++;
				assert_int_equal(l < 2 ? take_key() : take_step(), 0);
				*lists[l] = had;
			}
		}
	}
}

static void a_column_stands_in_its_section(void **state)
{
	(void)state;
	add_column(&key.opened, SKT_F_HAS, 3, "\0\0\0");
	DAMAGE(take_key());
	key.opened.n--;
	memmove(&key.opened_state.of[1], &key.opened_state.of[0], 4 * sizeof(key.opened_state.of[0]));
	key.opened_state.of[0] = *find(&key.opened, SKT_F_UID);
	key.opened_state.n++;
	DAMAGE(take_key());
}

static void a_column_without_a_value_is_left_out(void **state)
{
	(void)state;
	step.changed.n = 1;
	DAMAGE(take_step()); /* nobody's uid changed */
	find(&step.changed.columns, SKT_F_UID)->len = 0;
	DAMAGE(take_step());
	remove_column(&step.changed.columns, SKT_F_UID);
	assert_int_equal(take_step(), 0);
	add_column(&step.opened, SKT_F_STATE, 0, "");
	DAMAGE(take_step());
}

static void values_fill_a_column(void **state)
{
	(void)state;
	for (unsigned c = 0; c < key.opened.n; c++) {
		key.opened.of[c].len++;
		DAMAGE(take_key());
		key.opened.of[c].len -= 2;
		DAMAGE(take_key());
		key.opened.of[c].len++;
	}
	for (unsigned c = 0; c < key.opened_state.n; c++) {
		key.opened_state.of[c].len++;
		DAMAGE(take_key());
		key.opened_state.of[c].len -= 2;
		DAMAGE(take_key());
		key.opened_state.of[c].len++;
	}
	assert_int_equal(take_key(), 0);
}

static void what_a_row_changed_in_has_a_column(void **state)
{
	static const unsigned fields[] = { SKT_F_TX_QUEUE, SKT_F_RX_QUEUE };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct column_list had = step.changed_state.columns;

		remove_column(&step.changed_state.columns, fields[i]);
		DAMAGE(take_step());
		step.changed_state.columns = had;
	}
	remove_column(&step.changed.columns, SKT_F_STATE);
	DAMAGE(take_step());
	draft_step();
	step.changed.masks[1] |= SKT_BIT(SKT_F_OWNERS);
	DAMAGE(take_step());
	add_column(&step.changed.columns, SKT_F_OWNERS, 1, "\0");
	assert_int_equal(take_step(), 0);
}

/* --- timers --- */

static void a_row_with_a_timer_has_a_value_in_its_column(void **state)
{
	(void)state;
	remove_column(&key.opened_state, SKT_F_TIMER_MS);
	DAMAGE(take_key());
	/* and where nobody has one, there is no column */
	memcpy(find(&key.opened_state, SKT_F_HAS)->bytes, "\0\0\0", 3);
	find(&key.opened_state, SKT_F_HAS)->len = 3;
	assert_int_equal(take_key(), 0);
	add_column(&key.opened_state, SKT_F_TIMER_MS, 0, "");
	DAMAGE(take_key());
}

/* Row 0 loses its timer. */
static void end_timer(uint32_t mask)
{
	step.changed_state.masks[0] = SKT_BIT(SKT_F_HAS) | mask;
	step.changed_state.columns.n = 0;
	add_column(&step.changed_state.columns, SKT_F_HAS, 1, "\0");
}

static void a_row_whose_timer_ended_has_the_instant_0(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	end_timer(SKT_BIT(SKT_F_TIMER_MS));
	assert_int_equal(take_both(&snapshot), 0);
	assert_int_equal(snapshot.socks[0].has, 0);
	assert_true(snapshot.socks[0].timer_expires == 0);
	skt_snapshot_release(&snapshot);
	/* and says so */
	end_timer(0);
	DAMAGE(take_step());
	/* one that still runs and is said to have changed has a value */
	draft_step();
	step.changed_state.masks[0] = SKT_BIT(SKT_F_TIMER_MS);
	step.changed_state.columns.n = 0;
	DAMAGE(take_step());
	add_column(&step.changed_state.columns, SKT_F_TIMER_MS, 1, "\2");
	assert_int_equal(take_step(), 0);
}

static void only_a_row_with_a_timer_can_be_off(void **state)
{
	(void)state;
	step.n_timers = 1;
	step.timers[0].off = 1;
	assert_int_equal(take_step(), 0);
	step.timers[0].slot = 1;
	DAMAGE(take_step());
	step.timers[0].slot = 0;
	end_timer(SKT_BIT(SKT_F_TIMER_MS));
	DAMAGE(take_step());
}

/* --- order --- */

static void an_edit_drops_or_puts_something(void **state)
{
	(void)state;
	step.n_edits = 1;
	step.edits[0] = (struct edit){ .keep = 1 };
	DAMAGE(take_step());
	step.edits[0] = (struct edit){ .table = 1 };
	DAMAGE(take_step());
	step.edits[0] = (struct edit){ .drop = 1, .put = 1 };
	step.puts = 1;
	assert_int_equal(take_step(), 0);
}

/* --- events --- */

/* Whether an event about this row (its slot; -1: none) of this table may stand in a key, or in the step. */
static bool may_be_told(struct draft *draft, int row, uint32_t table)
{
	int rc;

	draft->n_events = 1;
	draft->events[0].row = (uint32_t)(row + 1);
	draft->events[0].table = table;
	rc = draft == &key ? take_key() : take_step();
	draft->n_events = 0;
	assert_true(rc == 0 || rc == -EBADMSG);
	return !rc;
}

static void an_event_of_a_key_names_what_comes_with_it(void **state)
{
	(void)state;
	for (int row = -1; row < 3; row++)
		assert_true(may_be_told(&key, row, 0));
	assert_true(may_be_told(&key, 2, 1));
	assert_false(may_be_told(&key, 3, 1));
	assert_false(may_be_told(&key, SKT_SOCKS_MAX - 1, 1));
	assert_false(may_be_told(&key, 2, 2));
	assert_false(may_be_told(&key, -1, SKT_TABLES_MAX));
}

static void an_event_of_a_step_names_what_was_there_or_comes_with_it(void **state)
{
	(void)state;
	/* three rows and two tables, of which row 2 and table 1 go */
	step.n_tables = 1;
	step.first_table = 1;
	step.tables[0] = key.tables[1];
	step.tables[0].flags = 1;
	step.lost.n = 1;
	step.lost.slots[0] = 2;
	for (int row = -1; row < 3; row++)
		assert_true(may_be_told(&step, row, 1));
	/* what changes is told of in two lists, but comes with neither */
	assert_false(may_be_told(&step, 3, 1));
	assert_false(may_be_told(&step, -1, 2));
	/* another one comes */
	step.n_tables = 2;
	step.tables[1].kind = SKT_UDP;
	assert_true(may_be_told(&step, -1, 2));
	assert_false(may_be_told(&step, -1, 3));
}

static void an_event_names_nothing_that_has_gone(void **state)
{
	struct skt_snapshot snapshot;
	struct draft after = { .n_events = 1 };

	(void)state;
	step.n_tables = 1;
	step.first_table = 1;
	step.tables[0] = key.tables[1];
	step.tables[0].flags = 1;
	step.lost.n = 1;
	step.lost.slots[0] = 2;
	for (uint32_t row = 0; row <= 3; row++)
		for (uint32_t table = 0; table < 2; table++) {
			after.events[0].row = row;
			after.events[0].table = table;
			assert_int_equal(take_both(&snapshot), 0);
			assert_int_equal(take(&after, &snapshot, false), row == 3 || table ? -EBADMSG : 0);
			skt_snapshot_release(&snapshot);
		}
}

static void events_stand_by_instant(void **state)
{
	(void)state;
	step.n_events = 3;
	for (int64_t middle = -3; middle <= 3; middle++) {
		step.events[0].after = -2;
		step.events[1].after = middle;
		step.events[2].after = 2;
		assert_int_equal(take_step(), middle < -2 || middle > 2 ? -EBADMSG : 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_page_says_is_read),
		TEST(refuses_an_error_that_is_none),
		TEST(a_table_that_goes_has_no_raw_lines),
		TEST(users_rise),
		TEST(names_of_users_are_merged),
		TEST(findings_keep_within_their_bounds),
		TEST(what_was_lost_was_so_from_one_instant_to_a_later_one),
		TEST(how_far_processes_were_told_of_is_one_of_four),
		TEST(a_process_that_changed_changed_in_something),
		TEST(a_row_goes_once_and_changes_no_more),
		TEST(masks_are_of_their_section_and_not_empty),
		TEST(rows_that_came_have_what_no_row_is_without),
		TEST(a_column_that_is_not_there_is_0),
		TEST(columns_of_rows_that_came_stand_in_order_and_once),
		TEST(columns_of_rows_that_changed_stand_in_order_and_once),
		TEST(a_column_that_is_not_known_stands_anywhere),
		TEST(a_column_stands_in_its_section),
		TEST(a_column_without_a_value_is_left_out),
		TEST(values_fill_a_column),
		TEST(what_a_row_changed_in_has_a_column),
		TEST(a_row_with_a_timer_has_a_value_in_its_column),
		TEST(a_row_whose_timer_ended_has_the_instant_0),
		TEST(only_a_row_with_a_timer_can_be_off),
		TEST(an_edit_drops_or_puts_something),
		TEST(an_event_of_a_key_names_what_comes_with_it),
		TEST(an_event_of_a_step_names_what_was_there_or_comes_with_it),
		TEST(an_event_names_nothing_that_has_gone),
		TEST(events_stand_by_instant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

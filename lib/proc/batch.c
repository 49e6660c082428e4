/* SPDX-License-Identifier: MIT */
#include "proc/batch.h"

#include "base/array.h"
#include "proc/links.h"
#include "proc/visit.h"

#include <errno.h>
#include <stdlib.h>

/* How many descriptors a hand asks at a time: half a millisecond. So those of one large process are shared out, too. */
#define PIECE 256

/* With fewer processes to list, or descriptors to ask, another hand would hardly have woken when it is all done. */
#define LISTS_SHARED 16
#define LINKS_SHARED 1024

/* One process. */
struct reading {
	struct visit visit;
	int rc;
	struct link_list list;
	uint64_t *answers; /* what each of the list is */
	size_t room_answers;
};

/* Some of its descriptors. */
struct piece {
	struct reading *reading;
	size_t from, to;
	int rc;
};

struct batch {
	struct crew *crew;
	const struct tree *tree;
	struct reading readings[BATCH_MOST];
	struct piece *pieces;
	size_t n_pieces, room_pieces;
	struct names names[CREW_MAX];
};

int batch_new(unsigned hands, struct batch **ret)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	int rc = batch ? crew_new(hands, &batch->crew) : -ENOMEM;

	if (rc)
		free(batch);
	else
		*ret = batch;
	return rc;
}

struct crew *batch_crew(const struct batch *batch)
{
	return batch->crew;
}

void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < BATCH_MOST; i++) {
		free(batch->readings[i].list.links);
		free(batch->readings[i].answers);
		batch->readings[i] = (struct reading){ .rc = 0 };
	}
	free(batch->pieces);
	batch->pieces = NULL;
	batch->room_pieces = 0;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	crew_free(batch->crew);
	batch_clear(batch);
	free(batch);
}

/* ---- what hands do ---- */

static void list(void *data, size_t i, unsigned hand)
{
	struct batch *batch = data;
	struct reading *reading = &batch->readings[i];

	reading->list.n = 0;
	if (reading->rc)
		return;
	reading->visit.fds = tree_open(batch->tree, reading->visit.dir, "fd", TREE_DIRECTORY);
	reading->rc = link_list_read(&reading->list, reading->visit.fds, &batch->names[hand], NULL);
	link_list_sort(&reading->list);
}

static void ask(void *data, size_t i, unsigned hand)
{
	struct batch *batch = data;
	struct piece *piece = &batch->pieces[i];
	struct reading *reading = piece->reading;

	(void)hand;
	for (size_t k = piece->from; k < piece->to && !piece->rc; k++) {
		piece->rc = visit_ask(batch->tree, reading->visit.fds, reading->list.links[k].fd, &reading->answers[k]);
		if (piece->rc == -ENOENT) {
			reading->answers[k] = VISIT_CLOSED;
			piece->rc = 0;
		}
	}
}

/* ---- in between ---- */

static int add_pieces(struct batch *batch, struct reading *reading)
{
	size_t n = reading->rc ? 0 : reading->list.n;

	if (array_room(&reading->answers, &reading->room_answers, n, sizeof(*reading->answers)) ||
	    array_room(&batch->pieces, &batch->room_pieces, batch->n_pieces + n / PIECE + 1, sizeof(*batch->pieces)))
		return -ENOMEM;
	for (size_t from = 0; from < n; from += PIECE)
		batch->pieces[batch->n_pieces++] =
			(struct piece){ .reading = reading, .from = from, .to = n - from < PIECE ? n : from + PIECE };
	return 0;
}

static void share_out(struct batch *batch, bool worth_it, size_t n, void (*what)(void *data, size_t i, unsigned hand))
{
	if (worth_it)
		crew_do(batch->crew, n, what, batch);
	for (size_t i = 0; !worth_it && i < n; i++)
		what(batch, i, 0);
}

static void read_all(struct batch *batch, size_t n)
{
	size_t links = 0;
	int rc = 0;

	batch->n_pieces = 0;
	share_out(batch, n >= LISTS_SHARED, n, list);
	for (size_t i = 0; !rc && i < n; i++) {
		links += batch->readings[i].list.n;
		rc = add_pieces(batch, &batch->readings[i]);
	}
	if (!rc)
		share_out(batch, links >= LINKS_SHARED, batch->n_pieces, ask);
	for (size_t i = 0; !rc && i < batch->n_pieces; i++)
		if (batch->pieces[i].rc)
			batch->pieces[i].reading->rc = batch->pieces[i].rc;
	/* without memory for all of them, each by itself may still do */
	for (size_t i = 0; rc && i < n; i++)
		batch->readings[i].rc = rc;
}

int batch_visit(struct batch *batch, struct look *look, struct ledger *ledger, struct owners *owners,
		struct ledger_process **processes, size_t n, bool *ret_visited)
{
	int rc = 0;

	batch->tree = look->tree;
	for (size_t i = 0; i < n; i++) {
		struct reading *reading = &batch->readings[i];

		reading->rc = visit_begin(&reading->visit, look, ledger, owners, processes[i]);
	}
	read_all(batch, n);
	for (size_t i = 0; i < n; i++) {
		struct reading *reading = &batch->readings[i];
		int visit_rc = reading->rc;

		ret_visited[i] = !rc && !visit_rc && reading->list.n;
		if (!ret_visited[i]) {
			visit_leave(&reading->visit);
			continue;
		}
		visit_take(&reading->visit, &reading->list, reading->answers);
		visit_rc = visit_end(&reading->visit, visit_check(&reading->visit, 0));
		processes[i]->visited = !visit_rc;
		rc = visit_rc < 0 ? visit_rc : 0;
	}
	return rc;
}

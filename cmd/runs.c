/* SPDX-License-Identifier: MIT */
#include "runs.h"

#include "grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A run is rows in order: those in memory, which come last, and files. When as many files as FAN stand at the end that
 * were merged equally often, they become one; so there are never more than a few times FAN, and each row is copied as
 * often as FAN has to be multiplied with itself to reach the number of files.
 */
#define FAN	    16
#define MEMORY_MOST ((size_t)32 << 20)
#define SPARE	    4096		/* so many more than are wanted are sorted at once */
#define ROW_MOST    ((uint32_t)1 << 30) /* a line of a row of 1024 holders with command lines of 2 MiB does not exist */

struct head {
	uint32_t key_len;
	uint32_t len;
};

struct run {
	FILE *file; /* NULL: in memory */
	unsigned level;
	size_t next; /* in memory */
	bool has;    /* there is a row: */
	struct skt_part key;
	struct skt_part row;
	unsigned char *room;
	size_t room_len;
};

struct place {
	size_t at;
	size_t number; /* for qsort(3) is not stable */
};

struct runs {
	const struct skt_order *order;
	uint64_t top;
	struct skt_buf rows; /* a head, key and row each */
	struct place *places;
	size_t n_places, room_places;
	struct run *files;
	size_t n_files, room_files;
	bool merging;
	struct run memory;
	uint64_t given;
	struct run *last; /* whose row was handed out */
};

int runs_new(const struct skt_order *order, uint64_t top, struct runs **ret)
{
	struct runs *runs = calloc(1, sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	runs->order = order;
	runs->top = top ? top : UINT64_MAX;
	skt_buf_init(&runs->rows);
	*ret = runs;
	return 0;
}

static void close_run(struct run *run)
{
	if (run->file)
		fclose(run->file);
	free(run->room);
	memset(run, 0, sizeof(*run));
}

void runs_free(struct runs *runs)
{
	if (!runs)
		return;
	for (size_t i = 0; i < runs->n_files; i++)
		close_run(&runs->files[i]);
	free(runs->files);
	free(runs->places);
	skt_buf_release(&runs->rows);
	free(runs);
}

/* ---- in memory ---- */

static void get_row(const struct runs *runs, size_t at, struct skt_part *key, struct skt_part *row)
{
	struct head head;

	memcpy(&head, runs->rows.data + at, sizeof(head));
	*key = (struct skt_part){ runs->rows.data + at + sizeof(head), head.key_len };
	*row = (struct skt_part){ key->data + key->len, head.len };
}

static int compare_places(const void *va, const void *vb, void *data)
{
	const struct place *a = va, *b = vb;
	const struct runs *runs = data;
	struct skt_part x, y, row;
	int by;

	get_row(runs, a->at, &x, &row);
	get_row(runs, b->at, &y, &row);
	by = skt_order_compare(runs->order, x.data, y.data);
	return by ? by : (a->number > b->number) - (a->number < b->number);
}

/* In order, and no more of them than are wanted. */
static int settle(struct runs *runs)
{
	struct skt_buf kept;

	if (runs->order->fields.n && runs->n_places)
		qsort_r(runs->places, runs->n_places, sizeof(*runs->places), compare_places, runs);
	if (runs->n_places <= runs->top)
		return 0;
	runs->n_places = (size_t)runs->top;
	skt_buf_init(&kept);
	for (size_t i = 0; i < runs->n_places; i++) {
		struct skt_part key, row;
		size_t at = kept.len;

		get_row(runs, runs->places[i].at, &key, &row);
		skt_buf_add(&kept, key.data - sizeof(struct head), sizeof(struct head) + key.len + row.len);
		runs->places[i] = (struct place){ at, i };
	}
	skt_buf_release(&runs->rows);
	runs->rows = kept;
	return skt_buf_status(&kept);
}

static int put_file(FILE *file, const struct skt_part *key, const struct skt_part *row)
{
	struct head head = { (uint32_t)key->len, (uint32_t)row->len };

	if (fwrite(&head, sizeof(head), 1, file) != 1 || fwrite(key->data, 1, key->len, file) != key->len ||
	    fwrite(row->data, 1, row->len, file) != row->len)
		return errno ? -errno : -EIO;
	return 0;
}

static int add_run(struct runs *runs, FILE *file, unsigned level)
{
	if (grow(&runs->files, &runs->room_files, runs->n_files, sizeof(*runs->files))) {
		fclose(file);
		return -ENOMEM;
	}
	runs->files[runs->n_files++] = (struct run){ .file = file, .level = level };
	return 0;
}

/* ---- merging ---- */

/* The next row of a file: 1, 0 or a negative errno. */
static int read_row(const struct runs *runs, struct run *run)
{
	struct head head;
	size_t len;

	run->has = false;
	if (fread(&head, sizeof(head), 1, run->file) != 1)
		return ferror(run->file) ? -EIO : 0;
	if (head.key_len > ROW_MOST || head.len > ROW_MOST)
		return -EBADMSG;
	len = (size_t)head.key_len + head.len;
	if (run->room_len < len) {
		unsigned char *more = realloc(run->room, len);

		if (!more)
			return -ENOMEM;
		run->room = more;
		run->room_len = len;
	}
	if (len && fread(run->room, 1, len, run->file) != len)
		return -EBADMSG;
	if (!skt_order_is_key(runs->order, run->room, head.key_len))
		return -EBADMSG;
	run->key = (struct skt_part){ run->room, head.key_len };
	run->row = (struct skt_part){ run->room + head.key_len, head.len };
	run->has = true;
	return 1;
}

static int step(const struct runs *runs, struct run *run)
{
	if (run->file)
		return read_row(runs, run);
	run->has = run->next < runs->n_places;
	if (run->has)
		get_row(runs, runs->places[run->next++].at, &run->key, &run->row);
	return run->has;
}

/* The run whose row comes first; of equal ones the earlier. NULL: all are at their end. */
static struct run *find_first(const struct runs *runs, struct run *from, size_t n, struct run *last)
{
	struct run *first = NULL;

	for (size_t i = 0; i <= n; i++) {
		struct run *run = i < n ? &from[i] : last;

		if (run && run->has && (!first || skt_order_compare(runs->order, run->key.data, first->key.data) < 0))
			first = run;
	}
	return first;
}

/* Files from `from` on become one, of the next level. */
static int merge_files(struct runs *runs, size_t from)
{
	struct run *files = runs->files + from;
	size_t n = runs->n_files - from;
	unsigned level = files->level + 1;
	FILE *merged = tmpfile();
	uint64_t given = 0;
	int rc = merged ? 0 : -errno;

	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = step(runs, &files[i]);
	while (rc >= 0 && given++ < runs->top) {
		struct run *first = find_first(runs, files, n, NULL);

		if (!first)
			break;
		rc = put_file(merged, &first->key, &first->row);
		if (rc >= 0)
			rc = step(runs, first);
	}
	for (size_t i = 0; i < n; i++)
		close_run(&files[i]);
	runs->n_files = from;
	if (rc >= 0 && fflush(merged))
		rc = -errno;
	if (rc < 0) {
		if (merged)
			fclose(merged);
		return rc;
	}
	rewind(merged);
	return add_run(runs, merged, level);
}

static int merge_equals(struct runs *runs)
{
	int rc = 0;

	while (!rc && runs->n_files >= FAN &&
	       runs->files[runs->n_files - FAN].level == runs->files[runs->n_files - 1].level)
		rc = merge_files(runs, runs->n_files - FAN);
	return rc;
}

/* ---- what comes in ---- */

static int spill(struct runs *runs)
{
	FILE *file = tmpfile();
	int rc = file ? 0 : -errno;

	for (size_t i = 0; i < runs->n_places && !rc; i++) {
		struct skt_part key, row;

		get_row(runs, runs->places[i].at, &key, &row);
		rc = put_file(file, &key, &row);
	}
	if (!rc && fflush(file))
		rc = -errno;
	if (rc) {
		if (file)
			fclose(file);
		return rc;
	}
	rewind(file);
	runs->n_places = 0;
	skt_buf_release(&runs->rows);
	rc = add_run(runs, file, 0);
	return rc ? rc : merge_equals(runs);
}

int runs_add(struct runs *runs, const struct skt_buf *key, const struct skt_buf *row)
{
	struct head head = { (uint32_t)key->len, (uint32_t)row->len };
	int rc = 0;

	if (key->failed || row->failed)
		return -ENOMEM;
	if (key->len > ROW_MOST || row->len > ROW_MOST)
		return -E2BIG;
	if (grow(&runs->places, &runs->room_places, runs->n_places, sizeof(*runs->places)))
		return -ENOMEM;
	runs->places[runs->n_places] = (struct place){ runs->rows.len, runs->n_places };
	runs->n_places++;
	skt_buf_add(&runs->rows, &head, sizeof(head));
	skt_buf_add(&runs->rows, key->data, key->len);
	skt_buf_add(&runs->rows, row->data, row->len);
	if (runs->rows.failed)
		return -ENOMEM;
	if (runs->rows.len > MEMORY_MOST || (runs->n_places > SPARE && runs->n_places - SPARE > runs->top))
		rc = settle(runs);
	if (!rc && runs->rows.len > MEMORY_MOST)
		rc = spill(runs);
	return rc;
}

int runs_add_file(struct runs *runs, FILE *file)
{
	int rc;

	/* what is in memory came before it */
	if (runs->n_places) {
		rc = settle(runs);
		if (!rc)
			rc = spill(runs);
		if (rc) {
			fclose(file);
			return rc;
		}
	}
	rc = add_run(runs, file, 0);
	return rc ? rc : merge_equals(runs);
}

/* ---- what comes out ---- */

int runs_next(struct runs *runs, struct skt_part *ret)
{
	struct run *first;
	int rc = 0;

	if (!runs->merging) {
		rc = settle(runs);
		for (size_t i = 0; i < runs->n_files && rc >= 0; i++)
			rc = step(runs, &runs->files[i]);
		if (rc >= 0)
			rc = step(runs, &runs->memory);
		runs->merging = true;
	} else if (runs->last) {
		rc = step(runs, runs->last);
	}
	runs->last = NULL;
	if (rc < 0)
		return rc;
	first = runs->given < runs->top ? find_first(runs, runs->files, runs->n_files, &runs->memory) : NULL;
	if (!first)
		return 0;
	runs->given++;
	runs->last = first;
	*ret = first->row;
	return 1;
}

int runs_write(struct runs *runs, FILE *file)
{
	struct skt_part row;
	int rc;

	while ((rc = runs_next(runs, &row)) > 0) {
		rc = put_file(file, &runs->last->key, &row);
		if (rc)
			return rc;
	}
	if (!rc && fflush(file))
		rc = -errno;
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include <skt/tree.h>

#include "proc/capture.h"
#include "proc/line.h"
#include "proc/meta_tree.h"
#include "proc/write_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether there is a text to write: a table that is unknown has none, unless its lines were kept. */
static bool has_text(const struct skt_table *table)
{
	return !table->gone && (table->heading || table->n_rows || table->n_raw);
}

/* ---- whose tables they are ---- */

/*
 * There is no process behind it: a directory, so that whoever wants to put another self in its place knows what he
 * finds.
 */
static int put_self(struct writing *w)
{
	int self = plant_directory(&w->plant, w->dir, "self"), rc;

	if (self < 0)
		return self;
	strcpy(w->plant.where, "self/");
	rc = plant_link(&w->plant, self, "net", "../net");
	if (!rc && w->plan.own)
		rc = writing_namespace(w, self, w->plan.own);
	w->plant.where[0] = '\0';
	close(self);
	return rc;
}

/* ---- tables ---- */

/* The directory that has the tables of a namespace: -ENOENT where nobody lives in it. */
static int open_net(struct writing *w, uint64_t net_namespace)
{
	struct tree tree = { .fd = w->dir };
	uint32_t lender = plan_lender(&w->plan, net_namespace);
	int fd;

	strcpy(w->plant.where, "net/");
	if (net_namespace != w->plan.own) {
		if (!lender)
			return -ENOENT;
		snprintf(w->plant.where, sizeof(w->plant.where), "%u/net/", lender);
	}
	fd = tree_open(&tree, w->dir, w->plant.where, TREE_DIRECTORY | TREE_HANDLE);
	return fd < 0 ? skt_err_sys(w->plant.err, fd, "cannot open '%s'", w->plant.where) : fd;
}

static int put_table(struct writing *w, const struct skt_table *table)
{
	int net = open_net(w, table->net_namespace), rc;

	if (net == -ENOENT)
		return 0;
	if (net < 0)
		return net;
	skt_buf_clear(&w->text);
	skt_table_text(w->snapshot, table, w->host->big_endian, &w->text);
	rc = writing_text(w, net, skt_table_kind_name(table->kind));
	close(net);
	return rc;
}

/* A file without rows for a reader that gives up where there is none: psutil wants these, and netstat tcp and udp. */
static int put_made(struct writing *w, int net, unsigned file)
{
	static const char unix_heading[] = "Num       RefCount Protocol Flags    Type St Inode Path\n";

	w->made |= 1u << file;
	skt_buf_clear(&w->text);
	if (file == META_MADE_UNIX)
		skt_buf_text(&w->text, unix_heading);
	else
		skt_buf_printf(&w->text, "  %s\n", line_heading((uint8_t)file));
	return writing_text(w, net, file == META_MADE_UNIX ? "unix" : skt_table_kind_name(file));
}

static int put_made_up(struct writing *w)
{
	static const unsigned files[] = { SKT_TCP, SKT_UDP, META_MADE_UNIX };
	uint32_t recorded = 0;
	int net = open_net(w, w->plan.own), rc = net < 0 ? net : 0;

	for (size_t i = 0; i < w->snapshot->n_tables; i++) {
		const struct skt_table *table = &w->snapshot->tables[i];

		/* one that is unknown must not look as if it were empty */
		if (!table->gone && table->net_namespace == w->plan.own)
			recorded |= 1u << table->kind;
	}
	for (size_t i = 0; !rc && i < sizeof(files) / sizeof(*files); i++)
		if (!(recorded & 1u << files[i]))
			rc = put_made(w, net, files[i]);
	if (net >= 0)
		close(net);
	return rc;
}

static int put_tables(struct writing *w)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < w->snapshot->n_tables; i++)
		if (has_text(&w->snapshot->tables[i]))
			rc = put_table(w, &w->snapshot->tables[i]);
	if (!rc)
		rc = put_made_up(w);
	w->plant.where[0] = '\0';
	return rc;
}

/* ---- what it cannot say ---- */

static int put_meta(struct writing *w)
{
	const struct skt_snapshot *snapshot = w->snapshot;
	struct meta_head head = { .big_endian = w->host->big_endian,
				  .btime = w->host->btime,
				  .time = snapshot->time,
				  .end = snapshot->end,
				  .boottime = snapshot->boottime,
				  .number = snapshot->number,
				  .missed = snapshot->missed,
				  .quality = snapshot->quality,
				  .made = w->made };
	struct skt_snapshot read;
	struct skt_buf out;
	int rc = skt_snapshot_init(&read, NULL, skt_strtab_seed(snapshot->strings));

	skt_buf_init(&out);
	if (rc)
		return skt_err_sys(w->plant.err, rc, "cannot read it back");
	rc = capture_written(w->dir, head.big_endian, snapshot->boottime, &read, w->plant.err);
	if (!rc) {
		rc = meta_write(snapshot, &read, &head, w->place, &w->text, &out);
		if (rc)
			skt_err_sys(w->plant.err, rc, "cannot make '%s'", META_FILE);
	}
	if (!rc)
		rc = plant_file(&w->plant, w->dir, META_FILE, out.data, out.len);
	skt_buf_release(&out);
	skt_snapshot_release(&read);
	return rc;
}

/* ---- all ---- */

static int is_empty(int fd)
{
	struct names names;
	const char *name;
	int rc;

	names_begin(&names, fd);
	while ((rc = names_next(&names, &name)) > 0)
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			return -ENOTEMPTY;
	return rc;
}

static int check_empty(struct writing *w)
{
	struct tree tree = { .fd = w->dir };
	int fd = tree_open(&tree, w->dir, ".", TREE_DIRECTORY), rc;

	rc = fd < 0 ? fd : is_empty(fd);
	if (fd >= 0)
		close(fd);
	if (fd == -ENOSYS)
		return skt_err_sys(w->plant.err, fd, "a tree of files needs openat2(2), Linux 5.6");
	return rc ? skt_err_sys(w->plant.err, rc, "cannot write a tree") : 0;
}

static int put_all(struct writing *w)
{
	int net, rc = write_host(w);

	net = rc ? rc : plant_directory(&w->plant, w->dir, "net");
	if (net < 0)
		return net;
	close(net);
	rc = put_self(w);
	if (!rc)
		rc = write_processes(w);
	if (!rc)
		rc = put_tables(w);
	return rc ? rc : put_meta(w);
}

int skt_tree_write(const struct skt_snapshot *snapshot, const struct skt_host *host, const struct skt_place *place,
		   int dirfd, struct skt_err *err)
{
	static const struct skt_place nowhere = { .interval = 0 };
	struct writing w = { .snapshot = snapshot,
			     .host = host,
			     .place = place ? place : &nowhere,
			     .dir = dirfd,
			     .plant = { .err = err } };
	int rc;

	skt_buf_init(&w.text);
	rc = check_empty(&w);
	if (!rc) {
		rc = plan_make(&w.plan, snapshot, host->net_namespace);
		if (rc)
			skt_err_sys(err, rc, "cannot write a tree");
	}
	if (!rc)
		rc = put_all(&w);
	plan_release(&w.plan);
	skt_buf_release(&w.text);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a recording would take as text: `text REC [-o OUT.gz] [-n SNAPSHOTS]`.
 *
 * Reads the recording back, writes every snapshot's tables as the kernel printed them, with " pid fd" of each owner
 * appended to the row, and compresses the text of each snapshot by itself with gzip's level 6: what a cron job that
 * keeps `netstat` output would store, at its best. Prints one fact a line, name and value. -o keeps the compressed text
 * (gzip members, one a snapshot, so that zcat reads it), -n ends after so many snapshots.
 */
#include <skt/buf.h>
#include <skt/record.h>
#include <skt/tree.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define GZIP_LEVEL  6
#define GZIP_FORMAT (15 + 16) /* windowBits of deflateInit2() that ask for gzip's header and the whole window */

struct totals {
	uint64_t snapshots;
	uint64_t rows;
	uint64_t raw;
	uint64_t gzip;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "text: %s: %s\n", what, why);
	exit(2);
}

static void add_owners(const struct skt_snapshot *now, const struct skt_sock *sock, struct skt_buf *out)
{
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &now->owners[sock->first_owner + i];

		skt_buf_printf(out, " %" PRIu32 " %" PRId32, now->processes[owner->process].pid, owner->fd);
	}
}

/* One table: its lines as they stood, and to each that is a row its owners. */
static void add_table(const struct skt_snapshot *now, const struct skt_table *table, bool big_endian,
		      struct skt_buf *scratch, struct skt_buf *out)
{
	const char *line, *end;
	size_t row = 0, raw = 0;
	bool heading = true;

	skt_buf_clear(scratch);
	skt_table_text(now, table, big_endian, scratch);
	if (scratch->failed)
		die("table", "out of memory");
	line = (const char *)scratch->data;
	for (const char *all = line + scratch->len; line < all; line = end + 1) {
		end = memchr(line, '\n', (size_t)(all - line));
		if (!end)
			end = all;
		skt_buf_add(out, line, (size_t)(end - line));
		if (heading)
			heading = false;
		else if (raw < table->n_raw && table->raw[raw].before == row)
			raw++;
		else if (row < table->n_rows)
			add_owners(now, &now->socks[table->order[row++]], out);
		skt_buf_byte(out, '\n');
	}
	if (row != table->n_rows)
		die(skt_table_kind_name(table->kind), "its text has another number of rows than it");
}

static size_t compress_text(z_stream *stream, const struct skt_buf *text, struct skt_buf *out)
{
	deflateReset(stream);
	skt_buf_clear(out);
	stream->next_in = text->data;
	stream->avail_in = (uInt)text->len;
	stream->avail_out = (uInt)deflateBound(stream, (uLong)text->len);
	stream->next_out = skt_buf_room(out, stream->avail_out);
	if (!stream->next_out || deflate(stream, Z_FINISH) != Z_STREAM_END)
		die("zlib", "cannot compress");
	out->len = stream->total_out;
	return out->len;
}

static void read_all(const struct skt_file *file, uint64_t most, FILE *keep, struct totals *totals)
{
	bool big_endian = skt_file_header(file)->big_endian;
	z_stream stream = { .zalloc = NULL };
	struct skt_buf text, scratch, packed;
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	skt_buf_init(&text);
	skt_buf_init(&scratch);
	skt_buf_init(&packed);
	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_FORMAT, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    skt_cursor_new(file, &cursor, &err))
		die("start", "out of memory");
	while (totals->snapshots < most && (rc = skt_cursor_next(cursor, &step, &err)) != 0) {
		const struct skt_snapshot *now = skt_cursor_snapshot(cursor);

		if (rc < 0)
			die(err.path, err.message);
		skt_buf_clear(&text);
		for (size_t i = 0; i < now->n_tables; i++)
			if (!now->tables[i].gone)
				add_table(now, &now->tables[i], big_endian, &scratch, &text);
		if (text.failed)
			die("text", "out of memory");
		totals->snapshots++;
		totals->rows += now->live_socks;
		totals->raw += text.len;
		totals->gzip += compress_text(&stream, &text, &packed);
		if (keep && fwrite(packed.data, 1, packed.len, keep) != packed.len)
			die("-o", "cannot write");
	}
	deflateEnd(&stream);
	skt_cursor_free(cursor);
	skt_buf_release(&text);
	skt_buf_release(&scratch);
	skt_buf_release(&packed);
}

static void tell(const char *what, uint64_t value)
{
	printf("%s\t%" PRIu64 "\n", what, value);
}

int main(int argc, char **argv)
{
	struct totals totals = { 0 };
	struct skt_file *file;
	struct skt_err err;
	FILE *keep = NULL;
	uint64_t most = UINT64_MAX, bytes;
	int option, fd;

	while ((option = getopt(argc, argv, "o:n:")) != -1) {
		if (option == 'o') {
			keep = fopen(optarg, "wb");
			if (!keep)
				die(optarg, "cannot create");
		} else if (option == 'n') {
			most = strtoull(optarg, NULL, 10);
		} else {
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: text REC [-o OUT.gz] [-n SNAPSHOTS]\n");
		return 2;
	}
	fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(argv[optind], "cannot open");
	skt_err_init(&err);
	if (skt_file_open(fd, argv[optind], 0, &file, &err))
		die(err.path, err.message);
	read_all(file, most, keep, &totals);
	if (keep && fclose(keep))
		die("-o", "cannot write");
	bytes = skt_file_span(file).bytes;
	tell("snapshots", totals.snapshots);
	tell("rows", totals.rows);
	tell("raw bytes", totals.raw);
	tell("gzip bytes", totals.gzip);
	tell("recording bytes", bytes);
	if (totals.rows && totals.snapshots == skt_file_span(file).snapshots) {
		printf("gzip bytes per row\t%.2f\n", (double)totals.gzip / (double)totals.rows);
		printf("recording bytes per row\t%.3f\n", (double)bytes / (double)totals.rows);
		printf("gzip to recording\t%.1f\n", (double)totals.gzip / (double)bytes);
	}
	skt_file_free(file);
	close(fd);
	return 0;
}

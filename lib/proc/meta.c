/* SPDX-License-Identifier: MIT */
#include "proc/meta.h"

#include <skt/escape.h>

#include <errno.h>
#include <string.h>

/* What a recording can hold, skt.5: half of what an int64_t does, so that two of them can be added. */
#define TIME_MAX ((INT64_C(1) << 62) - 1)

int meta_begin(struct meta *meta, const char *bytes, size_t len, struct skt_buf *text, struct skt_err *err)
{
	uint64_t version;

	*meta = (struct meta){ .next = bytes, .end = bytes + len, .text = text };
	if (!meta_line(meta, "skt-tree"))
		return skt_err_set(err, -EBADMSG, "'%s' is none: its first line is not 'skt-tree %u'", META_FILE,
				   META_VERSION);
	version = meta_number(meta, UINT32_MAX);
	meta_done(meta);
	if (!meta->bad && version != META_VERSION)
		return skt_err_set(err, -EPROTONOSUPPORT, "'%s' is of version %llu, and this program knows %u",
				   META_FILE, (unsigned long long)version, META_VERSION);
	return meta_err(meta, err);
}

bool meta_line(struct meta *meta, const char *word)
{
	size_t len = strlen(word), left = (size_t)(meta->end - meta->next);
	const char *newline;

	if (meta->bad || left <= len || memcmp(meta->next, word, len) != 0 ||
	    (meta->next[len] != ' ' && meta->next[len] != '\n'))
		return false;
	newline = memchr(meta->next, '\n', left);
	if (!newline) {
		meta_fail(meta);
		return false;
	}
	meta->line = (struct scan){ .at = meta->next + len, .end = newline };
	meta->next = newline + 1;
	meta->number++;
	return true;
}

void meta_fail(struct meta *meta)
{
	meta->bad = true;
	meta->line = (struct scan){ .at = meta->next, .end = meta->next, .bad = true };
}

void meta_done(struct meta *meta)
{
	if (meta->line.bad || meta->line.loose || !scan_at_end(&meta->line))
		meta_fail(meta);
}

int meta_err(const struct meta *meta, struct skt_err *err)
{
	if (meta->rc)
		return skt_err_sys(err, meta->rc, "cannot read '%s'", META_FILE);
	if (meta->bad)
		return skt_err_set(err, -EBADMSG, "'%s' does not read as it is written, at its line %llu", META_FILE,
				   (unsigned long long)meta->number);
	return 0;
}

bool meta_more(const struct meta *meta)
{
	return !meta->line.bad && !scan_at_end(&meta->line);
}

uint64_t meta_number(struct meta *meta, uint64_t max)
{
	scan_byte(&meta->line, ' ');
	return scan_decimal(&meta->line, max);
}

int64_t meta_signed(struct meta *meta, int64_t max)
{
	scan_byte(&meta->line, ' ');
	return scan_signed(&meta->line, -max, max);
}

int64_t meta_time(struct meta *meta)
{
	return meta_signed(meta, TIME_MAX);
}

uint32_t meta_32(struct meta *meta)
{
	return (uint32_t)meta_number(meta, UINT32_MAX);
}

uint8_t meta_8(struct meta *meta)
{
	return (uint8_t)meta_number(meta, UINT8_MAX);
}

void meta_bytes(struct meta *meta)
{
	scan_byte(&meta->line, ' ');
	skt_buf_clear(meta->text);
	if (meta->line.bad)
		return;
	skt_unescape(meta->text, meta->line.at, (size_t)(meta->line.end - meta->line.at));
	meta->line.at = meta->line.end;
	meta->rc = skt_buf_status(meta->text);
	if (meta->rc)
		meta_fail(meta);
}

uint32_t meta_text(struct meta *meta, struct skt_strtab *strings)
{
	uint32_t id = 0;

	meta_bytes(meta);
	if (meta->line.bad)
		return 0;
	if (!meta->rc)
		meta->rc = skt_strtab_add(strings, meta->text->data, meta->text->len, &id);
	if (meta->rc)
		meta_fail(meta);
	return id;
}

void meta_put_escaped(struct skt_buf *out, const struct skt_strtab *strings, uint32_t id)
{
	size_t len;
	const char *bytes = skt_strtab_get(strings, id, &len);

	skt_buf_byte(out, ' ');
	skt_escape(out, bytes, len);
	skt_buf_byte(out, '\n');
}

void meta_put_text(struct skt_buf *out, const char *word, const struct skt_strtab *strings, uint32_t id)
{
	skt_buf_text(out, word);
	meta_put_escaped(out, strings, id);
}

void meta_put_raw(struct skt_buf *out, const struct skt_strtab *strings, uint64_t line, uint32_t id)
{
	skt_buf_printf(out, "raw %llu", (unsigned long long)line);
	meta_put_escaped(out, strings, id);
}

void meta_put_number(struct skt_buf *out, uint64_t number)
{
	skt_buf_byte(out, ' ');
	skt_buf_number(out, number);
}

void meta_put_signed(struct skt_buf *out, int64_t number)
{
	skt_buf_text(out, number < 0 ? " -" : " ");
	skt_buf_number(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

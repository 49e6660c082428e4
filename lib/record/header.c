/* SPDX-License-Identifier: MIT */
#include "record/block.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * The file header, written once and never changed:
 *
 *	OFFSET SIZE
 *	0      8    89 53 4B 54 0D 0A 1A 0A  (caught by a text-mode transfer, as PNG's)
 *	8      2    major version
 *	10     2    minor version
 *	12     4    length of the header, checksum included
 *	16     4    incompatible flags: a reader that does not know one refuses
 *	20     4    compatible flags
 *	24     16   recording id
 *	40     8    sync mark of the blocks
 *	48     8    start, ns since 1970
 *	56     8    start, CLOCK_BOOTTIME
 *	64     8    boot time, ns since 1970; -1 unknown
 *	72     8    interval, ns
 *	80     4    tables, 1 << kind
 *	84     1    byte order of the tables: 0 little, 1 big
 *	85     1    1: a running kernel's /proc
 *	86     26   0
 *	112    ..   facts: each name length (2), value length (4), name, value
 *	-4     4    CRC-32 of everything before
 */
static const uint8_t magic[8] = { 0x89, 'S', 'K', 'T', '\r', '\n', 0x1a, '\n' };

const char *skt_header_fact(const struct skt_header *header, const char *name)
{
	for (size_t i = 0; i < header->n_facts; i++)
		if (!strcmp(header->facts[i].name, name))
			return header->facts[i].value;
	return NULL;
}

static bool times_are_good(const struct skt_header *header)
{
	return header->interval >= 0 && block_time_is_good(header->interval) && block_time_is_good(header->start) &&
	       block_time_is_good(header->start_boottime) && block_time_is_good(header->boot_time);
}

int header_put(const struct skt_header *header, const uint8_t sync[8], struct skt_buf *out)
{
	size_t start = out->len, length = HEADER_FIXED_SIZE + 4;

	for (size_t i = 0; i < header->n_facts; i++) {
		size_t name_length = strlen(header->facts[i].name);

		if (name_length > UINT16_MAX)
			return -E2BIG;
		length += 6 + name_length + strlen(header->facts[i].value);
	}
	if (length > SKT_HEADER_MAX)
		return -E2BIG;
	if (!times_are_good(header))
		return -EINVAL;
	skt_buf_add(out, magic, sizeof(magic));
	skt_buf_le16(out, SKT_MAJOR);
	skt_buf_le16(out, SKT_MINOR);
	skt_buf_le32(out, (uint32_t)length);
	skt_buf_le32(out, 0);
	skt_buf_le32(out, 0);
	skt_buf_add(out, header->recording_id, sizeof(header->recording_id));
	skt_buf_add(out, sync, 8);
	skt_buf_le64(out, (uint64_t)header->start);
	skt_buf_le64(out, (uint64_t)header->start_boottime);
	skt_buf_le64(out, (uint64_t)header->boot_time);
	skt_buf_le64(out, (uint64_t)header->interval);
	skt_buf_le32(out, header->tables);
	skt_buf_byte(out, header->big_endian);
	skt_buf_byte(out, header->live);
	skt_buf_fill(out, 0, HEADER_FIXED_SIZE - 86);
	for (size_t i = 0; i < header->n_facts; i++) {
		skt_buf_le16(out, (uint16_t)strlen(header->facts[i].name));
		skt_buf_le32(out, (uint32_t)strlen(header->facts[i].value));
		skt_buf_text(out, header->facts[i].name);
		skt_buf_text(out, header->facts[i].value);
	}
	if (!out->failed)
		skt_buf_le32(out, (uint32_t)crc32(0, out->data + start, (uInt)(out->len - start)));
	return skt_buf_status(out);
}

int header_length(const void *bytes, size_t length, size_t *ret, struct skt_err *err)
{
	struct cur in;
	uint16_t major;
	uint32_t stated;

	cur_init(&in, bytes, length);
	if (length < sizeof(magic) || memcmp(cur_bytes(&in, sizeof(magic)), magic, sizeof(magic)))
		return skt_err_set(err, -EBADMSG, "not a recording");
	major = cur_le16(&in);
	cur_le16(&in);
	stated = cur_le32(&in);
	if (in.bad || length < HEADER_FIXED_SIZE)
		return skt_err_set(err, -ENODATA, "file ends inside the header");
	if (major != SKT_MAJOR)
		return skt_err_set(err, -EPROTONOSUPPORT, "recording has format version %u, this program reads %u",
				   major, SKT_MAJOR);
	if (stated < HEADER_FIXED_SIZE + 4 || stated > SKT_HEADER_MAX)
		return skt_err_set(err, -EBADMSG, "header of %u bytes is not within %u to %zu", stated,
				   HEADER_FIXED_SIZE + 4, SKT_HEADER_MAX);
	*ret = stated;
	return 0;
}

static int get_fact(struct cur *in, struct skt_header *header, size_t *have, struct skt_err *err)
{
	size_t name_len = cur_le16(in), value_len = cur_le32(in);
	const unsigned char *name = cur_bytes(in, name_len), *value = cur_bytes(in, value_len);
	char *text;

	if (!name || !value || memchr(name, 0, name_len) || memchr(value, 0, value_len))
		return skt_err_set(err, -EBADMSG, "header has a damaged fact at its byte %zu", cur_offset(in));
	if (array_room(&header->facts, have, header->n_facts + 1, sizeof(*header->facts)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	/* one allocation holds both: name NUL value NUL */
	text = malloc(name_len + value_len + 2);
	if (!text)
		return skt_err_set(err, -ENOMEM, "out of memory");
	memcpy(text, name, name_len);
	text[name_len] = '\0';
	memcpy(text + name_len + 1, value, value_len);
	text[name_len + 1 + value_len] = '\0';
	header->facts[header->n_facts].name = text;
	header->facts[header->n_facts++].value = text + name_len + 1;
	return 0;
}

int header_get(const void *bytes, size_t length, struct skt_header *ret, uint8_t ret_sync[8], struct skt_err *err)
{
	struct skt_header header = { 0 };
	size_t have = 0;
	struct cur in, facts;
	uint32_t incompatible;
	int rc = 0;

	cur_init(&in, bytes, length);
	cur_bytes(&in, sizeof(magic));
	header.major = cur_le16(&in);
	header.minor = cur_le16(&in);
	cur_le32(&in);
	incompatible = cur_le32(&in);
	cur_le32(&in);
	memcpy(header.recording_id, cur_bytes(&in, 16), 16);
	memcpy(ret_sync, cur_bytes(&in, 8), 8);
	header.start = (int64_t)cur_le64(&in);
	header.start_boottime = (int64_t)cur_le64(&in);
	header.boot_time = (int64_t)cur_le64(&in);
	header.interval = (int64_t)cur_le64(&in);
	header.tables = cur_le32(&in);
	header.big_endian = cur_byte(&in) & 1;
	header.live = cur_byte(&in) & 1;
	cur_bytes(&in, HEADER_FIXED_SIZE - 86);
	facts = cur_part(&in, length - HEADER_FIXED_SIZE - 4);
	if (cur_le32(&in) != crc32(0, bytes, (uInt)(length - 4)))
		return skt_err_set(err, -EBADMSG, "header is damaged: its checksum is wrong");
	if (incompatible)
		return skt_err_set(err, -EPROTONOSUPPORT, "recording needs features %#x, which this program lacks",
				   incompatible);
	if (!times_are_good(&header))
		return skt_err_set(err, -EBADMSG, "header has a time out of range");
	while (!rc && cur_left(&facts))
		rc = get_fact(&facts, &header, &have, err);
	if (rc)
		header_release(&header);
	else
		*ret = header;
	return rc;
}

void header_release(struct skt_header *header)
{
	/* the name's allocation holds the value too; const is for those who read it */
	for (size_t i = 0; i < header->n_facts; i++)
		free((void *)(uintptr_t)header->facts[i].name);
	free(header->facts);
	header->facts = NULL;
	header->n_facts = 0;
}

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
 *	86     2    0
 *	88     8    number of the file in its directory, from 1
 *	96     8    snapshots in the files before
 *	104    32   chain value of the last block of the file before; zeros: none
 *	136    20   0
 *	156    4    CRC-32 of the 156 bytes before: the fixed part, without which nothing can be read
 *	160    ..   facts: each name length (2), value length (4), name, value
 *	-4     4    CRC-32 of everything before
 */
static const uint8_t magic[8] = { 0x89, 'S', 'K', 'T', '\r', '\n', 0x1a, '\n' };

bool header_is_recording(const void *bytes, size_t length)
{
	return length >= sizeof(magic) && !memcmp(bytes, magic, sizeof(magic));
}

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

static void put_checksum(struct skt_buf *out, size_t start)
{
	if (!out->failed)
		skt_buf_le32(out, (uint32_t)crc32(0, out->data + start, (uInt)(out->len - start)));
}

static void put_fixed(const struct skt_header *header, const uint8_t sync[8], size_t length, struct skt_buf *out)
{
	size_t start = out->len;

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
	skt_buf_fill(out, 0, 2);
	skt_buf_le64(out, header->file_number ? header->file_number : 1);
	skt_buf_le64(out, header->snapshots_before);
	skt_buf_add(out, header->chain_before, sizeof(header->chain_before));
	skt_buf_fill(out, 0, 20);
	put_checksum(out, start);
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
	if (!times_are_good(header) || header->snapshots_before > BLOCK_NUMBER_MAX)
		return -EINVAL;
	put_fixed(header, sync, length, out);
	for (size_t i = 0; i < header->n_facts; i++) {
		skt_buf_le16(out, (uint16_t)strlen(header->facts[i].name));
		skt_buf_le32(out, (uint32_t)strlen(header->facts[i].value));
		skt_buf_text(out, header->facts[i].name);
		skt_buf_text(out, header->facts[i].value);
	}
	put_checksum(out, start);
	return skt_buf_status(out);
}

static int get_fixed(struct cur *in, struct skt_header *header, uint8_t ret_sync[8], size_t *ret_length,
		     struct skt_err *err)
{
	uint32_t incompatible;

	header->minor = cur_le16(in);
	*ret_length = cur_le32(in);
	incompatible = cur_le32(in);
	cur_le32(in);
	memcpy(header->recording_id, cur_bytes(in, 16), 16);
	memcpy(ret_sync, cur_bytes(in, 8), 8);
	header->start = (int64_t)cur_le64(in);
	header->start_boottime = (int64_t)cur_le64(in);
	header->boot_time = (int64_t)cur_le64(in);
	header->interval = (int64_t)cur_le64(in);
	header->tables = cur_le32(in);
	header->big_endian = cur_byte(in) & 1;
	header->live = cur_byte(in) & 1;
	cur_bytes(in, 2);
	header->file_number = cur_le64(in);
	header->snapshots_before = cur_le64(in);
	memcpy(header->chain_before, cur_bytes(in, sizeof(header->chain_before)), sizeof(header->chain_before));
	if (*ret_length < HEADER_FIXED_SIZE + 4 || *ret_length > SKT_HEADER_MAX)
		return skt_err_set(err, -EBADMSG, "header of %zu bytes is not within %u to %zu", *ret_length,
				   HEADER_FIXED_SIZE + 4, SKT_HEADER_MAX);
	if (incompatible)
		return skt_err_set(err, -EPROTONOSUPPORT, "recording needs features %#x, which this program lacks",
				   incompatible);
	if (!times_are_good(header))
		return skt_err_set(err, -EBADMSG, "header has a time out of range");
	if (!header->file_number || header->snapshots_before > BLOCK_NUMBER_MAX)
		return skt_err_set(err, -EBADMSG, "header has a number out of range");
	return 0;
}

/* What somebody compressed to send it is the likeliest of all that is none. */
static int not_a_recording(const unsigned char *bytes, size_t length, struct skt_err *err)
{
	static const struct {
		const char *begin, *name;
	} compressed[] = { { "\x1f\x8b", "gzip" },
			   { "\xfd"
			     "7zXZ",
			     "xz" },
			   { "\x28\xb5\x2f\xfd", "zstd" },
			   { "BZh", "bzip2" } };

	for (size_t i = 0; i < sizeof(compressed) / sizeof(*compressed); i++)
		if (length >= strlen(compressed[i].begin) &&
		    !memcmp(bytes, compressed[i].begin, strlen(compressed[i].begin)))
			return skt_err_set(err, -EBADMSG, "not a recording but compressed with %s: uncompress it first",
					   compressed[i].name);
	return skt_err_set(err, -EBADMSG, "not a recording");
}

int header_fixed_get(const void *bytes, size_t length, struct skt_header *ret, uint8_t ret_sync[8], size_t *ret_length,
		     struct skt_err *err)
{
	struct skt_header header = { 0 };
	struct cur in, checksum;
	int rc;

	cur_init(&in, bytes, length);
	if (length < sizeof(magic) || memcmp(cur_bytes(&in, sizeof(magic)), magic, sizeof(magic)))
		return not_a_recording(bytes, length, err);
	header.major = cur_le16(&in);
	if (in.bad)
		return skt_err_set(err, -ENODATA, "file ends inside the header");
	if (header.major != SKT_MAJOR)
		return skt_err_set(err, -EPROTONOSUPPORT, "recording has format version %u, this program reads %u",
				   header.major, SKT_MAJOR);
	if (length < HEADER_FIXED_SIZE)
		return skt_err_set(err, -ENODATA, "file ends inside the header");
	checksum = in;
	cur_bytes(&checksum, HEADER_FIXED_SIZE - 4 - cur_offset(&checksum));
	if (cur_le32(&checksum) != crc32(0, bytes, HEADER_FIXED_SIZE - 4))
		return skt_err_set(err, -EBADMSG, "header is damaged: its checksum is wrong");
	rc = get_fixed(&in, &header, ret_sync, ret_length, err);
	if (!rc)
		*ret = header;
	return rc;
}

/* 0, -EBADMSG, -ENOMEM. */
static int get_fact(struct cur *in, struct skt_header *header, size_t *have)
{
	size_t name_len = cur_le16(in), value_len = cur_le32(in);
	const unsigned char *name = cur_bytes(in, name_len), *value = cur_bytes(in, value_len);
	char *text;

	if (!name || !value || memchr(name, 0, name_len) || memchr(value, 0, value_len))
		return -EBADMSG;
	if (array_room(&header->facts, have, header->n_facts + 1, sizeof(*header->facts)))
		return -ENOMEM;
	/* one allocation holds both: name NUL value NUL */
	text = malloc(name_len + value_len + 2);
	if (!text)
		return -ENOMEM;
	memcpy(text, name, name_len);
	text[name_len] = '\0';
	memcpy(text + name_len + 1, value, value_len);
	text[name_len + 1 + value_len] = '\0';
	header->facts[header->n_facts].name = text;
	header->facts[header->n_facts++].value = text + name_len + 1;
	return 0;
}

int header_facts_get(const void *bytes, size_t length, struct skt_header *header, struct skt_err *err)
{
	struct cur in, facts;
	size_t have = 0;
	int rc = 0;

	cur_init(&in, bytes, length);
	cur_bytes(&in, HEADER_FIXED_SIZE);
	facts = cur_part(&in, length - HEADER_FIXED_SIZE - 4);
	if (cur_le32(&in) != crc32(0, bytes, (uInt)(length - 4)))
		rc = -EBADMSG;
	while (!rc && cur_left(&facts))
		rc = get_fact(&facts, header, &have);
	if (!rc)
		return 0;
	header_release(header);
	header->facts_damaged = rc == -EBADMSG;
	return rc == -EBADMSG ? 0 : skt_err_set(err, rc, "out of memory");
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

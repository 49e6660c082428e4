/* SPDX-License-Identifier: MIT */
#include "query/tuple.h"

#include <arpa/inet.h>
#include <string.h>

/* In the order in which values of different kinds would stand: only MINUS and PLUS ever meet, and null. */
enum tag { TAG_MINUS, TAG_PLUS, TAG_TIME, TAG_TEXT, TAG_FROM, TAG_NULL };

#define ADDRESS_HEAD 17

static void put_u64(enum tag tag, uint64_t number, struct skt_buf *out)
{
	skt_buf_byte(out, (unsigned char)tag);
	skt_buf_add(out, &number, sizeof(number));
}

/* As it is written, for rows that were kept have nothing else. */
static void put_address(const struct skt_value *value, struct skt_buf *out)
{
	unsigned char address[16] = { 0 };
	char text[SKT_ADDRESS_SIZE];
	size_t text_len = value->len < sizeof(text) ? value->len : sizeof(text) - 1;
	uint32_t len = ADDRESS_HEAD + (uint32_t)value->len;
	bool ipv6;

	memcpy(text, value->text, text_len);
	text[text_len] = '\0';
	ipv6 = strchr(text, ':');
	inet_pton(ipv6 ? AF_INET6 : AF_INET, text, address);
	skt_buf_byte(out, TAG_FROM);
	skt_buf_add(out, &len, sizeof(len));
	skt_buf_byte(out, ipv6 ? 6 : 4);
	skt_buf_add(out, address, sizeof(address));
	skt_buf_add(out, value->text, value->len);
}

static void put(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out)
{
	struct skt_value value;
	uint32_t len;

	if ((field->of_process && !row->process) || field->type == SKT_TYPE_OWNERS ||
	    field->type == SKT_TYPE_CANDIDATES || !skt_field_get(field, row, &value)) {
		skt_buf_byte(out, TAG_NULL);
		return;
	}
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		put_u64(value.negative ? TAG_MINUS : TAG_PLUS, value.number, out);
		break;
	case SKT_TYPE_BOOL:
	case SKT_TYPE_GAPS:
	case SKT_TYPE_FIELDS:
	case SKT_TYPE_SOCKET:
	case SKT_TYPE_OWNERS:
	case SKT_TYPE_CANDIDATES:
		put_u64(TAG_PLUS, value.number, out);
		break;
	case SKT_TYPE_TIME:
		put_u64(TAG_TIME, (uint64_t)value.time, out);
		break;
	case SKT_TYPE_WORD:
	case SKT_TYPE_WORDS:
	case SKT_TYPE_BYTES:
	case SKT_TYPE_ARGV:
		if (field->is_address) {
			put_address(&value, out);
			break;
		}
		/* at most SKT_STRING_MAX */
		len = (uint32_t)value.len;
		skt_buf_byte(out, TAG_TEXT);
		skt_buf_add(out, &len, sizeof(len));
		skt_buf_add(out, value.text, value.len);
		break;
	}
}

void tuple_put(const struct skt_view *fields, const struct skt_row *row, struct skt_buf *out)
{
	for (size_t i = 0; i < fields->n; i++)
		put(fields->fields[i], row, out);
}

static uint64_t number_at(const unsigned char *at)
{
	uint64_t number;

	memcpy(&number, at + 1, sizeof(number));
	return number;
}

static uint32_t len_at(const unsigned char *at)
{
	uint32_t len;

	memcpy(&len, at + 1, sizeof(len));
	return len;
}

static const unsigned char *next(const unsigned char *at)
{
	switch (*at) {
	case TAG_NULL:
		return at + 1;
	case TAG_TEXT:
	case TAG_FROM:
		return at + 1 + sizeof(uint32_t) + len_at(at);
	default:
		return at + 1 + sizeof(uint64_t);
	}
}

bool tuple_is_whole(const unsigned char *tuple, size_t len, size_t n)
{
	const unsigned char *at = tuple, *end = tuple + len;

	while (n--) {
		size_t left = (size_t)(end - at), text = sizeof(uint32_t) + 1;

		if (!left || *at > TAG_NULL)
			return false;
		if (*at == TAG_TEXT || *at == TAG_FROM) {
			if (left < text || len_at(at) > left - text || (*at == TAG_FROM && len_at(at) < ADDRESS_HEAD))
				return false;
		} else if (*at != TAG_NULL && left < 1 + sizeof(uint64_t)) {
			return false;
		}
		at = next(at);
	}
	return at == end;
}

static int compare_text(const unsigned char *a, const unsigned char *b)
{
	size_t a_len = len_at(a), b_len = len_at(b);
	int by = memcmp(a + 5, b + 5, a_len < b_len ? a_len : b_len);

	return by ? by : (a_len > b_len) - (a_len < b_len);
}

static int compare_one(const unsigned char *a, const unsigned char *b)
{
	uint64_t x, y;

	if (*a != *b)
		return *a < *b ? -1 : 1;
	if (*a == TAG_NULL)
		return 0;
	if (*a == TAG_TEXT || *a == TAG_FROM)
		return compare_text(a, b);
	x = number_at(a);
	y = number_at(b);
	if (*a == TAG_TIME)
		return ((int64_t)x > (int64_t)y) - ((int64_t)x < (int64_t)y);
	return *a == TAG_MINUS ? (x < y) - (x > y) : (x > y) - (x < y);
}

int tuple_compare(const unsigned char *a, const unsigned char *b, size_t n, const bool *falling)
{
	for (size_t i = 0; i < n; i++, a = next(a), b = next(b)) {
		int by = compare_one(a, b);

		if (by && falling && falling[i] && *a != TAG_NULL && *b != TAG_NULL)
			by = -by;
		if (by)
			return by;
	}
	return 0;
}

bool tuple_get(const unsigned char *tuple, size_t i, struct skt_value *ret)
{
	while (i--)
		tuple = next(tuple);
	switch (*tuple) {
	case TAG_NULL:
		return false;
	case TAG_TEXT:
		ret->len = len_at(tuple);
		ret->text = (const char *)tuple + 5;
		return true;
	case TAG_FROM:
		ret->len = len_at(tuple) - ADDRESS_HEAD;
		ret->text = (const char *)tuple + 5 + ADDRESS_HEAD;
		return true;
	case TAG_TIME:
		ret->time = (int64_t)number_at(tuple);
		return true;
	default:
		ret->number = number_at(tuple);
		ret->negative = *tuple == TAG_MINUS;
		return true;
	}
}

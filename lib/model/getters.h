/* SPDX-License-Identifier: MIT */
#ifndef MODEL_GETTERS_H
#define MODEL_GETTERS_H

#include <skt/field.h>

#include <string.h>

/* What getters of fields return: each sets a value, and says that it is one. */

static inline bool set_number(struct skt_value *ret, uint64_t number)
{
	ret->number = number;
	ret->negative = false;
	return true;
}

static inline bool set_text(struct skt_value *ret, const char *text, size_t len)
{
	ret->text = text;
	ret->len = len;
	return true;
}

/* NULL is none. */
static inline bool set_word(struct skt_value *ret, const char *word)
{
	return word && set_text(ret, word, strlen(word));
}

/* Getters of plain members of the row's socket or process (field.c). */
bool field_unsigned(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret);
bool field_bool(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret);
bool field_string(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret);

#endif

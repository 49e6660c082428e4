/* SPDX-License-Identifier: MIT */
#include "query/filter.h"

#include "base/scan.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 64

/*
 * How large a pattern is once it is written out, and what of it may match nothing: of the group that is open and of
 * those around it, without their last parts, and of the last part. A repetition of what may match nothing says no more
 * than one without it, but takes glibc's regcomp() time that doubles with each: (a*){0,8}{0,8}+ takes minutes.
 */
struct group {
	uint32_t size;
	bool empty;	/* the parts of this alternative may all match nothing */
	bool one_empty; /* an alternative before may */
};

struct shape {
	struct group groups[GROUPS_MAX];
	unsigned depth;
	uint32_t last;
	bool last_empty;
	bool repeats_empty;
};

/* From behind a [ to behind its ], in which other signs mean nothing. */
static void skip_set(struct scan *s)
{
	s->at += scan_sees(s, '^');
	s->at += scan_sees(s, ']');
	while (!scan_at_end(s) && *s->at != ']') {
		char c = *s->at++, kind;

		if (c != '[' || scan_at_end(s) || !strchr(":.=", *s->at))
			continue;
		/* [:alpha:] [.ch.] [=e=] */
		kind = *s->at++;
		while (!scan_at_end(s) && !(*s->at == ']' && s->at[-1] == kind))
			s->at++;
		s->at += !scan_at_end(s);
	}
	s->at += !scan_at_end(s);
}

/*
 * {3} {3,} {3,7}: the greatest number in it, which is larger than may be where it is too large to matter by how much;
 * and whether the first is 0.
 */
static uint32_t take_times(struct scan *s, bool *ret_none)
{
	uint32_t most = 1, n = 0;

	*ret_none = scan_sees(s, ',') || scan_sees(s, '0');
	for (; !scan_at_end(s) && (*s->at == ',' || (*s->at >= '0' && *s->at <= '9')); s->at++) {
		n = *s->at == ',' ? 0 : n * 10 + (uint32_t)(*s->at - '0');
		if (n > SKT_FILTER_REGEX)
			n = SKT_FILTER_REGEX + 1;
		most = n > most ? n : most;
	}
	s->at += scan_sees(s, '}');
	return most;
}

static void begin_part(struct shape *shape, uint32_t size, bool empty)
{
	struct group *group = &shape->groups[shape->depth];

	group->size += size;
	group->empty &= shape->last_empty;
	shape->last = size;
	shape->last_empty = empty;
}

static void begin_group(struct shape *shape)
{
	shape->groups[shape->depth] = (struct group){ .empty = true };
	shape->last_empty = true;
}

static void end_alternative(struct shape *shape)
{
	struct group *group = &shape->groups[shape->depth];

	group->one_empty |= group->empty && shape->last_empty;
	group->empty = shape->last_empty = true;
}

static void repeat(struct shape *shape, uint32_t times, bool none)
{
	shape->repeats_empty |= shape->last_empty;
	shape->groups[shape->depth].size += shape->last * (times - 1);
	shape->last *= times;
	shape->last_empty |= none;
}

static void take_part(struct shape *shape, struct scan *s)
{
	char c = *s->at++;
	bool none = false;

	if (c == '(' && shape->depth + 1 < GROUPS_MAX) {
		begin_part(shape, 0, true);
		shape->depth++;
		begin_group(shape);
	} else if (c == ')' && shape->depth) {
		end_alternative(shape);
		shape->last = shape->groups[shape->depth].size;
		shape->last_empty = shape->groups[shape->depth].one_empty;
		shape->groups[--shape->depth].size += shape->last;
	} else if (c == '{') {
		uint32_t times = take_times(s, &none);

		repeat(shape, times, none);
	} else if (c == '+') {
		/* x+ is written out as xx* */
		repeat(shape, 2, false);
	} else if (c == '*' || c == '?') {
		repeat(shape, 1, true);
	} else if (c == '|') {
		begin_part(shape, 1, true);
		end_alternative(shape);
	} else {
		bool escape = c == '\\' && !scan_at_end(s);

		/* the edges of lines and, of glibc's own, of words */
		if (escape)
			c = *s->at++;
		else if (c == '[')
			skip_set(s);
		begin_part(shape, 1, escape ? strchr("bB<>`'", c) != NULL : c == '^' || c == '$');
	}
}

/* What of a pattern could take all memory or time, or NULL. */
static const char *judge(const char *text, size_t len)
{
	struct scan s = scan_of(text, len);
	struct shape shape = { .last = 1 };

	if (len > SKT_FILTER_REGEX)
		return "a regular expression of at most 1024 bytes";
	if (memchr(text, '\0', len))
		return "a regular expression without NUL";
	begin_group(&shape);
	while (!scan_at_end(&s)) {
		if (*s.at == '\\' && s.end - s.at > 1 && s.at[1] >= '1' && s.at[1] <= '9')
			return "a regular expression without \\1 to \\9, which POSIX's extended ones do not have";
		if (*s.at == '(' && shape.depth + 1 == GROUPS_MAX)
			return "a regular expression with fewer brackets in brackets";
		take_part(&shape, &s);
		if (shape.groups[shape.depth].size > SKT_FILTER_REGEX)
			return "a regular expression of at most 1024 signs once its {numbers} are written out";
		if (shape.repeats_empty)
			return "a regular expression that repeats nothing that may be empty: a*, not (a*)*";
	}
	return NULL;
}

/* Between arguments stands NUL, which `.` does not match, and where people see a blank. */
static unsigned char *nul_is_blank(void)
{
	unsigned char *table = malloc(256);

	for (int i = 0; table && i < 256; i++)
		table[i] = (unsigned char)(i ? i : ' ');
	return table;
}

const char *regex_compile(const struct skt_field_info *field, const struct value *pattern, regex_t **ret,
			  char room[128])
{
	const char *expected = judge(pattern->text, pattern->len);
	regex_t *regex;
	int rc;

	*ret = NULL;
	if (expected)
		return expected;
	regex = calloc(1, sizeof(*regex));
	if (!regex)
		return NULL;
	rc = regcomp(regex, pattern->text, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, regex, room, 128);
		free(regex);
		return rc == REG_ESPACE ? NULL : room;
	}
	if (field->type == SKT_TYPE_ARGV) {
		/*
		 * glibc's own member, freed by regfree(3): the only way to have bytes taken for others without a copy
		 */
		regex->translate = nul_is_blank();
		if (!regex->translate) {
			regex_free(regex);
			return NULL;
		}
	}
	*ret = regex;
	return NULL;
}

void regex_free(regex_t *regex)
{
	if (regex)
		regfree(regex);
	free(regex);
}

enum skt_truth regex_find(const regex_t *regex, const char *text, size_t len)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)len };
	int rc = regexec(regex, text, 0, &range, REG_STARTEND);

	return !rc ? SKT_TRUE : rc == REG_NOMATCH ? SKT_FALSE : SKT_UNKNOWN;
}

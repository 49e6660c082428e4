/* SPDX-License-Identifier: MIT */
#include "query/filter.h"

#include "base/scan.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 64

/* How large a pattern is once it is written out: of the group that is open, of those around it, and of its last part. */
struct size {
	uint32_t groups[GROUPS_MAX];
	unsigned depth;
	uint32_t last;
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

/* {3} {3,} {3,7}: the greatest number in it, which is larger than may be where it is too large to matter by how much. */
static uint32_t take_times(struct scan *s)
{
	uint32_t most = 1, n = 0;

	for (; !scan_at_end(s) && (*s->at == ',' || (*s->at >= '0' && *s->at <= '9')); s->at++) {
		n = *s->at == ',' ? 0 : n * 10 + (uint32_t)(*s->at - '0');
		if (n > SKT_FILTER_REGEX)
			n = SKT_FILTER_REGEX + 1;
		most = n > most ? n : most;
	}
	s->at += scan_sees(s, '}');
	return most;
}

static void take_part(struct size *size, struct scan *s)
{
	uint32_t *group = &size->groups[size->depth];
	char c = *s->at++;

	if (c == '(' && size->depth + 1 < GROUPS_MAX) {
		size->groups[++size->depth] = 0;
	} else if (c == ')' && size->depth) {
		size->last = *group;
		size->groups[--size->depth] += size->last;
	} else if (c == '{' || c == '+') {
		/* x+ is written out as xx* */
		uint32_t times = c == '+' ? 2 : take_times(s);

		*group += size->last * (times - 1);
		size->last *= times;
	} else {
		if (c == '[')
			skip_set(s);
		else if (c == '\\' && !scan_at_end(s))
			s->at++;
		size->last = 1;
		++*group;
	}
}

/* What of a pattern could take all memory or time, or NULL. */
static const char *judge(const char *text, size_t len)
{
	struct scan s = scan_of(text, len);
	struct size size = { .last = 1 };

	if (len > SKT_FILTER_REGEX)
		return "a regular expression of at most 1024 bytes";
	if (memchr(text, '\0', len))
		return "a regular expression without NUL";
	while (!scan_at_end(&s)) {
		if (*s.at == '\\' && s.end - s.at > 1 && s.at[1] >= '1' && s.at[1] <= '9')
			return "a regular expression without \\1 to \\9, which POSIX's extended ones do not have";
		if (*s.at == '(' && size.depth + 1 == GROUPS_MAX)
			return "a regular expression with fewer brackets in brackets";
		take_part(&size, &s);
		if (size.groups[size.depth] > SKT_FILTER_REGEX)
			return "a regular expression of at most 1024 signs once its {numbers} are written out";
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
		/* glibc's own member, freed by regfree(3): the only way to have bytes taken for others without a copy */
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

/* SPDX-License-Identifier: MIT */
#include "query/filter.h"

#include "base/scan.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line: 0 at its end. */
static size_t next_word(struct scan *line, const char **ret)
{
	while (!scan_at_end(line) && is_blank(*line->at))
		line->at++;
	*ret = line->at;
	while (!scan_at_end(line) && !is_blank(*line->at))
		line->at++;
	return (size_t)(line->at - *ret);
}

static bool is_word(const char *word, size_t n, const char *name, size_t len)
{
	return n == len && !memcmp(word, name, len);
}

/* ssh 22/tcp alias alias ... */
static void take_line(struct scan line, const char *name, size_t len, int32_t ret[2])
{
	const char *word;
	size_t n = next_word(&line, &word);
	bool named = is_word(word, n, name, len);
	struct scan port;
	uint64_t number;
	int which;

	n = next_word(&line, &word);
	port = scan_of(word, n);
	number = scan_decimal(&port, UINT16_MAX);
	if (port.bad)
		return;
	if (is_word(port.at, (size_t)(port.end - port.at), "/tcp", 4))
		which = 0;
	else if (is_word(port.at, (size_t)(port.end - port.at), "/udp", 4))
		which = 1;
	else
		return;
	while (!named && (n = next_word(&line, &word)))
		named = is_word(word, n, name, len);
	if (named && ret[which] < 0)
		ret[which] = (int32_t)number;
}

void services_find(const char *services, size_t services_len, const char *name, size_t len, int32_t ret[2])
{
	struct scan text = scan_of(services, services ? services_len : 0);

	ret[0] = ret[1] = -1;
	while (!scan_at_end(&text)) {
		const char *start;
		size_t n = scan_until(&text, '\n', &start);
		struct scan line = scan_of(start, n);

		if (!scan_at_end(&text))
			text.at++;
		n = scan_until(&line, '#', &start);
		line = scan_of(start, n);
		take_line(line, name, len, ret);
	}
}

/* SPDX-License-Identifier: MIT */
#include "expression.h"

#include "cli.h"
#include "clocks.h"
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICES     "/etc/services"
#define SERVICES_MAX (16u << 20) /* Debian's has 13 KiB; all that IANA knows of has 1 MiB */

/* Not by getservbyname(3): a module of nsswitch.conf(5) may ask the network. Without the file ports have no names. */
static void read_services(struct skt_buf *out)
{
	int fd = open(SERVICES, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0 && out->len < SERVICES_MAX) {
		void *room = skt_buf_room(out, 65536);

		n = room ? read(fd, room, 65536) : 0;
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
}

static void tell_reading(const struct skt_filter *filter)
{
	struct skt_buf text;

	if (skt_filter_is_escaped(filter))
		cli_say("a value with a backslash is taken as it stands; one that was printed with it means what was "
			"recorded between double quotes, as in 'comm = \"...\"'");
	if (!skt_filter_is_mixed(filter))
		return;
	skt_buf_init(&text);
	skt_filter_format(filter, &text);
	skt_buf_byte(&text, '\0');
	if (!text.failed)
		cli_say("as in ss, 'and' and 'or' bind alike, and states in front are about all of it; this is read "
			"as: %s",
			(char *)text.data);
	skt_buf_release(&text);
}

static bool looks_like_path(const char *word)
{
	return strpbrk(word, "./@") && !strpbrk(word, " \t\n=<>!~()&|'\"");
}

static bool is_recording(const char *word)
{
	size_t len = strlen(word);
	struct stat status;

	return len > 4 && !strcmp(word + len - 4, ".skt") && !lstat(word, &status);
}

_Noreturn static void refuse_file(const char *file, const char *before)
{
	cli_usage("'%s' is a file, and stands behind '%s', which is none: files come first", file, before);
}

/* A recording somewhere behind words[0], which is no file. Other files may be values: exe /usr/bin/curl */
static void refuse_recordings(char *const *words, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (is_recording(words[i]))
			refuse_file(words[i], words[0]);
}

/* With this host's services. As skt_filter_parse(). */
static int parse(char *const *words, size_t n, enum skt_zone zone, bool flows, struct skt_filter **ret,
		 struct skt_err *err)
{
	struct skt_filter_names names = { .zone = zone, .flows = flows, .now = clock_ns(CLOCK_REALTIME) };
	struct skt_buf services;
	int rc;

	skt_buf_init(&services);
	read_services(&services);
	names.services = (char *)services.data;
	names.services_len = services.len;
	rc = skt_filter_parse(words, n, &names, ret, err);
	skt_buf_release(&services);
	return rc;
}

static bool is_expression(char *const *words, size_t n)
{
	struct skt_filter *filter = NULL;
	struct skt_err err;
	bool is = !parse(words, n, SKT_ZONE_UTC, true, &filter, &err);

	skt_filter_free(filter);
	return is;
}

void expression_check_first(char *const *operands, size_t n)
{
	if (!n || recording_exists(operands[0]) || looks_like_path(operands[0]))
		return;
	refuse_recordings(operands, n);
	if (n > 1 && recording_exists(operands[1]))
		refuse_file(operands[1], operands[0]);
	if (*operands[0] && is_expression(operands, n))
		cli_usage("'%s%s' is an expression, and no recording stands in front of it", operands[0],
			  n > 1 ? " ..." : "");
}

size_t expression_find(char *const *operands, size_t n, bool have_one)
{
	size_t at = 0;

	/* it is taken for one, and opening it tells; not so where all that is behind would be shown, and for nothing */
	if (!have_one && n && !recording_exists(operands[0])) {
		expression_check_first(operands, n);
		at = 1;
	}
	while (at < n && recording_exists(operands[at]))
		at++;
	return at;
}

/* What is wrong, of words that are no expression: often a name that was mistyped, or stands in the wrong place. */
_Noreturn static void refuse(char *const *words, size_t n, const struct skt_err *err)
{
	const char *time = words[0] + (words[0][0] == '@');

	if (recording_exists(words[0]))
		cli_usage("'%s' is a file too many, and no expression", words[0]);
	if (skt_time_is(time))
		cli_usage("'%s' is an instant: it stands right behind the recording that it is of, as in REC@%s",
			  words[0], time);
	if (looks_like_path(words[0]))
		cli_usage("'%s' is neither a file nor an expression: %s", words[0], err->message);
	refuse_recordings(words, n);
	cli_usage("'%s%s' is read as an expression: %s", words[0], n > 1 ? " ..." : "", err->message);
}

struct skt_filter *expression_read(char *const *words, size_t n, enum skt_zone zone, bool flows)
{
	struct skt_filter *filter = NULL;
	struct skt_err err;
	int rc = parse(words, n, zone, flows, &filter, &err);

	if (rc == -EINVAL)
		refuse(words, n, &err);
	if (rc) {
		cli_err(&err);
		exit(CLI_TROUBLE);
	}
	tell_reading(filter);
	return filter;
}

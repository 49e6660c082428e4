/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "status.h"

#include <skt/escape.h>
#include <skt/nearest.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

static const struct cli *the_tool;
static bool output_failed;
static int trouble = CLI_TROUBLE;

void cli_trouble_is(int status)
{
	trouble = status;
}

int cli_trouble(void)
{
	return trouble;
}

void cli_begin(const struct cli *cli)
{
	the_tool = cli;
	/*
	 * where a standard descriptor is closed, the next file opened would take its place, and messages go into it: it
	 * is given one that cannot be used as it should, so that using it is still the failure it was
	 */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			exit(trouble);
}

void cli_line(struct skt_buf *out, const char *text)
{
	skt_escape(out, text, strlen(text));
	skt_buf_byte(out, '\n');
}

/* Print a line on stderr: the tool's name, and text that may be hostile. */
static void say(const char *text)
{
	struct skt_buf line;

	status_clear();
	skt_buf_init(&line);
	skt_buf_text(&line, the_tool->tool);
	skt_buf_text(&line, ": ");
	cli_line(&line, text);
	if (!line.failed)
		fwrite(line.data, 1, line.len, stderr);
	skt_buf_release(&line);
}

__attribute__((format(printf, 1, 0))) static void say_format(const char *format, va_list args)
{
	va_list again;
	char *text = NULL;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n >= 0)
		text = malloc((size_t)n + 1);
	if (text) {
		vsnprintf(text, (size_t)n + 1, format, args);
		say(text);
	}
	free(text);
}

void cli_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_format(format, args);
	va_end(args);
}

_Noreturn void cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_format(format, args);
	va_end(args);
	fprintf(stderr, "Try '%s --help'.\n", the_tool->tool);
	exit(trouble);
}

void cli_err(const struct skt_err *err)
{
	char position[32] = "";

	if (err->position >= 0)
		snprintf(position, sizeof(position), ":%" PRId64, err->position);
	if (err->path[0])
		cli_say("%s%s: %s", err->path, position, err->message);
	else
		cli_say("%s", err->message);
}

static void help(const struct cli *cli)
{
	printf("Usage: %s %s\n%s\n\n", cli->tool, cli->usage, cli->about);
	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *option = &cli->options[i];
		char left[64];
		int n = 0;

		if (option->letter)
			n = snprintf(left, sizeof(left), "  -%c%s", option->letter, option->name ? ", " : "");
		else
			n = snprintf(left, sizeof(left), "      ");
		if (option->name)
			n += snprintf(left + n, sizeof(left) - (size_t)n, "--%s", option->name);
		if (option->argument && *option->argument == '[')
			snprintf(left + n, sizeof(left) - (size_t)n, "[=%s", option->argument + 1);
		else if (option->argument)
			snprintf(left + n, sizeof(left) - (size_t)n, "%s%s", option->name ? "=" : " ",
				 option->argument);
		printf("%-26s  %s\n", left, option->help);
	}
	printf("%-26s  %s\n", "      --help", "print this and exit");
	printf("%-26s  %s\n", "      --version", "print the version and exit");
	printf("\nExit status: %s. See %s(1).\n", cli->exits, cli->tool);
}

/* What getopt stumbled over, as it was typed. */
static const char *typed(char **argv)
{
	static char letter[3] = "-";

	if (!optopt || optopt >= UCHAR_MAX)
		return argv[optind - 1];
	letter[1] = (char)optopt;
	return letter;
}

/* How many long options begin with what was typed. */
static unsigned begin_with(const struct cli *cli, const char *text)
{
	size_t len = strcspn(text, "=");
	unsigned n = 0;

	if (strncmp(text, "--", 2) != 0)
		return 0;
	for (size_t i = 0; i < cli->n_options; i++)
		n += cli->options[i].name && !strncmp(cli->options[i].name, text + 2, len - 2);
	return n + !strncmp("help", text + 2, len - 2) + !strncmp("version", text + 2, len - 2);
}

enum { HELP = UCHAR_MAX + 1, VERSION, FIRST };

static int argument_kind(const struct cli_option *option)
{
	if (!option->argument)
		return no_argument;
	return *option->argument == '[' ? optional_argument : required_argument;
}

_Noreturn static void no_option(const struct cli *cli, const char *word)
{
	struct skt_nearest nearest;
	char room[SKT_NEAREST_ROOM];

	/* "--fomat=json"; of one letter none is near */
	skt_nearest_begin(&nearest, word + 2, word[1] == '-' ? strcspn(word + 2, "=") : 0);
	for (size_t i = 0; i < cli->n_options; i++)
		if (cli->options[i].name)
			skt_nearest_offer(&nearest, cli->options[i].name);
	cli_usage("there is no option '%s'%s%s", word, skt_nearest_text(&nearest, "--", room),
		  cli->behind ? cli->behind : "");
}

int cli_next(const struct cli *cli, int argc, char **argv, const char **ret_argument)
{
	struct option longs[64];
	char shorts[128] = ":";
	size_t n_longs = 0, n_shorts = 1;
	int found;

	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *option = &cli->options[i];

		if (option->letter) {
			shorts[n_shorts++] = (char)option->letter;
			if (option->argument)
				shorts[n_shorts++] = ':';
		}
		if (option->name)
			longs[n_longs++] = (struct option){ option->name, argument_kind(option), NULL, FIRST + (int)i };
	}
	shorts[n_shorts] = '\0';
	longs[n_longs++] = (struct option){ "help", 0, NULL, HELP };
	longs[n_longs++] = (struct option){ "version", 0, NULL, VERSION };
	longs[n_longs] = (struct option){ NULL, 0, NULL, 0 };
	opterr = 0;
	optopt = 0;
	found = getopt_long(argc, argv, shorts, longs, NULL);
	*ret_argument = optarg;
	switch (found) {
	case -1:
		return -1;
	case HELP:
		help(cli);
		exit(cli_end(CLI_YES));
	case VERSION:
		printf("%s %s\n", cli->tool, SKT_VERSION);
		exit(cli_end(CLI_YES));
	case ':':
		cli_usage("option '%s' needs an argument", typed(argv));
	case '?':
		if (optopt >= HELP)
			cli_usage("option '%s' takes no argument", argv[optind - 1]);
		if (begin_with(cli, typed(argv)) > 1)
			cli_usage("option '%s' is short for several", typed(argv));
		no_option(cli, typed(argv));
	default:
		break;
	}
	if (found >= FIRST)
		return found - FIRST;
	for (size_t i = 0; i < cli->n_options; i++)
		if (cli->options[i].letter == found)
			return (int)i;
	return -1;
}

static void output_trouble(int error)
{
	if (!output_failed)
		cli_say("cannot write to standard output: %s", strerror(error));
	output_failed = true;
}

void cli_write(struct skt_buf *buf)
{
	if (buf->failed) {
		cli_say("out of memory");
		output_failed = true;
	} else if (!output_failed && buf->len && fwrite(buf->data, 1, buf->len, stdout) < buf->len) {
		output_trouble(errno);
	}
	skt_buf_clear(buf);
}

bool cli_flush(void)
{
	if (!output_failed && (fflush(stdout) || ferror(stdout)))
		output_trouble(errno);
	return !output_failed;
}

int cli_end(int status)
{
	cli_flush();
	return output_failed ? trouble : status;
}

unsigned cli_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

void cli_hex(const uint8_t *bytes, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

void cli_random(void *bytes, size_t len)
{
	if (getrandom(bytes, len, 0) != (ssize_t)len) {
		cli_say("cannot get random bytes: %s", strerror(errno));
		exit(trouble);
	}
}

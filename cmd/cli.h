/* SPDX-License-Identifier: MIT */
#ifndef CLI_H
#define CLI_H

#include <skt/buf.h>
#include <skt/err.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stddef.h>

/* What the tools' command lines share: options and their help, messages, exit status, checked output. */

/* Exit status: yes; no (different, nothing matched); trouble or cannot say. */
enum { CLI_YES = 0, CLI_NO = 1, CLI_TROUBLE = 2 };

/* One table of these is both the parser and --help. */
struct cli_option {
	int letter;	      /* 'o' for -o; 0: no short form */
	const char *name;     /* "output"; NULL: no long form */
	const char *argument; /* "FILE"; "[FILE]": may be left out; NULL: takes none */
	const char *help;
};

struct cli {
	const char *tool;
	const char *usage;  /* what follows the name: "[-o FILE] ..." */
	const char *about;  /* one sentence */
	const char *exits;  /* "0 yes, 1 no, ..." */
	const char *behind; /* of an option that there is none of: where else it may belong; NULL: nowhere */
	const struct cli_option *options;
	size_t n_options;
};

/* Call first: messages carry the tool's name. */
void cli_begin(const struct cli *cli);

/*
 * From now on another exit status than CLI_TROUBLE says that there was trouble: it would be taken for that of a
 * command.
 */
void cli_trouble_is(int status);
int cli_trouble(void);

/*
 * The next option on the command line: its index in the table, with its argument in *ret_argument; -1 after the last
 * one, when operands begin at argv[optind]. --help and --version are dealt with here, and so is a wrong option: one
 * line, "Try ...", exit 2.
 */
int cli_next(const struct cli *cli, int argc, char **argv, const char **ret_argument);

/* A mistake on the command line: the message, "Try 'TOOL --help'.", exit 2. */
_Noreturn void cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A message on stderr, with the tool's name before it. Bytes that could harm a terminal are escaped. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what the library says: TOOL: PATH:POSITION: MESSAGE. */
void cli_err(const struct skt_err *err);

/* Append a line of text that may be hostile, escaped. */
void cli_line(struct skt_buf *out, const char *text);

/* Write to stdout and empty the buffer; a failure is told once, and makes cli_end() trouble. */
void cli_write(struct skt_buf *buf);

/* What was written, to those who wait for it. false: it cannot be written. */
bool cli_flush(void);

/* Flush stdout and return the exit status: the one given, or trouble where output failed. */
int cli_end(int status);

/* Columns of the terminal that stdout is, 0 where it is none. */
unsigned cli_width(void);

/* Bytes in hex; ret has room for two digits a byte and NUL. */
void cli_hex(const uint8_t *bytes, size_t len, char *ret);

/* Read an option's argument, or complain and exit 2. */
int64_t cli_duration(const char *option, const char *text);
const char *cli_name(const char *option, const char *text, const char *what); /* not ''; what: "file" */
int64_t cli_signed(const char *option, const char *text, int64_t least, int64_t most);
uint64_t cli_size(const char *option, const char *text);    /* bytes: 64M, 2G, 512K, in powers of 1024, or plain */
uint32_t cli_percent(const char *option, const char *text); /* 5%, 0.5%: millionths, at most a million */
uint64_t cli_number(const char *option, const char *text, uint64_t least, uint64_t most);
double cli_factor(const char *option, const char *text); /* 60, 0.5: from a thousandth to a million */

/* Whether this machine knows a zone of that name. */
bool cli_is_zone(const char *name);

/* --tz: sets the process's zone (TZ) and says which one times are read and printed in. */
enum skt_zone cli_zone(const char *name);

/* Random bytes from the kernel; trouble (exit 2) where there are none. */
void cli_random(void *bytes, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <skt/escape.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR "\r\033[K"

static bool is_shown;

void status_show(const char *text)
{
	size_t len = strlen(text), columns;
	struct winsize size;
	const char *cut = "";

	if (!isatty(STDERR_FILENO))
		return;
	/* what reaches the last column may begin another line, which the next one would not take the place of */
	columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 3 ? 80 : size.ws_col;
	if (skt_escape_width(text, len) >= columns) {
		len = skt_escape_fit(text, len, columns - 2);
		cut = "\xe2\x80\xa6";
	}
	fprintf(stderr, "\r%.*s%s\033[K", (int)len, text, cut);
	is_shown = true;
}

void status_clear(void)
{
	/* a child may have inherited that it is shown, and write elsewhere */
	if (is_shown && isatty(STDERR_FILENO))
		fputs(CLEAR, stderr);
	is_shown = false;
}

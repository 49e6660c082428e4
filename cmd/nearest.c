/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include <skt/shape.h>

#include <string.h>

/* Names without their dashes, as those of fields: two letters more in each would make all of them more alike. */
static const char *find(const struct cli *cli, const char *name, char room[SKT_NEAREST_ROOM])
{
	struct skt_field_info names[SKT_VIEW_FIELDS];
	struct skt_view view = { .n = 0 };

	for (size_t i = 0; i < cli->n_options && view.n < SKT_VIEW_FIELDS; i++) {
		if (!cli->options[i].name)
			continue;
		names[view.n] = (struct skt_field_info){ .name = cli->options[i].name };
		view.fields[view.n] = &names[view.n];
		view.n++;
	}
	return skt_view_nearest(&view, name, strcspn(name, "="), room);
}

const char *nearest_option(const struct cli *cli, const char *typed)
{
	/* three names at most, each with two dashes before it */
	static char text[SKT_NEAREST_ROOM + 6 + 1];
	char room[SKT_NEAREST_ROOM];
	size_t n = 0;

	text[0] = '\0';
	if (strncmp(typed, "--", 2) != 0)
		return text;
	for (const char *at = find(cli, typed + 2, room); *at; at++) {
		text[n++] = *at;
		if (*at == ' ' && (at[-1] == ':' || at[-1] == ',')) {
			text[n++] = '-';
			text[n++] = '-';
		}
	}
	text[n] = '\0';
	return text;
}

/* SPDX-License-Identifier: MIT */
#ifndef SKT_NEAREST_H
#define SKT_NEAREST_H

#include <stddef.h>

/*
 * Which names may have been meant by one that there is none of. Begin with what was written, offer each name that there
 * is, and ask for the text. Of names that are as near those come first that were offered first.
 */
struct skt_nearest {
	const char *name;
	size_t len;
	const char *near[3]; /* NULL: there are not so many; borrowed */
	size_t unlike[3];
};

/* name is borrowed. */
void skt_nearest_begin(struct skt_nearest *nearest, const char *name, size_t len);

/* A name of 32 letters at most, in lower case; a longer one is not near. */
void skt_nearest_offer(struct skt_nearest *nearest, const char *name);

/*
 * "; nearest: local_port, ..." into room, with `before` (such as --) before each; "" where none is near. Returns room.
 */
#define SKT_NEAREST_ROOM 128
const char *skt_nearest_text(const struct skt_nearest *nearest, const char *before, char room[SKT_NEAREST_ROOM]);

#endif

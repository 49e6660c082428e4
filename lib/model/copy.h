/* SPDX-License-Identifier: MIT */
#ifndef MODEL_COPY_H
#define MODEL_COPY_H

#include <skt/snapshot.h>

/*
 * String ids of one table turned into those of another, each looked up once. Between a table and itself nothing is
 * done.
 */
struct translation {
	const struct skt_strtab *from;
	struct skt_strtab *to;
	uint32_t *ids; /* UINT32_MAX: not yet; NULL: the tables are one */
};

int translation_init(struct translation *translation, const struct skt_strtab *from, struct skt_strtab *to);
void translation_release(struct translation *translation);

/* Replace the id: 0, -ENOMEM, -E2BIG. */
int translate(struct translation *translation, uint32_t *id);
int translate_process(struct translation *translation, struct skt_process *process);

#endif

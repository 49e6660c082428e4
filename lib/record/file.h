/* SPDX-License-Identifier: MIT */
#ifndef RECORD_FILE_H
#define RECORD_FILE_H

#include "record/block.h"

/* A block that stands whole in the file, by its head; its payload is not looked at before it is read. */
struct block {
	struct block_head head;
	uint64_t offset;
};

struct skt_file {
	int fd;
	char *name;
	struct skt_header header;
	uint8_t sync[8];
	struct block *blocks; /* keys and steps only */
	size_t n_blocks;
	size_t room;
	struct skt_span span;
	struct skt_err problem;
};

/* Read and check a block's payload into `payload` (emptied first). */
int file_read_block(const struct skt_file *file, const struct block *block, struct skt_buf *payload,
		    struct skt_err *err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PROC_HOST_H
#define PROC_HOST_H

#include <skt/capture.h>

#include "proc/tree.h"

/*
 * What the tree says of its host. What it does not say stays "", -1 and 0. text is for one file at a time. 0 or
 * -ENOMEM.
 */
int host_read(const struct tree *tree, struct skt_buf *text, struct skt_host *ret);

#endif

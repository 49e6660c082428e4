/* SPDX-License-Identifier: MIT */
#ifndef PROC_WRITE_HOST_H
#define PROC_WRITE_HOST_H

#include "proc/write_process.h"

/*
 * What a tree has of the host: sys/kernel/, stat and uptime as recorded; and in some form what known readers insist on
 * and nobody recorded. 0, or a negative errno with the error filled.
 */
int write_host(struct writing *w);

#endif

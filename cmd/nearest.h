/* SPDX-License-Identifier: MIT */
#ifndef NEAREST_H
#define NEAREST_H

#include "cli.h"

/*
 * What may have been meant by a long option that there is none of: "; nearest: --format, ...", or "" where none is near. typed is as it stood
 * on the command line, "--fomat=json". Borrowed until the next call.
 */
const char *nearest_option(const struct cli *cli, const char *typed);

#endif

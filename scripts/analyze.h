/* SPDX-License-Identifier: MIT */
/*
 * Put in front of each file that scripts/analyze has looked at: analysers see one file at a time, and so not that these
 * return the code that they are given, and that it is negative (errno is not 0). Without it all that fails through them
 * looks as if it might go on, with nothing in its outputs.
 */
#ifndef ANALYZE_H
#define ANALYZE_H

#include <skt/err.h>

static inline int analyzed_code(int code, int same)
{
	(void)same;
	if (code >= 0)
		__builtin_unreachable();
	return code;
}

#define skt_err_set(err, code, ...) analyzed_code(code, (skt_err_set)(err, code, __VA_ARGS__))
#define skt_err_sys(err, code, ...) analyzed_code(code, (skt_err_sys)(err, code, __VA_ARGS__))

#endif

/* SPDX-License-Identifier: MIT */
#include <skt/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void skt_err_init(struct skt_err *err)
{
	if (!err)
		return;
	err->code = 0;
	err->position = -1;
	err->path[0] = '\0';
	err->message[0] = '\0';
}

__attribute__((format(printf, 3, 0))) static void fill(struct skt_err *err, int code, const char *format, va_list args)
{
	skt_err_init(err);
	err->code = code;
	vsnprintf(err->message, sizeof(err->message), format, args);
}

int skt_err_set(struct skt_err *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;

		va_start(args, format);
		fill(err, code, format, args);
		va_end(args);
	}
	return code;
}

int skt_err_sys(struct skt_err *err, int code, const char *format, ...)
{
	if (err) {
		va_list args;
		size_t used;

		va_start(args, format);
		fill(err, code, format, args);
		va_end(args);
		used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(-code));
	}
	return code;
}

int skt_err_at(struct skt_err *err, const char *path, int64_t position)
{
	if (!err)
		return 0;
	if (path && !err->path[0] && strlen(path) < sizeof(err->path))
		snprintf(err->path, sizeof(err->path), "%s", path);
	else if (path && !err->path[0])
		/* of files of one directory the end is what tells them apart */
		snprintf(err->path, sizeof(err->path), "...%s", path + strlen(path) - (sizeof(err->path) - 4));
	if (position >= 0 && err->position < 0)
		err->position = position;
	return err->code;
}

/* SPDX-License-Identifier: MIT */
#include "proc/write_host.h"

#include <string.h>
#include <unistd.h>

/* ---- what was recorded ---- */

static int put_line(struct writing *w, int dir, const char *name, const char *text)
{
	/* what the recording does not say has no file, as if this kernel did not have it */
	if (!*text)
		return 0;
	skt_buf_clear(&w->text);
	skt_buf_printf(&w->text, "%s\n", text);
	return writing_text(w, dir, name);
}

/* sys/kernel and below. */
static int put_sys(struct writing *w)
{
	int sys, kernel = -1, random = -1, rc;

	strcpy(w->plant.where, "sys/");
	sys = plant_directory(&w->plant, w->dir, "sys");
	if (sys >= 0)
		kernel = plant_directory(&w->plant, sys, "kernel");
	strcpy(w->plant.where, "sys/kernel/");
	if (kernel >= 0)
		random = plant_directory(&w->plant, kernel, "random");
	rc = sys < 0 ? sys : kernel < 0 ? kernel : random < 0 ? random : 0;
	if (!rc)
		rc = put_line(w, kernel, "hostname", w->host->name);
	if (!rc)
		rc = put_line(w, kernel, "osrelease", w->host->kernel);
	if (!rc)
		rc = put_line(w, kernel, "ostype", "Linux");
	if (!rc)
		rc = put_line(w, kernel, "pid_max", "4194304");
	if (!rc)
		rc = put_line(w, random, "boot_id", w->host->boot_id);
	w->plant.where[0] = '\0';
	for (int i = 0, fds[] = { random, kernel, sys }; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc;
}

static int put_times(struct writing *w)
{
	const int64_t second = 1000000000;
	int64_t btime = w->host->btime > 0 ? w->host->btime / second : 0, up = w->snapshot->boottime;
	int rc;

	skt_buf_clear(&w->text);
	skt_buf_printf(&w->text,
		       "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime %lld\nprocesses 0\n"
		       "procs_running 0\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		       (long long)btime);
	rc = writing_text(w, w->dir, "stat");
	if (rc)
		return rc;
	skt_buf_clear(&w->text);
	skt_buf_printf(&w->text, "%lld.%02d 0.00\n", (long long)(up / second), (int)(up % second / 10000000));
	return writing_text(w, w->dir, "uptime");
}

/* ---- what readers insist on ---- */

/*
 * ps divides by MemTotal, so that there is none cannot be said: it is a number that nobody takes for one, and all of it
 * is free. One processor, as in stat. .skt-meta names these (zeros[] in meta.c).
 */
#define MEMORY "1073741824 kB\n"

static int put_made(struct writing *w)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "loadavg", "0.00 0.00 0.00 0/0 0\n" },
		{ "cpuinfo", "processor\t: 0\n\n" },
		{ "vmstat", "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n" },
		{ "meminfo", "MemTotal:       " MEMORY "MemFree:        " MEMORY "MemAvailable:   " MEMORY
			     "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n"
			     "Active:                0 kB\nInactive:              0 kB\nSwapTotal:             0 kB\n"
			     "SwapFree:              0 kB\nShmem:                 0 kB\nSlab:                  0 kB\n"
			     "SReclaimable:          0 kB\n" },
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(files) / sizeof(*files); i++)
		rc = plant_file(&w->plant, w->dir, files[i].name, files[i].text, strlen(files[i].text));
	return rc;
}

int write_host(struct writing *w)
{
	int rc = put_sys(w);

	if (!rc)
		rc = put_times(w);
	return rc ? rc : put_made(w);
}

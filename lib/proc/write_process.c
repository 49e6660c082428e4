/* SPDX-License-Identifier: MIT */
#include "proc/write_process.h"

#include "proc/identity.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int writing_text(struct writing *w, int dir, const char *name)
{
	int rc = skt_buf_status(&w->text);

	if (rc)
		return skt_err_sys(w->plant.err, rc, "cannot write '%s%s'", w->plant.where, name);
	return plant_file(&w->plant, dir, name, w->text.data, w->text.len);
}

int writing_namespace(struct writing *w, int dir, uint64_t net_namespace)
{
	int ns = plant_directory(&w->plant, dir, "ns"), rc;
	char target[32];

	if (ns < 0)
		return ns;
	snprintf(target, sizeof(target), "net:[%llu]", (unsigned long long)net_namespace);
	rc = plant_link(&w->plant, ns, "net", target);
	close(ns);
	return rc;
}

static bool has(const struct skt_process *process, enum skt_process_field field)
{
	return process->has & SKT_BIT(field);
}

/* A string of the process as a file. */
static int put_string(struct writing *w, int dir, const char *name, uint32_t id, bool newline)
{
	size_t len;
	const char *bytes = skt_strtab_get(w->snapshot->strings, id, &len);

	skt_buf_clear(&w->text);
	skt_buf_add(&w->text, bytes, len);
	if (newline)
		skt_buf_byte(&w->text, '\n');
	return writing_text(w, dir, name);
}

static int put_texts(struct writing *w, int dir, const struct skt_process *process)
{
	int rc;

	skt_buf_clear(&w->text);
	identity_text_stat(w->snapshot, process, &w->text);
	rc = writing_text(w, dir, "stat");
	if (rc)
		return rc;
	skt_buf_clear(&w->text);
	identity_text_status(w->snapshot, process, &w->text);
	rc = writing_text(w, dir, "status");
	if (rc)
		return rc;
	skt_buf_clear(&w->text);
	skt_buf_text(&w->text, "0 0 0 0 0 0 0\n");
	rc = writing_text(w, dir, "statm");
	if (!rc)
		rc = put_string(w, dir, "comm", process->comm, true);
	/* one that is not known is empty: there is no kernel without the file */
	if (!rc)
		rc = put_string(w, dir, "cmdline", process->cmdline, false);
	if (!rc && has(process, SKT_P_CGROUP))
		rc = put_string(w, dir, "cgroup", process->cgroup, true);
	return rc;
}

/* Where a link cannot say it, .skt-meta does. */
static int put_exe(struct writing *w, int dir, const struct skt_process *process)
{
	char target[PATH_MAX];
	size_t len;
	const char *path = skt_strtab_get(w->snapshot->strings, process->exe, &len);
	int n = snprintf(target, sizeof(target), "%s%s", path, process->exe_deleted ? " (deleted)" : "");

	if (!has(process, SKT_P_EXE) || n <= 0 || (size_t)n >= sizeof(target))
		return 0;
	return plant_link(&w->plant, dir, "exe", target);
}

/* net/, where the process lives in a namespace that has tables. */
static int put_net(struct writing *w, int dir, const struct skt_process *process)
{
	uint32_t lender = plan_lender(&w->plan, process->net_namespace);
	char target[32] = "../net";
	int net;

	if (!process->net_namespace || !has(process, SKT_P_NET_NAMESPACE))
		return 0;
	if (process->net_namespace != w->plan.own) {
		if (!lender)
			return 0;
		if (lender == process->pid) {
			net = plant_directory(&w->plant, dir, "net");
			if (net >= 0)
				close(net);
			return net < 0 ? net : 0;
		}
		snprintf(target, sizeof(target), "../%u/net", lender);
	}
	return plant_link(&w->plant, dir, "net", target);
}

/* fd/, with its links: those at *at, which goes on behind them. */
static int put_links(struct writing *w, int dir, uint32_t slot, size_t *at)
{
	int fds = plant_directory(&w->plant, dir, "fd"), rc = fds < 0 ? fds : 0;

	if (!rc)
		strcat(w->plant.where, "fd/");
	for (; !rc && *at < w->plan.n_links && w->plan.links[*at].process == slot; (*at)++) {
		const struct plan_link *link = &w->plan.links[*at];
		char name[16], target[32];

		snprintf(name, sizeof(name), "%d", link->fd);
		snprintf(target, sizeof(target), "socket:[%llu]", (unsigned long long)link->inode);
		rc = plant_link(&w->plant, fds, name, target);
	}
	if (fds >= 0)
		close(fds);
	return rc;
}

static int put_process(struct writing *w, uint32_t slot, size_t *link)
{
	const struct skt_process *process = &w->snapshot->processes[slot];
	char name[16];
	int dir, rc;

	snprintf(name, sizeof(name), "%u", process->pid);
	dir = plant_directory(&w->plant, w->dir, name);
	if (dir < 0)
		return dir;
	snprintf(w->plant.where, sizeof(w->plant.where), "%s/", name);
	rc = put_texts(w, dir, process);
	if (!rc)
		rc = put_exe(w, dir, process);
	if (!rc && process->net_namespace && has(process, SKT_P_NET_NAMESPACE))
		rc = writing_namespace(w, dir, process->net_namespace);
	if (!rc)
		rc = put_net(w, dir, process);
	if (!rc)
		rc = put_links(w, dir, slot, link);
	w->plant.where[0] = '\0';
	close(dir);
	return rc;
}

int write_processes(struct writing *w)
{
	size_t link = 0;
	int rc = 0;

	for (uint32_t slot = 0; !rc && slot < w->snapshot->n_processes; slot++)
		if (w->plan.in_tree[slot])
			rc = put_process(w, slot, &link);
	return rc;
}

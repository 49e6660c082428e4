/* SPDX-License-Identifier: MIT */
#include <skt/snapshot.h>

#include <inttypes.h>

void skt_quality_add(struct skt_quality *quality, const struct skt_finding *finding)
{
	if (quality->n_findings < SKT_FINDINGS_MAX)
		quality->findings[quality->n_findings++] = *finding;
	else if (quality->more_findings < UINT32_MAX)
		quality->more_findings++;
}

bool skt_finding_equal(const struct skt_finding *a, const struct skt_finding *b)
{
	return a->kind == b->kind && a->table == b->table && a->pid == b->pid && a->fd == b->fd &&
	       a->inode == b->inode && a->net_namespace == b->net_namespace;
}

void skt_finding_text(const struct skt_finding *finding, struct skt_buf *out)
{
	const char *table = skt_table_kind_name(finding->table);

	switch (finding->kind) {
	case SKT_FINDING_MOUNT:
		skt_buf_printf(out,
			       "something is mounted over what /proc has of process %" PRIu32
			       ": what is read there may be another's",
			       finding->pid);
		return;
	case SKT_FINDING_UNLISTED:
		skt_buf_printf(out,
			       "process %" PRIu32 " holds by fd %" PRId32 " a %s socket in use, inode %" PRIu64
			       ", that is in no table of network namespace %" PRIu64,
			       finding->pid, finding->fd, table, finding->inode, finding->net_namespace);
		return;
	case SKT_FINDING_UNHELD:
		skt_buf_printf(out,
			       "nobody holds the %s socket with inode %" PRIu64 " of network namespace %" PRIu64
			       ": it is the kernel's, or its holder is hidden",
			       table, finding->inode, finding->net_namespace);
		return;
	default:
		skt_buf_printf(out, "something of a kind that this program does not know (%u)", finding->kind);
	}
}

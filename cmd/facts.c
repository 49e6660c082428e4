/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include "cli.h"
#include "grow.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

void facts_init(struct facts *facts)
{
	*facts = (struct facts){ 0 };
}

void facts_release(struct facts *facts)
{
	/* const is for those who read them; the name's allocation holds the value too */
	for (size_t i = 0; i < facts->n; i++)
		free((void *)(uintptr_t)facts->facts[i].name);
	free(facts->facts);
	facts_init(facts);
}

void facts_add(struct facts *facts, const char *name, const char *value)
{
	size_t len = strlen(name) + 1;
	char *text;

	if (!value || !*value)
		return;
	if (grow(&facts->facts, &facts->room, facts->n, sizeof(*facts->facts)))
		return;
	text = malloc(len + strlen(value) + 1);
	if (!text)
		return;
	strcpy(text, name);
	strcpy(text + len, value);
	facts->facts[facts->n++] = (struct skt_fact){ .name = text, .value = text + len };
}

/* Add what was gathered in a buffer. */
static void add_buf(struct facts *facts, const char *name, struct skt_buf *text)
{
	skt_buf_byte(text, '\0');
	if (!text->failed)
		facts_add(facts, name, (char *)text->data);
	skt_buf_release(text);
}

/* A small file as text, without the newline at its end: false where there is none. */
static bool read_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	ret[got] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static void add_file(struct facts *facts, const char *name, const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)))
		facts_add(facts, name, text);
}

static void add_hash(struct facts *facts, const char *name, crypto_hash_sha256_state *sha)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];

	crypto_hash_sha256_final(sha, hash);
	cli_hex(hash, sizeof(hash), hex);
	facts_add(facts, name, hex);
}

/* machine-id(5) asks not to be given away: its hash tells machines apart just as well. */
static void add_machine(struct facts *facts)
{
	crypto_hash_sha256_state sha;
	char id[64];

	if (!read_text("/etc/machine-id", id, sizeof(id)))
		return;
	crypto_hash_sha256_init(&sha);
	crypto_hash_sha256_update(&sha, (const unsigned char *)"sockrec", 7);
	crypto_hash_sha256_update(&sha, (const unsigned char *)id, strlen(id));
	add_hash(facts, "host.machine_id_sha256", &sha);
}

/* The name of this host's zone: TZ, or what the link of the local time points to. */
static void add_zone(struct facts *facts)
{
	const char *zone = getenv("TZ");
	char link[4096];
	ssize_t len;
	char *at;

	if (zone && *zone) {
		facts_add(facts, "host.zone", *zone == ':' ? zone + 1 : zone);
		return;
	}
	len = readlink("/etc/localtime", link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = '\0';
	at = strstr(link, "/zoneinfo/");
	facts_add(facts, "host.zone", at ? at + strlen("/zoneinfo/") : NULL);
}

/* Whether the wall clock was kept right by someone, and how far off it may have been: adjtimex(2). */
static void add_clock(struct facts *facts)
{
	struct timex state = { .modes = 0 };
	struct skt_buf text;

	if (adjtimex(&state) < 0)
		return;
	skt_buf_init(&text);
	skt_buf_printf(&text, "%s, offset %ld%s, error at most %ldus",
		       state.status & STA_UNSYNC ? "not synchronised" : "synchronised", state.offset,
		       state.status & STA_NANO ? "ns" : "us", state.maxerror);
	add_buf(facts, "host.clock", &text);
}

static int prefix_length(const struct sockaddr *mask)
{
	const uint8_t *bytes = mask->sa_family == AF_INET
				       ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)mask)->sin_addr
				       : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)mask)->sin6_addr;
	int n = 0;

	for (int i = 0; i < (mask->sa_family == AF_INET ? 4 : 16); i++)
		n += __builtin_popcount(bytes[i]);
	return n;
}

/* Which addresses are its own: "lo 127.0.0.1/8, eth0 192.0.2.7/24". */
static void add_addresses(struct facts *facts)
{
	struct ifaddrs *all = NULL;
	struct skt_buf text;

	if (getifaddrs(&all))
		return;
	skt_buf_init(&text);
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
		char address[SKT_ADDRESS_SIZE];
		const void *bytes;

		if ((family != AF_INET && family != AF_INET6) || !at->ifa_netmask)
			continue;
		bytes = family == AF_INET
				? (const void *)&((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr
				: &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
		if (inet_ntop(family, bytes, address, sizeof(address)))
			skt_buf_printf(&text, "%s%s %s/%d", text.len ? ", " : "", at->ifa_name, address,
				       prefix_length(at->ifa_netmask));
	}
	freeifaddrs(all);
	add_buf(facts, "host.addresses", &text);
}

/* Whose error numbers they are: those of tables that could not be read are not the same on every machine. */
static void add_hardware(struct facts *facts)
{
	struct utsname name;

	if (!uname(&name))
		facts_add(facts, "host.machine", name.machine);
}

void facts_of_host(struct facts *facts, const struct skt_host *host, bool live)
{
	char number[24];

	facts_add(facts, "host.name", host->name);
	facts_add(facts, "host.kernel", host->kernel);
	facts_add(facts, "host.boot_id", host->boot_id);
	/* whose tables a tree has under net/ */
	snprintf(number, sizeof(number), "%llu", (unsigned long long)host->net_namespace);
	facts_add(facts, "host.net_namespace", host->net_namespace ? number : NULL);
	if (!live)
		return;
	add_hardware(facts);
	add_machine(facts);
	add_zone(facts);
	add_clock(facts);
	add_addresses(facts);
}

/* The command line as one text; arguments that hold blanks are quoted. */
static void add_arguments(struct facts *facts, char **argv)
{
	struct skt_buf text;

	skt_buf_init(&text);
	for (; *argv; argv++) {
		bool quote = !**argv || strpbrk(*argv, " \t\n'\"");

		skt_buf_printf(&text, "%s%s%s%s", text.len ? " " : "", quote ? "'" : "", *argv, quote ? "'" : "");
	}
	add_buf(facts, "recorder.arguments", &text);
}

static void add_tables(struct facts *facts, uint32_t tables)
{
	struct skt_buf text;

	skt_buf_init(&text);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (tables & 1u << kind)
			skt_buf_printf(&text, "%s%s", text.len ? "," : "", skt_table_kind_name(kind));
	add_buf(facts, "recorder.tables", &text);
}

static void add_binary(struct facts *facts)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	crypto_hash_sha256_state sha;
	unsigned char bytes[65536];
	ssize_t got;

	if (fd < 0)
		return;
	crypto_hash_sha256_init(&sha);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		crypto_hash_sha256_update(&sha, bytes, (unsigned long long)got);
	close(fd);
	if (!got)
		add_hash(facts, "recorder.sha256", &sha);
}

/* As /proc/self/status has them. */
void facts_capabilities(char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	*ret = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "CapEff:\t", 8))
			snprintf(ret, size, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
	if (file)
		fclose(file);
}

void facts_of_recorder(struct facts *facts, char **argv, const char *tree, uint32_t tables)
{
	char number[16], capabilities[32];

	facts_add(facts, "recorder.tool", "sockrec " SKT_VERSION);
	add_binary(facts);
	/* the kernel tells a program where its interpreter lies; a static one has none */
	facts_add(facts, "recorder.linkage", getauxval(AT_BASE) ? "dynamic" : "static");
	add_file(facts, "recorder.ld_so_preload", "/etc/ld.so.preload");
	add_arguments(facts, argv);
	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	facts_add(facts, "recorder.euid", number);
	add_file(facts, "recorder.login_uid", "/proc/self/loginuid");
	facts_add(facts, "recorder.sudo_user", getenv("SUDO_USER"));
	facts_capabilities(capabilities, sizeof(capabilities));
	facts_add(facts, "recorder.capabilities", capabilities);
	facts_add(facts, "recorder.tree", tree);
	add_tables(facts, tables);
}

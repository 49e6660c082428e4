/* SPDX-License-Identifier: MIT */
/* HOST SYNTAX of ss(8), with what iproute2's get_prefix() takes for an address. Never a name: nobody is asked. */
#include "query/filter.h"

#include "base/scan.h"

#include <arpa/inet.h>
#include <string.h>

#define EXPECTED_PORT "a port's number up to 65535, the name of a service, or *"
#define EXPECTED_HOST                                                                                              \
	"an address with perhaps a prefix and a port, as 10.0.0.0/8:443 or [2001:db8::1]:443 (names of hosts are " \
	"never looked up)"

static bool is_text(const char *text, size_t len, const char *wanted)
{
	return len == strlen(wanted) && !memcmp(text, wanted, len);
}

/* As strtoul(3) with base 0 reads it, for that is what ss does: 0x1f is hexadecimal, 037 octal. */
static bool scan_integer(struct scan *s, uint32_t max, uint32_t *ret)
{
	unsigned base = 10;
	const char *start;
	uint64_t value = 0;

	if (s->end - s->at > 2 && s->at[0] == '0' && (s->at[1] | 0x20) == 'x') {
		base = 16;
		s->at += 2;
	} else if (s->end - s->at > 1 && s->at[0] == '0') {
		base = 8;
	}
	for (start = s->at; s->at < s->end && value <= max; s->at++) {
		unsigned digit = scan_hex_digits[(unsigned char)*s->at];

		if (!digit || (digit & 15) >= base)
			break;
		value = value * base + (digit & 15);
	}
	*ret = (uint32_t)value;
	return s->at > start && value <= max;
}

static bool is_integer(const char *text, size_t len, uint32_t max, uint32_t *ret)
{
	struct scan s = scan_of(text, len);

	return scan_integer(&s, max, ret) && scan_at_end(&s);
}

/* One to four numbers: what is left out is 0, and stands at the end (127.1 is 127.1.0.0). */
static bool is_ipv4(const char *text, size_t len, uint8_t ret[16])
{
	struct scan s = scan_of(text, len);
	uint32_t byte;

	memset(ret, 0, 16);
	for (int i = 0; i < 4; i++) {
		if (!scan_integer(&s, UINT8_MAX, &byte))
			return false;
		ret[i] = (uint8_t)byte;
		if (scan_at_end(&s))
			return true;
		scan_byte(&s, '.');
		if (s.bad)
			return false;
	}
	return false;
}

static bool is_ipv6(const char *text, size_t len, uint8_t ret[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, ret) == 1;
}

/* 255.255.0.0 is 16 */
static bool is_netmask(const char *text, size_t len, uint32_t *ret)
{
	uint8_t bytes[16];
	uint32_t mask;

	if (!memchr(text, '.', len) || !is_ipv4(text, len, bytes))
		return false;
	mask = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	for (*ret = 0; mask & 1u << 31; mask <<= 1)
		++*ret;
	return !mask;
}

/* ADDRESS[/BITS] */
static bool parse_prefix(const char *text, size_t len, struct value *ret)
{
	const char *slash = memchr(text, '/', len);
	size_t n = slash ? (size_t)(slash - text) : len;
	uint32_t bits;

	ret->family = 0;
	if (is_text(text, len, "any") || is_text(text, len, "all") || is_text(text, len, "default"))
		return true;
	if (memchr(text, ':', n))
		ret->family = is_ipv6(text, n, ret->address) ? 6 : 0;
	else
		ret->family = is_ipv4(text, n, ret->address) ? 4 : 0;
	bits = ret->family == 6 ? 128 : 32;
	if (slash && !is_integer(slash + 1, len - n - 1, bits, &bits) &&
	    !(ret->family == 4 && is_netmask(slash + 1, len - n - 1, &bits)))
		return false;
	ret->bits = (uint8_t)bits;
	return ret->family;
}

static bool parse_service(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret)
{
	int32_t ports[2];

	if (!names || !len)
		return false;
	services_find(names->services, names->services_len, text, len, ports);
	if (ports[0] < 0 && ports[1] < 0)
		return false;
	/* one that has the name with one protocol alone means that port with all of them, as in ss */
	ret->ports[0] = (uint16_t)(ports[0] < 0 ? ports[1] : ports[0]);
	ret->ports[1] = (uint16_t)(ports[1] < 0 ? ports[0] : ports[1]);
	return true;
}

static bool parse_port(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret)
{
	uint32_t number;

	ret->any_port = !len || is_text(text, len, "*");
	if (ret->any_port)
		return true;
	if (!is_integer(text, len, UINT16_MAX, &number))
		return parse_service(text, len, names, ret);
	ret->ports[0] = ret->ports[1] = (uint16_t)number;
	return true;
}

/* inet: or inet6: in front; of the others nothing is recorded. */
static const char *take_family(const char **text, size_t *len, uint8_t *family)
{
	static const char *const names[] = { "inet:", "inet6:", "unix:", "link:", "netlink:", "vsock:" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (*len < n || memcmp(*text, names[i], n) != 0)
			continue;
		if (i > 1)
			return "inet: or inet6:, for no sockets of another family are recorded";
		if (*family && *family != (i ? 6 : 4))
			return "one family in the whole expression (of several, ss takes the last for all)";
		*family = i ? 6 : 4;
		*text += n;
		*len -= n;
		break;
	}
	return NULL;
}

const char *value_port(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret,
		       uint8_t *family)
{
	const char *expected = take_family(&text, &len, family);

	if (expected)
		return expected;
	if (len && *text == ':') {
		text++;
		len--;
	}
	return len && parse_port(text, len, names, ret) ? NULL : EXPECTED_PORT;
}

/*
 * Where the port begins, at its colon if it has one; text + len without a port. In brackets stands all of the address,
 * or, though ss refuses it, all but the prefix length.
 */
static const char *find_port(const char *text, size_t len)
{
	const char *end = text + len;
	const char *from = memchr(text, '/', len), *colon;

	if (*text == '*')
		return text + 1;
	from = from ? from : text;
	colon = memrchr(from, ':', (size_t)(end - from));
	return colon ? colon : end;
}

static const char *parse_bracketed(const char *text, size_t len, const struct skt_filter_names *names,
				   struct value *ret)
{
	const char *end = text + len, *bracket = memchr(text, ']', len), *port;
	char prefix[64];
	size_t n, more;

	if (!bracket)
		return "a ] after the address";
	n = (size_t)(bracket - text - 1);
	port = bracket + 1;
	while (bracket[1] == '/' && port < end && *port != ':')
		port++;
	more = (size_t)(port - bracket - 1);
	if (n + more > sizeof(prefix))
		return EXPECTED_HOST;
	memcpy(prefix, text + 1, n);
	memcpy(prefix + n, bracket + 1, more);
	if (port < end && *port == ':')
		port++;
	if (!parse_port(port, (size_t)(end - port), names, ret))
		return EXPECTED_PORT;
	return !(n + more) || parse_prefix(prefix, n + more, ret) ? NULL : EXPECTED_HOST;
}

const char *value_host(const char *text, size_t len, const struct skt_filter_names *names, struct value *ret,
		       uint8_t *family)
{
	const char *expected = take_family(&text, &len, family);
	const char *end = text + len, *port, *number;
	size_t n;

	if (expected)
		return expected;
	if (!len)
		return EXPECTED_HOST;
	if (*text == '[')
		return parse_bracketed(text, len, names, ret);
	port = find_port(text, len);
	n = (size_t)(port - text);
	number = port + (port < end && *port == ':');
	if (*text == '*' || !n || parse_prefix(text, n, ret))
		return parse_port(number, (size_t)(end - number), names, ret) ? NULL : EXPECTED_PORT;
	/* ss would have brackets around it */
	ret->any_port = true;
	return parse_prefix(text, len, ret) ? NULL : EXPECTED_HOST;
}

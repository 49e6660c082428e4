/* SPDX-License-Identifier: MIT */
/* What the kernel says of a socket that it destroys. Messages are made of the structures of its own headers. */
#include "proc/notice.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct {
	struct nlmsghdr header;
	struct inet_diag_msg diag;
	struct nlattr protocol_head;
	uint8_t protocol, pad[3];
	struct nlattr info_head;
	struct tcp_info info;
} __attribute__((packed)) message;

static struct notice notice;

static int set_up(void **state)
{
	(void)state;
	memset(&message, 0, sizeof(message));
	message.header.nlmsg_len = sizeof(message);
	message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message.diag.idiag_family = AF_INET;
	message.diag.idiag_state = 7;
	message.diag.id.idiag_sport = htons(443);
	message.diag.id.idiag_dport = htons(51234);
	message.diag.id.idiag_src[0] = htonl(0x0a000001);
	message.diag.id.idiag_dst[0] = htonl(0xc0000207);
	message.protocol_head = (struct nlattr){ sizeof(struct nlattr) + 1, INET_DIAG_PROTOCOL };
	message.protocol = IPPROTO_TCP;
	message.info_head = (struct nlattr){ sizeof(struct nlattr) + sizeof(struct tcp_info), INET_DIAG_INFO };
	message.info.tcpi_rtt = 1500;
	message.info.tcpi_total_retrans = 3;
	message.info.tcpi_bytes_sent = 5000;
	message.info.tcpi_bytes_retrans = 700;
	message.info.tcpi_bytes_received = 91;
	message.info.tcpi_data_segs_out = 4;
	message.info.tcpi_data_segs_in = 1;
	message.info.tcpi_last_data_sent = 20;
	message.info.tcpi_last_data_recv = 80;
	return 0;
}

static int parse(void)
{
	return notice_parse((const unsigned char *)&message, message.header.nlmsg_len, &notice);
}

/* The tcp_info of a kernel that has only this much of it. */
static void shorten(size_t info)
{
	message.info_head.nla_len = (uint16_t)(sizeof(struct nlattr) + info);
	message.header.nlmsg_len = (uint32_t)(offsetof(__typeof__(message), info) + info);
}

static void a_connection_is_told_with_its_ends_and_counters(void **state)
{
	const uint8_t local[16] = { 10, 0, 0, 1 }, remote[16] = { 192, 0, 2, 7 };

	(void)state;
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.kind, SKT_TCP);
	assert_int_equal(notice.event.source, SKT_SOURCE_DESTROY);
	assert_int_equal(notice.event.change, SKT_CLOSED);
	assert_int_equal(notice.event.state, 7);
	assert_memory_equal(notice.event.local_address, local, 16);
	assert_memory_equal(notice.event.remote_address, remote, 16);
	assert_int_equal(notice.event.local_port, 443);
	assert_int_equal(notice.event.remote_port, 51234);
	assert_int_equal(notice.event.bytes_sent, 4300);
	assert_int_equal(notice.event.bytes_received, 91);
	assert_int_equal(notice.event.rtt_us, 1500);
	assert_int_equal(notice.event.retransmits, 3);
	assert_int_equal(notice.event.has, SKT_BIT(SKT_E_BYTES_SENT) | SKT_BIT(SKT_E_BYTES_RECEIVED) |
						   SKT_BIT(SKT_E_RTT) | SKT_BIT(SKT_E_RETRANSMITS) |
						   SKT_BIT(SKT_E_REMOTE_PORT));
}

static void a_direction_without_data_tells_how_long_it_stood(void **state)
{
	(void)state;
	message.info.tcpi_data_segs_in = 0;
	assert_int_equal(parse(), 1);
	assert_true(notice.event.has & SKT_BIT(SKT_E_DURATION));
	assert_int_equal(notice.event.duration_us, 80000);
	message.info.tcpi_data_segs_in = 1;
	message.info.tcpi_data_segs_out = 0;
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.event.duration_us, 20000);
	/* it was never established: that is the time since the boot */
	message.info.tcpi_rtt = 0;
	assert_int_equal(parse(), 1);
	assert_false(notice.event.has & SKT_BIT(SKT_E_DURATION));
}

static void what_an_older_kernel_lacks_is_not_known(void **state)
{
	(void)state;
	/* Linux 4.6 to 4.18 */
	shorten(offsetof(struct tcp_info, tcpi_bytes_sent));
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.event.has, SKT_BIT(SKT_E_BYTES_RECEIVED) | SKT_BIT(SKT_E_RTT) |
						   SKT_BIT(SKT_E_RETRANSMITS) | SKT_BIT(SKT_E_REMOTE_PORT));
	assert_int_equal(notice.event.bytes_sent, 0);
	shorten(offsetof(struct tcp_info, tcpi_rtt));
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.event.has, SKT_BIT(SKT_E_REMOTE_PORT));
	shorten(0);
	assert_int_equal(parse(), 1);
}

static void a_reset_loses_its_remote_port_and_what_was_counted(void **state)
{
	(void)state;
	message.diag.id.idiag_dport = 0;
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.event.has, 0);
	assert_int_equal(notice.event.bytes_sent, 0);
}

static void a_datagram_socket_has_a_remote_port_even_if_it_is_0(void **state)
{
	(void)state;
	message.protocol = IPPROTO_UDP;
	message.diag.idiag_family = AF_INET6;
	message.diag.id.idiag_dport = 0;
	message.diag.id.idiag_src[3] = htonl(1);
	assert_int_equal(parse(), 1);
	assert_int_equal(notice.kind, SKT_UDP6);
	assert_int_equal(notice.event.has, SKT_BIT(SKT_E_REMOTE_PORT));
	assert_int_equal(notice.event.local_address[15], 1);
}

static void what_is_about_something_else_is_passed_over(void **state)
{
	(void)state;
	message.protocol = IPPROTO_UDPLITE;
	assert_int_equal(parse(), 0);
	message.protocol = IPPROTO_TCP;
	message.diag.idiag_family = AF_UNIX;
	assert_int_equal(parse(), 0);
	message.diag.idiag_family = AF_INET;
	message.header.nlmsg_type = NLMSG_DONE;
	assert_int_equal(parse(), 0);
}

static void refuses_lengths_that_do_not_fit(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(message); len++)
		assert_int_equal(notice_parse((const unsigned char *)&message, len, &notice), -EBADMSG);
	message.info_head.nla_len++;
	assert_int_equal(parse(), -EBADMSG);
	message.info_head.nla_len = 3;
	assert_int_equal(parse(), -EBADMSG);
	message.info_head.nla_len = 4;
	message.header.nlmsg_len = 15;
	assert_int_equal(notice_parse((const unsigned char *)&message, sizeof(message), &notice), -EBADMSG);
	message.header.nlmsg_len = sizeof(struct nlmsghdr) + sizeof(struct inet_diag_msg) - 1;
	assert_int_equal(parse(), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_connection_is_told_with_its_ends_and_counters, set_up),
		cmocka_unit_test_setup(a_direction_without_data_tells_how_long_it_stood, set_up),
		cmocka_unit_test_setup(what_an_older_kernel_lacks_is_not_known, set_up),
		cmocka_unit_test_setup(a_reset_loses_its_remote_port_and_what_was_counted, set_up),
		cmocka_unit_test_setup(a_datagram_socket_has_a_remote_port_even_if_it_is_0, set_up),
		cmocka_unit_test_setup(what_is_about_something_else_is_passed_over, set_up),
		cmocka_unit_test_setup(refuses_lengths_that_do_not_fit, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What the kernel says of processes that come and go. Messages are made of the structures of its own headers. */
#include "proc/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static unsigned char message[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(struct proc_event)];
static struct nlmsghdr header;
static struct cn_msg cn;
static struct proc_event event;
static struct connector_event got;

static int set_up(void **state)
{
	(void)state;
	memset(&event, 0, sizeof(event));
	header = (struct nlmsghdr){ .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_DONE };
	cn = (struct cn_msg){ .id = { CN_IDX_PROC, CN_VAL_PROC }, .seq = 17, .ack = 5, .len = sizeof(event) };
	event.timestamp_ns = UINT64_C(41625913041554);
	return 0;
}

static int parse(size_t len)
{
	memcpy(message, &header, sizeof(header));
	memcpy(message + NLMSG_HDRLEN, &cn, sizeof(cn));
	memcpy(message + NLMSG_HDRLEN + sizeof(cn), &event, sizeof(event));
	return connector_parse(message, len, &got);
}

static void a_fork_tells_child_and_parent(void **state)
{
	(void)state;
	event.what = PROC_EVENT_FORK;
	event.event_data.fork.parent_pid = 28092;
	event.event_data.fork.parent_tgid = 28091;
	event.event_data.fork.child_pid = 28184;
	event.event_data.fork.child_tgid = 28184;
	assert_int_equal(parse(sizeof(message)), 1);
	assert_int_equal(got.what, CONNECTOR_FORK);
	assert_int_equal(got.pid, 28184);
	assert_int_equal(got.parent, 28091);
	assert_int_equal(got.when, INT64_C(41625913041554));
}

static void exec_and_exit_tell_who(void **state)
{
	(void)state;
	event.what = PROC_EVENT_EXEC;
	event.event_data.exec.process_pid = 7;
	event.event_data.exec.process_tgid = 7;
	assert_int_equal(parse(sizeof(message)), 1);
	assert_int_equal(got.what, CONNECTOR_EXEC);
	assert_int_equal(got.pid, 7);
	event.what = PROC_EVENT_EXIT;
	event.event_data.exit.exit_code = 256;
	assert_int_equal(parse(sizeof(message)), 1);
	assert_int_equal(got.what, CONNECTOR_EXIT);
	assert_int_equal(got.pid, 7);
	assert_int_equal(got.parent, 0);
}

static void threads_are_passed_over(void **state)
{
	(void)state;
	event.what = PROC_EVENT_FORK;
	event.event_data.fork.child_pid = 8;
	event.event_data.fork.child_tgid = 7;
	assert_int_equal(parse(sizeof(message)), 0);
	event.what = PROC_EVENT_EXIT;
	event.event_data.exit.process_pid = 8;
	event.event_data.exit.process_tgid = 7;
	assert_int_equal(parse(sizeof(message)), 0);
}

static void an_answer_tells_of_what_question_and_what_is_wrong(void **state)
{
	(void)state;
	event.what = PROC_EVENT_NONE;
	event.event_data.ack.err = EPERM;
	assert_int_equal(parse(sizeof(message)), 1);
	assert_int_equal(got.what, CONNECTOR_ANSWER);
	assert_int_equal(got.error, EPERM);
	assert_int_equal(got.asked, 5);
}

static void what_is_about_something_else_is_passed_over(void **state)
{
	(void)state;
	event.what = PROC_EVENT_UID;
	assert_int_equal(parse(sizeof(message)), 0);
	event.what = PROC_EVENT_EXEC;
	cn.id.idx = CN_IDX_CIFS;
	assert_int_equal(parse(sizeof(message)), 0);
}

static void refuses_lengths_that_do_not_fit(void **state)
{
	(void)state;
	event.what = PROC_EVENT_FORK;
	for (size_t len = 0; len < sizeof(message); len++)
		assert_int_equal(parse(len), -EBADMSG);
	cn.len = sizeof(event) + 1;
	assert_int_equal(parse(sizeof(message)), -EBADMSG);
	/* the parent's two numbers and the child's first */
	cn.len = offsetof(struct proc_event, event_data) + 12;
	assert_int_equal(parse(sizeof(message)), -EBADMSG);
	cn.len += 4;
	assert_int_equal(parse(sizeof(message)), 1);
	header.nlmsg_len = NLMSG_HDRLEN + sizeof(cn) + cn.len - 1u;
	assert_int_equal(parse(sizeof(message)), -EBADMSG);
}

static void refuses_an_instant_that_no_clock_reaches(void **state)
{
	(void)state;
	event.what = PROC_EVENT_EXEC;
	event.timestamp_ns = UINT64_MAX;
	assert_int_equal(parse(sizeof(message)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_fork_tells_child_and_parent, set_up),
		cmocka_unit_test_setup(exec_and_exit_tell_who, set_up),
		cmocka_unit_test_setup(threads_are_passed_over, set_up),
		cmocka_unit_test_setup(an_answer_tells_of_what_question_and_what_is_wrong, set_up),
		cmocka_unit_test_setup(what_is_about_something_else_is_passed_over, set_up),
		cmocka_unit_test_setup(refuses_lengths_that_do_not_fit, set_up),
		cmocka_unit_test_setup(refuses_an_instant_that_no_clock_reaches, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

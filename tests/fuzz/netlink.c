/* SPDX-License-Identifier: MIT */
/* A message about a socket that was destroyed, or about a process, as anybody might have made it. */
#include "proc/connector.h"
#include "proc/notice.h"

#include "fuzz.h"
#include "taken.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connector_event event;
	struct notice notice, again;
	int rc = connector_parse(data, size, &event);

	check(rc == 1 || rc == 0 || rc == -EBADMSG, "another answer than yes, no and nonsense");
	if (rc > 0)
		taken();
	check(rc <= 0 || (event.when >= 0 && event.when <= INT64_MAX / 2), "an instant that cannot be counted with");
	check(rc <= 0 || event.what == CONNECTOR_FORK || !event.parent, "a parent of what did not begin");
	rc = notice_parse(data, size, &notice);

	check(rc == 1 || rc == 0 || rc == -EBADMSG, "another answer than yes, no and nonsense");
	if (rc <= 0)
		return 0;
	taken();
	check(notice.kind <= SKT_UDP6, "a kind that nobody is told of");
	check(notice.kind & 1 || !memcmp(notice.event.local_address + 4, (char[12]){ 0 }, 12),
	      "IPv4 of more than 4 bytes");
	check(notice.event.bytes_sent == 0 || notice.event.has & SKT_BIT(SKT_E_BYTES_SENT), "bytes that are not known");
	check(notice.event.remote_port == 0 || notice.event.has & SKT_BIT(SKT_E_REMOTE_PORT),
	      "a port that is not known");
	/* what is behind the message's own length says nothing */
	check(notice_parse(data, size, &again) == 1 && !memcmp(&notice, &again, sizeof(notice)),
	      "twice is not the same");
	return 0;
}

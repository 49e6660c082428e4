/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void become(const struct guard *guard, char **argv, const char *tree)
{
	static const char *const names[] = { "PROC_ROOT", "HOST_PROC", "SKT_PROC" };

	if (guard->group)
		setpgid(0, guard->group);
	/* where the keeper is killed, the face sees to it; and where both are, the kernel */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(guard->umask);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (setenv(names[i], tree, 1)) {
			cli_say("cannot set %s: %s", names[i], strerror(errno));
			_exit(COMMAND_TROUBLE);
		}
	sigprocmask(SIG_SETMASK, &guard->mask, NULL);
	execvp(argv[0], argv);
	cli_say("cannot run '%s': %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE);
}

int command_start(struct guard *guard, char **argv, const char *tree, struct skt_err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return skt_err_sys(err, -errno, "cannot fork");
	if (!pid)
		become(guard, argv, tree);
	/* whoever is first */
	if (guard->group)
		setpgid(pid, guard->group);
	guard->child = pid;
	return 0;
}

#!/bin/bash
# SPDX-License-Identifier: MIT
# On several processors a thread reads ahead; on one, nobody does. What is answered is the same, byte for byte, of whole recordings and of
# damaged ones.
. "$(dirname "$0")/../lib.sh"

# same RECORDING...: each view and format of each, with one processor and with all.
same() {
	python3 - "$@" <<-'EOF'
		import os, subprocess, sys
		QUESTIONS = (
		    ["--view=flows"],
		    ["--view=flows", "--format=json"],
		    ["--format=json", "state established or comm ~ ."],
		    ["pid > 1 and dport > 0"],
		    ["--no-index", "--format=csv", "tx_queue >= 0"],
		    ["--from=+1s", "--to=-1s", "--format=jsonl", "owner = held"],
		    ["--view=changes", "--format=jsonl", "--all"],
		    ["--view=processes"],
		    ["--view=snapshots"],
		    ["--coverage", "dst 192.0.2.1"],
		)
		every = os.sched_getaffinity(0)
		one = {min(every)}
		answers = 0

		def ask(arguments, processors):
		    run = subprocess.run(["sockquery", *arguments], capture_output=True, timeout=60,
		                         preexec_fn=lambda: os.sched_setaffinity(0, processors))
		    return run.returncode, run.stdout, run.stderr

		for recording in sys.argv[1:]:
		    for question in QUESTIONS:
		        alone = ask([*question[:-1], recording, question[-1]], one)
		        if ask([*question[:-1], recording, question[-1]], every) != alone:
		            sys.exit("%s of %s differ" % (question, recording))
		        answers += alone[0] == 0
		if not answers:
		    sys.exit("nothing was answered")
	EOF
}

if [ "$(nproc)" = 1 ]; then
	echo "1..0 # SKIP there is one processor"
	exit
fi

t_whole_recordings_are_read_the_same_by_two() { same "$TOP"/fixtures/rec/v1-*.skt "$TOP"/fixtures/rec/gap*.skt; }
t_directories_are_read_the_same_by_two() { same "$TOP"/fixtures/rec/dir-*; }
t_damaged_recordings_are_read_the_same_by_two() {
	same "$TOP"/fixtures/rec/{bytes,cut,event,flipped,forged,index,jump,lying,missing,newer,other}*.skt \
		"$TOP"/fixtures/rec/{overlong,repeated,string,swapped,two,unknown,wrong,zeroed}*.skt
}

run_tests

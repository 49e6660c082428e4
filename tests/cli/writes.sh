#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes that fail or are cut short, and disks that do not keep what they took: tests/trouble.sh says what must hold.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/trouble.sh
. "$TOP/tests/trouble.sh" || exit

# ---- writes that fail ----

t_where_nothing_fails_everything_is_there() {
	python <<'END'
run = Run("")
assert check_end(run) == ("WHOLE", list(range(1, SNAPSHOTS + 1))) and run.status == 0, run
# several groups, steps among them, and one write a block
found = blocks(read("x.skt"))[0]
assert sum(block[0] == KEY for block in found) >= 3 and sum(block[0] == STEPS for block in found) >= 6, found
assert len(run.calls("write")) == 1 + len(found)
END
}

# single WHAT: each write in turn is met with it.
single() {
	python "$1" <<'END'
writes = len(Run("").calls("write"))
for n in range(1, writes + 1):
    run = Run("write:%d:%s" % (n, sys.argv[1]))
    assert run.status == 2 and "cannot write" in run.said, run
    if n == 1:
        # no half of a header
        assert read("x.skt") == b"", run
        continue
    verdict, numbers = check_end(run)
    # after the last two, index and end, nothing is written that could tell more; the keys before them hold no snapshot
    assert verdict == ("WHOLE" if n < writes - 1 else "OPEN"), run
    lost = SNAPSHOTS - len(numbers)
    assert lost in ((1, 2) if n < writes - 2 else (0,)), (run, numbers)
END
}
t_a_write_that_fails_costs_its_block_and_that_is_told() { single EIO; }
t_a_write_that_fails_after_the_head_costs_its_block_and_that_is_told() { single 64:EIO; }
t_a_write_that_fails_at_its_last_byte_costs_its_block_and_that_is_told() { single 9999:ENOSPC; }

t_what_fails_for_a_while_is_one_gap_and_one_message() {
	python <<'END'
for first, last, what in (3, 5, "EIO"), (2, 9, "ENOSPC"), (4, 12, "30:EDQUOT"), (2, 3, "200:EIO"), (6, 20, "EFBIG"):
    run = Run("write:%d-%d:%s" % (first, last, what))
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and 0 < len(numbers) < SNAPSHOTS, run
    assert verify("x.skt")[1] == 1, run
    assert run.said.count("cannot write") == run.said.count("goes on") == 1, run
    # what came after it is there
    assert numbers[-1] == SNAPSHOTS, run
END
}

t_what_fails_again_and_again_is_told_each_time() {
	python <<'END'
for rules in "write:4:EIO write:6:EIO write:7:100:EIO write:11-14:1:EIO", "write:3-4:EIO write:6:EIO write:8:EIO write:10:EIO", \
        "write:3:EIO write:5:70:EIO write:8:170:EIO":
    run = Run(rules)
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and len(numbers) > 8, run
END
}

# The gap block alone may find room where what follows it does not.
t_a_gap_is_not_written_without_what_follows_it() {
	python <<'END'
run = Run("write:4:EIO write:5-9:104:ENOSPC")
verdict, numbers = check_end(run)
assert verdict == "WHOLE" and verify("x.skt")[1] == 1, run
run = Run("write:4:EIO write:5-:104:ENOSPC")
verdict, numbers = check_end(run)
assert verdict == "OPEN" and verify("x.skt")[1] == 0, run
END
}

t_a_disk_that_never_works_again_leaves_what_was_written_before() {
	python <<'END'
for n in 2, 3, 5, 9:
    for what in "ENOSPC", "100:EIO":
        run = Run("write:%d-:%s" % (n, what))
        verdict, numbers = check_end(run)
        assert verdict == "OPEN" and run.status == 2, run
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= n - 2, (run, numbers)
END
}

t_a_write_that_is_cut_short_or_interrupted_costs_nothing() {
	python <<'END'
for rules in "write:1-:1", "write:2-:63", "write:2-:100", "write:1-:9999", "write:3:EINTR write:5:EINTR write:7-9:EINTR", \
        "write:4:50 write:5:EINTR write:6:20", "write:4-6:EAGAIN":
    # a byte a call is many calls: fewer snapshots
    taken = 4 if rules.endswith(":1") else SNAPSHOTS
    run = Run(rules, "-n", str(taken))
    assert check_end(run, taken) == ("WHOLE", list(range(1, taken + 1))) and run.status == 0, run
END
}

t_a_disk_that_takes_nothing_and_does_not_say_why_is_told() {
	python <<'END'
run = Run("write:4-:0")
verdict, numbers = check_end(run)
assert verdict == "OPEN" and run.status == 2 and numbers, run
END
}

t_a_part_that_cannot_be_cut_off_at_once_is_cut_off_before_the_next_block() {
	python <<'END'
for rules in "write:5:100:EIO cut:1:EIO", "write:5:100:EIO cut:1-3:EIO", "write:5:1:EIO write:9:64:EIO cut:1-2:EIO cut:4:EIO":
    run = Run(rules)
    verdict, numbers = check_end(run)
    assert verdict == "WHOLE" and run.status == 2 and numbers[-1] == SNAPSHOTS, run
    assert "nor cut off" in run.said, run
END
}

t_behind_a_part_that_cannot_be_cut_off_nothing_is_written() {
	python <<'END'
run = Run("write:5:100:EIO cut:1-:EIO")
verdict, numbers = check_end(run)
assert verdict == "TORN" and run.tail == 100 and run.status == 2, run
assert "cannot cut off" in run.said and numbers, run
END
}

# ---- what the disk does not keep ----

t_a_disk_that_did_not_keep_what_it_took_is_told_and_the_recording_goes_on() {
	python <<'END'
syncs = len(Run("").calls("sync"))
for rules in *("sync:%d:EIO" % n for n in (1, 2, 5, syncs)), "sync:3-:EIO", "sync:2-4:ENOSPC sync:7:EDQUOT":
    run = Run(rules)
    # in the file it is, as long as the machine runs
    assert check_end(run) == ("WHOLE", list(range(1, SNAPSHOTS + 1))), run
    assert run.status == 2 and run.said.count("may not have kept") == 1, run
END
}

t_a_disk_that_lost_a_block_does_not_lose_those_that_are_written_after_it() {
	python <<'END'
for n in range(1, 8):
    run = Run("sync:%d:EIO" % n)
    found, _, _ = blocks(read("x.skt"))
    # the header has no sync of its own, so block N is the one that may be lost: the next that was written begins a group
    assert found[n][0] in (KEY, END), (run, found)
END
}

t_what_cannot_be_synced_at_all_is_no_trouble() {
	python <<'END'
for rules in "sync:1-:EINVAL", "sync:1-:EROFS", "sync:2:EINTR":
    run = Run(rules)
    assert check_end(run)[0] == "WHOLE" and run.status == 0, run
END
}

t_the_disk_is_asked_as_often_as_sync_says() {
	python <<'END'
asked = {when: len(Run("", "--sync=" + when).calls("sync")) for when in ("block", "group", "none")}
found = [block[0] for block in blocks(read("x.skt"))[0]]
assert asked == {"block": len(found), "group": found.count(KEY) + 1, "none": 0}, (asked, found)
run = Run("sync:2:EIO", "--sync=group")
assert check_end(run)[0] == "WHOLE" and run.status == 2, run
END
}

run_tests

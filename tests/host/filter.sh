#!/bin/bash
# SPDX-License-Identifier: MIT
# An expression that ss accepts selects, of the sockets of one network namespace, what ss selects.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"
own_network --pid

# Both look at the same sockets, which a process holds still: `asked` has both answers to each expression. What stands
# before | are ss's words for states, which are words of their own there.
sed '/^#/d; /^$/d' >expressions <<'END'
dst 127.0.0.1
dst = 127.0.0.1
dst == 127.0.0.1
src eq 127.0.0.1
src 127.0.0.0/8
src 127/8
src 127
dst 127.0.0.0/255.255.255.252
dst 0x7f.0.0.1
src 0.0.0.0
src 0.0.0.0/0
src 0/0
dst any
dst default:443
dst *
src [::]
src [::1]
src ::/0
src [::/0]:443
src ::1/128
dst [::1]:443
dst [::1]443
dst ::1/128:443
dst fe80::/10
dst [::ffff:127.0.0.1]
dst [::ffff:0.0.0.0/96]
dst ::ffff:7f00:0/104
dst 127.0.0.1:443
dst 127.0.0.0/8:443
dst [127.0.0.1]:443
dst *:443
dst *443
dst :443
dst inet:127.0.0.1
dst inet:*
dst inet6:*
src inet6:[::1]
sport = inet6:443
sport = inet:443
! dst inet:127.0.0.1
sport = :80
sport = 80
sport :80
sport 80
sport == 80
sport eq 0120
sport = 0x50
sport != :80
sport ne 80
sport neq 80
sport > :443
sport gt 443
sport >= :443
sport ge 443
sport geq 443
sport < :443
sport lt 443
sport <= :443
sport le 443
sport leq 443
dport = :0
dport != 0
dport >= 1024
sport = *
sport = :ssh
sport = :http or sport = :domain
src 127.0.0.1:ssh
sport = :22 dport = :0
sport = :22 and dport = :0
sport = :22 & dport = :0
sport = :22 && dport = :0
sport = :22 or sport = :80
sport = :22 | sport = :80
sport = :22 || sport = :80
not sport = :22
! sport = :22
! ! sport = :22
! sport = :22 or sport = :80
sport = :22 or sport = :80 and dport = :0
dport = :0 and sport = :22 or sport = :80
sport = :22 or sport = :80 dport = :0 or dport = :443
( sport = :22 or sport = :80 ) dport = :0
sport = :22 or ( sport = :80 and dport = :0 )
! ( sport = :22 or dport = :22 )
! ( ! src 127.0.0.1 & ! dst 127.0.0.0/8 )
src 127.0.0.1 dst 127.0.0.1 sport > 1024 ! dport = :22
state established |
state listening |
state close-wait |
state closed |
state unconnected |
state close |
state fin-wait-1 state fin-wait-2 |
state FIN-WAIT-2 |
state time-wait |
state syn-sent |
state syn-recv |
state syn-rcv |
state all |
state connected |
state synchronized |
state bucket |
state big |
exclude listening |
excl connected |
exclude big exclude time-wait |
state connected exclude established |
exclude connected state established |
state established state listening | sport = :22
state connected | dst 127.0.0.0/8 or dport = :443
exclude established | src 127.0.0.1
state listening | sport = :22 or dport = :443
state listening | sport = :22 or sport = :80
state listening | sport = :22 or sport = :80 and src 127.0.0.1 or sport = :443
state established | dst [::1] or dst 127.0.0.1
state established state time-wait | ! sport = :22 or dport = :22
exclude listening exclude established | sport = :53 or dport = :53
exclude listening | ( sport = :22 or dport = :443 ) src 127.0.0.1 or sport = :80
exclude listening exclude closed |
exclude established state listening |
state established exclude established state listening |
state all exclude time-wait exclude syn-recv |
END

python <<'END'
import shlex, socket
held = []
def listen(family, address, port, v6only=None, backlog=5):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((address, port))
    s.listen(backlog)
    held.append(s)
    return s
def connect(family, address, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.connect((address, port))
    held.append(s)
    return s
ssh = listen(socket.AF_INET, "127.0.0.1", 22)
listen(socket.AF_INET, "0.0.0.0", 80)
listen(socket.AF_INET6, "::", 443, 0)
listen(socket.AF_INET6, "::1", 8080, 1)
full = listen(socket.AF_INET, "127.0.0.1", 8081, backlog=0)
for family, address, port in ((socket.AF_INET, "127.0.0.1", 22), (socket.AF_INET, "127.0.0.1", 443),
                              (socket.AF_INET, "127.0.0.2", 80), (socket.AF_INET6, "::1", 443),
                              (socket.AF_INET6, "::1", 8080), (socket.AF_INET6, "::ffff:127.0.0.3", 80)):
    connect(family, address, port)
# half closed, and closed: the first one that closes waits
peer = ssh.accept()[0]
client = connect(socket.AF_INET, "127.0.0.1", 22)
other = ssh.accept()[0]
held += [peer, other]
client.shutdown(socket.SHUT_WR)
client = connect(socket.AF_INET, "127.0.0.1", 22)
server = ssh.accept()[0]
server.close()
client.close()
# nobody answers where the backlog is full
for i in range(3):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", 8081))
    held.append(s)
for family, local, remote in ((socket.AF_INET, ("127.0.0.1", 53), None), (socket.AF_INET6, ("::", 53), None),
                              (socket.AF_INET, ("127.0.0.1", 0), ("127.0.0.1", 53)),
                              (socket.AF_INET6, ("::1", 0), ("::1", 53))):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(local)
    if remote:
        s.connect(remote)
    held.append(s)
time.sleep(0.3)

# ss's names for what proc(5) has
states = {"ESTAB": "ESTABLISHED", "UNCONN": "CLOSE"}
def ss_end(text):
    address, port = text.rsplit(":", 1)
    address = address.split("%")[0].strip("[]")
    return ("::" if address == "*" else address), 0 if port == "*" else int(port)
state_of = {}
def ss(words, options="-tuanH"):
    got = subprocess.run(["ss", options] + words, capture_output=True, text=True)
    if got.returncode or got.stderr:
        return None
    rows = []
    for line in got.stdout.splitlines():
        # asked for one state ss does not show it
        netid, state, local, remote = re.fullmatch(r"(\S+)(?: +([A-Z]\S+))? +\d+ +\d+ +(\S+) +(\S+) *", line).groups()
        key = (netid, local, remote)
        state_of.setdefault(key, state and states.get(state, state.replace("FIN-WAIT-", "FIN-WAIT").replace("-", "_")))
        local, remote = ss_end(local), ss_end(remote)
        rows.append([netid + ("6" if ":" in local[0] else ""), state_of[key], *local, *remote])
    return sorted(rows)
def ours(words):
    got = subprocess.run(["sockquery", "--format=jsonl", "-tu", "x.skt@last", *words], capture_output=True, text=True)
    if got.returncode not in (0, 1):
        return got.stderr
    return sorted([row["table"], row["state"], row["local_address"], row["local_port"], row["remote_address"],
                   row["remote_port"]] for row in map(json.loads, got.stdout.splitlines()))
subprocess.run(["sockrec", "--netns=own", "-n", "1", "-o", "x.skt"], check=True, stderr=subprocess.DEVNULL)
ss([])
# ss first, of all, for what is in TIME_WAIT is gone after a minute
expressions = []
for line in read("expressions").decode().splitlines():
    prefix, expression = line.split("|", 1) if line.startswith(("state", "exc")) else ("", line)
    expressions.append(((prefix + expression).strip(), ss(prefix.split() + expression.split())))
others = {text: {"ss": ss([text])} for text in ("", "! src [::]", "src [::]", "dst ::1", "sport = *:22")}
empty = "state established exclude established"
others[empty] = {"ss": ss(empty.split())}
without_a = {"ss": ss(["-t", "-u"], "-nH")}
asked = [{"text": text, "ss": theirs, "text alone": ours([text]), "words": ours(text.split())} for text, theirs in expressions]
for text in others:
    others[text]["ours"] = ours([text])
others["without -a"] = without_a
json.dump({"asked": asked, "others": others}, open("asked", "w"))
END

t_there_are_sockets_of_many_states_to_choose_from() {
	python <<'END'
rows = json.load(open("../asked"))["others"][""]["ss"]
assert not differ("ours", json.load(open("../asked"))["others"][""]["ours"], rows)
assert {row[1] for row in rows} >= {"ESTABLISHED", "LISTEN", "CLOSE", "TIME_WAIT", "SYN_SENT", "CLOSE_WAIT", "FIN_WAIT2"}
assert {row[0] for row in rows} == {"tcp", "tcp6", "udp", "udp6"}
END
}

t_what_ss_accepts_selects_what_ss_selects() {
	python <<'END'
asked = json.load(open("../asked"))["asked"]
assert len(asked) > 100
wrong = 0
for one in asked:
    if one["ss"] is None:
        say(one["text"] + ": ss does not accept it")
        wrong += 1
    for how in "text alone", "words":
        if one["ss"] is not None and one[how] != one["ss"]:
            say(one["text"] + ":")
            wrong += isinstance(one[how], str) or differ("ours", one[how], one["ss"])
            if isinstance(one[how], str):
                say(one[how])
assert not wrong, wrong
END
}

t_the_expressions_tell_sockets_apart() {
	python <<'END'
told = json.load(open("../asked"))
n = len(told["others"][""]["ss"])
some = [one for one in told["asked"] if 0 < len(one["ss"]) < n]
say(len(some), len(told["asked"]))
assert len(some) > 70
END
}

# skt-filter(7) names where it is otherwise, and these are all.
t_where_ss_contradicts_itself_not_is_the_opposite() {
	python <<'END'
others = json.load(open("../asked"))["others"]
everything = others[""]["ours"]
are = others["src [::]"]
assert are["ours"] == are["ss"]
opposite = [row for row in everything if row not in are["ours"]]
assert others["! src [::]"]["ours"] == opposite
left_out = [row for row in opposite if row not in others["! src [::]"]["ss"]]
assert left_out and all(row[2] == "0.0.0.0" for row in left_out), left_out
END
}

t_without_a_state_nothing_is_meant_where_ss_forgets_its_a() {
	python <<'END'
others = json.load(open("../asked"))["others"]
empty = others["state established exclude established"]
assert empty["ours"] == []
assert empty["ss"] and empty["ss"] == others["without -a"]["ss"]
END
}

t_what_ss_refuses_or_takes_for_everything_may_be_more() {
	python <<'END'
others = json.load(open("../asked"))["others"]
assert others["dst ::1"]["ss"] is None
assert [row[4] for row in others["dst ::1"]["ours"]] and all(row[4] == "::1" for row in others["dst ::1"]["ours"])
# of this ss makes any port
assert others["sport = *:22"]["ss"] == others[""]["ss"]
assert "column 9" in others["sport = *:22"]["ours"]
END
}

run_tests

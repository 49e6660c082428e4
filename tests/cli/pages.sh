#!/bin/bash
# SPDX-License-Identifier: MIT
# The man pages and --help say the same of each tool: which options it has, what they take, and how it ends.
# shellcheck disable=SC2119 # no test here passes an argument to python
. "$(dirname "$0")/../lib.sh"

export TOP
PRELUDE+='
TOOLS = "sockrec", "sockquery", "sockdiff", "sockreplay"
TOP = os.environ["TOP"]

def page(name):
    return read(os.path.join(TOP, "docs", "man", name)).decode()

def section(text, name):
    return re.search(r"^\.Sh %s\n(.*?)(?=^\.Sh |\Z)" % name, text, re.M | re.S)[1]

def help_of(tool):
    return subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout

def options_of_help(tool):
    """{names: what they take}, as in ("-d", "--duration"): "needs"."""
    found = {}
    for line in help_of(tool).splitlines():
        match = re.match(r"  (?:(-.)|   )(?:, |  | )?(--[a-z0-9-]+)?(\[=[A-Z]+\]|[= ][A-Z]+)?  ", line)
        if match:
            kind = "none" if not match[3] else "may" if match[3][0] == "[" else "needs"
            found[tuple(name for name in match.groups()[:2] if name)] = kind
    return found

def items(tool):
    """The same of the page, and of each name the text below it."""
    found, texts = {}, {}
    for head, text in re.findall(r"^\.It (Fl .*)\n((?:(?!\.It Fl |\.El).*\n)*)", page(tool + ".1"), re.M):
        names, kind = [], "none"
        for part in head.split(" , "):
            words = part.removeprefix("Fl ").split()
            names.append("-" + words[0])
            kind = "may" if "Op" in words else "needs" if "Ar" in words else "none"
            texts[names[-1]] = text
        # two of a kind may share an item
        for group in [names] if len(names[0]) == 2 else [[name] for name in names]:
            assert tuple(group) not in found, group
            found[tuple(group)] = kind
    return found, texts
'

t_each_option_is_in_help_and_page_and_takes_the_same_in_both() {
	python <<'END'
for tool in TOOLS:
    told, described = options_of_help(tool), items(tool)[0]
    assert len(told) > 8 and ("--help",) in told, told
    assert not differ("the help of " + tool, told.items(), described.items())
END
}

t_each_option_is_in_the_synopsis_and_nothing_else() {
	python <<'END'
for tool in TOOLS:
    synopsis = section(page(tool + ".1"), "SYNOPSIS")
    short, long = "", set()
    for words in re.findall(r"Fl ([^\s|]+)", synopsis):
        if words[0] == "-":
            long.add("-" + words)
        else:
            short += words
    long.add("--version") if "--help" in long and "| -version" in synopsis else None
    options = options_of_help(tool)
    missing = [names for names in options if names != ("-@",) and not (long & set(names)) and names[0][1:] not in short]
    names = {name for names in options for name in names}
    assert not missing, (tool, missing)
    assert long | {"-" + letter for letter in short} <= names, (tool, long, short)
END
}

t_words_that_an_option_takes_are_in_its_place_of_the_page() {
	python <<'END'
asked = 0
for tool in TOOLS:
    texts = items(tool)[1]
    for names, kind in options_of_help(tool).items():
        if kind != "needs" or names[-1] == "-@":
            continue
        done = subprocess.run([tool, names[-1] + "=no such word", "nowhere"], capture_output=True, text=True)
        said = re.match(r"%s: %s: '.*' is none of (.*)\n" % (tool, names[-1]), done.stderr)
        if not said:
            continue
        asked += 1
        for word in said[1].split(", "):
            assert re.search(r"\b%s\b" % word, texts[names[-1]]), (tool, names, word)
assert asked > 5, asked
END
}

t_exit_statuses_are_the_same_in_help_and_page() {
	python <<'END'
for tool in TOOLS:
    told = re.search(r"^Exit status: (.*)\. See %s\(1\)\.$" % tool, help_of(tool), re.M)[1].replace("env(1)", "env")
    described = re.findall(r"^\.It (\d+)$", section(page(tool + ".1"), "EXIT STATUS"), re.M)
    assert sorted(re.findall(r"\d+", told)) == sorted(described), (tool, told, described)
END
}

t_each_variable_of_the_environment_that_is_asked_for_is_in_a_page() {
	python <<'END'
described = set()
for tool in TOOLS:
    for line in re.findall(r"^\.It Ev (.*)$", section(page(tool + ".1"), "ENVIRONMENT"), re.M):
        described |= set(line.split(" , "))
asked = set()
for name in os.listdir(os.path.join(TOP, "cmd")):
    asked |= set(re.findall(r'getenv\("(\w+)"\)', read(os.path.join(TOP, "cmd", name)).decode()))
assert asked and asked <= described, (asked, described)
END
}

t_each_fact_of_a_header_is_in_the_page_of_the_format_and_of_the_tool_that_writes_it() {
	python <<'END'
facts = set()
for name in os.listdir(os.path.join(TOP, "cmd")):
    if name.endswith(".c"):
        text = read(os.path.join(TOP, "cmd", name)).decode()
        facts |= set(re.findall(r'"((?:host|recorder|slice)\.[a-z_0-9.]*[a-z0-9])"', text)) - {"recorder.h"}
assert len(facts) > 30, facts
for fact in facts:
    for name in "skt.5", "sockquery.1" if fact.startswith("slice.") else "sockrec.1":
        assert re.search(r"^\.It (Cm )?(.* )?%s( .*)?$" % re.escape(fact), page(name), re.M), (name, fact)
END
}

t_each_line_of_info_is_in_the_page_and_no_other() {
	python <<'END'
rec = os.path.join(TOP, "fixtures", "rec")
names = [os.path.join(rec, name) for name in sorted(os.listdir(rec)) if name.endswith(".skt") or name.startswith("dir-")]
names += [os.path.join(rec, "dir-whole", name) for name in os.listdir(os.path.join(rec, "dir-whole"))]
said = subprocess.run(["sockquery", "--info"] + names, capture_output=True, text=True).stdout
# names take 24 columns; what stands below one is indented
told = {line[:24].strip() for line in said.splitlines() if line[:1].strip()}
listed = re.findall(r"^\.It (.*)$", section(page("sockquery.1"), "ABOUT A RECORDING"), re.M)
described = {name for item in listed for name in item.split(" , ")}
facts = tuple(name[:-1] for name in described if name.endswith("*")) + ("note",)
told = {name for name in told if not name.startswith(facts)}
assert len(told) > 25, told
assert told <= described, told - described
# some need what no recording there has
texts = "".join(read(os.path.join(TOP, "cmd", name)).decode() for name in ("info.c", "info_totals.c"))
for name in described - told:
    assert name.startswith(facts) or '"%s"' % name in texts, name
END
}

t_each_member_of_the_coverage_is_in_the_page_and_no_other() {
	python <<'END'
rec = os.path.join(TOP, "fixtures", "rec", "gap.skt")
said = json.loads(subprocess.run(["sockquery", "--coverage", rec, "sport = :9"], capture_output=True, text=True).stdout)
text = section(page("sockquery.1"), "WHAT A NO IS WORTH")
described = [name for item in re.findall(r"^\.It Cm (.*)$", text, re.M) for name in item.split(" , ")]
assert list(said) and not differ("the coverage", said, described)
for name in said["holes"][0]:
    assert re.search(r"^\.Cm (.* )?%s( .*)?$" % name, text, re.M), name
END
}

t_each_field_of_a_row_is_in_the_page_of_the_tool_that_prints_it() {
	python <<'END'
guide = os.path.join(TOP, "fixtures", "guide", "pileup.skt")

def run(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout

def missing(names, *texts):
    assert len(names) > 10, names
    return [name for name in names if not any(re.search(r"^\.(?:It )?Cm (?:.* )?%s\b" % name, text, re.M) for text in texts)]

query, events = page("sockquery.1"), section(page("sockquery.1"), "EVENTS")
for view in "sockets", "flows", "changes", "processes", "snapshots":
    names = [json.loads(line)["name"] for line in run("sockquery", "--list-fields", "--view=" + view, "--format=jsonl").splitlines()]
    # changes are those of `sockrec --watch`, says the page
    texts = [query] + [page("sockrec.1")] * (view == "changes")
    assert not missing(names, *texts), (view, missing(names, *texts))
for name, tool, text in ("sockdiff.1", "sockdiff", events), ("sockrec.1", "sockreplay", events):
    names = list(json.loads(run(tool, "--format=jsonl", guide).splitlines()[0]))
    assert not missing(names, page(name), text), (name, missing(names, page(name), text))
END
}

t_pages_refer_to_each_other_and_to_sections_that_there_are() {
	python <<'END'
pages = sorted(os.listdir(os.path.join(TOP, "docs", "man")))
assert len(pages) == 6, pages
for name in pages:
    text = page(name)
    headings = {heading.lower() for heading in re.findall(r"^\.S[hs] (.*)$", text, re.M)}
    for wanted in re.findall(r"^(?:\.Sx|\.Pq see Sx) (.*?)(?: [.,;:)]| No\b.*)*$", text, re.M):
        assert wanted.lower() in headings, (name, wanted)
    # SEE ALSO has no page twice, and in order: by section, then by name
    seen = re.findall(r"^\.Xr (\S+) (\d)", section(text, "SEE ALSO"), re.M)
    assert seen == sorted(set(seen), key=lambda xr: (xr[1], xr[0])), (name, seen)
    for other, number in re.findall(r"\bXr (\S+) (\d)", text):
        if other.startswith(("sock", "skt")) and other not in ("sock_diag", "socket"):
            assert "%s.%s" % (other, number) in pages, (name, other)
END
}

t_what_the_faq_says_to_type_in_place_of_other_tools_is_understood() {
	cp "$TOP/fixtures/guide/pileup.skt" REC
	python <<'END'
rows = re.findall(r"^\| .* \| (.*) \|$", read(os.path.join(TOP, "docs", "faq.md")).decode(), re.M)
commands = [command for row in rows for command in re.findall(r"`(sock(?:query|replay)[^`]* [^`]*)`", row)]
assert len(commands) > 10, commands
for command in commands:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, (command, done.stderr)
END
}

t_figures_of_the_readme_are_those_of_the_benchmarks() {
	"$TOP/bench/figures"
}

run_tests

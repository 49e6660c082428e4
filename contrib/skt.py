#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read recordings of sockets and their holders, as sockrec(1) writes them.

    contrib/skt.py FILE|DIR

prints all that a recording holds, in the form that tests/host/skt-dump.c describes: one JSON object a line. Of a
directory, all that each of its recordings holds, by the numbers of the files; whether they follow from each other is
not asked. Exit status 0, or 2 where a file cannot be opened or its header not be read.

    recording = skt.open("host.skt")
    for snapshot in recording:
        for table in snapshot.tables:
            for row in table.rows:
                print(snapshot.time, row.local_port, row.owners)
    for stop in recording.stops:
        print(stop.what, stop.after, stop.next)

This is written from the page skt(5) alone, and needs nothing but Python. It is there to prove that the page says all
that a reader has to know, and to be a second opinion on what is in a file: the tests hold it against the C reader. The
words in capitals are those of the page. Nothing in a file is believed before it has been held against its limit.
"""
import json
import os
import struct
import sys
import zlib
from collections import namedtuple

# ---- what the page says of limits (LIMITS) ----

FIXED, HEADER, PAYLOAD, SECTIONS, STRING = 160, 1 << 20, 1 << 26, 1 << 28, 1 << 22
STRINGS_OF_GROUP, BYTES_OF_GROUP, TABLES, USERS = 1 << 22, 1 << 28, 1 << 16, 1 << 16
ROWS, PROCESSES, HOLDERS, RAW_LINES, EVENTS_OF_STEP = 1 << 21, 1 << 20, 1 << 23, 1 << 20, 1 << 20
WALKED, MOVED = 1 << 27, 1 << 22
FINDINGS = 16
GROUPS, NUMBER = 1 << 22, 1 << 62
TIME = (1 << 62) - 1
U32, U64 = 1 << 32, 1 << 64

MAGIC = b"\x89SKT\r\n\x1a\n"
KEY, STEPS, END, INDEX, GAP = range(1, 6)
META, STRINGS, IDENTITY, STATE, RESIDUAL, EVENTS = range(1, 7)
FRAME = 64 + 40  # bytes of a block that are no payload


class Refused(Exception):
    """This cannot be read at all."""


class Damage(Exception):
    """These bytes are none that a recorder writes."""


class Newer(Exception):
    """This needs a later version of the format."""


def need(true):
    """What must hold, or else this is damage."""
    if not true:
        raise Damage


class Cursor:
    """Takes numbers from bytes, from the first to the last (Conventions)."""

    def __init__(self, data):
        self.data, self.at, self.end = data, 0, len(data)

    def left(self):
        return self.end - self.at

    def bytes(self, count):
        need(count <= self.end - self.at)
        self.at += count
        return self.data[self.at - count:self.at]

    def word(self, size, signed=False):
        return int.from_bytes(self.bytes(size), "little", signed=signed)

    def byte(self):
        need(self.at < self.end)
        self.at += 1
        return self.data[self.at - 1]

    def varint(self, below=U64):
        byte = value = self.byte()
        if byte >= 0x80:
            value, shift = byte & 0x7F, 7
            while byte >= 0x80:
                need(shift < 70)
                byte = self.byte()
                value |= (byte & 0x7F) << shift
                shift += 7
            need(byte)
        need(value < below)
        return value

    def count(self, most, size=1):
        """How many items follow, each of which takes so many bytes at least."""
        value = self.varint()
        need(value <= most and value * size <= self.left())
        return value

    def zigzag(self, bits=64):
        value = self.varint()
        value = value >> 1 ^ -(value & 1)
        need(-1 << bits - 1 <= value < 1 << bits - 1)
        return value

    def time(self):
        return in_time(self.word(8, signed=True))

    def time_from(self, other):
        return in_time(other + in_time(self.zigzag()))

    def record(self):
        return Cursor(self.bytes(self.varint()))

    def slots(self, below):
        """A slot list, whose slots are all lower than that."""
        slots, slot = [], -1
        for _ in range(self.count(below)):
            step = self.varint()
            need(step or slot < 0)
            slot = max(slot, 0) + step
            need(slot < below)
            slots.append(slot)
        return slots


def in_time(value):
    need(-TIME <= value <= TIME)
    return value


def hash_of(numbers):
    """The hash of DIGEST."""
    value = 0
    for number in numbers:
        value = (value ^ number % U64) * 0x9E3779B97F4A7C15 % U64
        value ^= value >> 32
    return value


# ---- what a snapshot is made of ----

class Thing:
    """Something with the fields of __slots__; never changed once it is in a snapshot."""

    __slots__ = ()

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)

    def copy(self):
        twin = type(self)()
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    def __repr__(self):
        return "%s(%s)" % (type(self).__name__, ", ".join("%s=%r" % (n, getattr(self, n, None)) for n in self.__slots__))


class Row(Thing):
    """A socket. owners are (pid, start_time, fd); table, slots and hash serve the decoder."""

    __slots__ = ("local_address", "local_port", "remote_address", "remote_port", "state", "uid", "inode", "owner",
                 "owner_gaps", "owners", "has", "tx_queue", "rx_queue", "timer", "expires", "retransmits",
                 "probes", "ref", "sk", "rto", "ato", "quick", "cwnd", "ssthresh", "drops", "tail", "text",
                 "table", "slots", "hash")

    def ticks(self, boottime):
        """The column tm->when, as the kernel printed it (Timers)."""
        return (self.expires - boottime) // 10000000 if self.has & TIMER and self.expires > boottime else 0

    def pull(self, off, boottime):
        """Move its timer to where it predicts so many ticks more (Timers)."""
        ticks = self.ticks(boottime) + off
        need(0 <= ticks < U32)
        expires = boottime + (ticks if off > 0 else ticks + 1) * 10000000
        self.expires = in_time(-(-expires // 1000000) * 1000000 - (0 if off > 0 else 1000000))

    def digest(self):
        """Its share of the sum of DIGEST."""
        if self.hash is None:
            ends = self.local_address.ljust(16, b"\0") + self.remote_address.ljust(16, b"\0")
            holders = [number for slot, owner in zip(self.slots, self.owners) for number in (slot, owner[2])]
            self.hash = hash_of((self.table, self.local_port, self.remote_port, *struct.unpack("<4Q", ends), self.inode,
                                 self.sk, self.rto, self.ato, self.tx_queue, self.rx_queue, self.retransmits,
                                 self.probes, self.uid, self.ref, self.quick, self.cwnd, self.ssthresh, self.drops,
                                 self.tail[0], self.text[0], self.has, self.state, self.timer, self.expires, self.owner,
                                 self.owner_gaps, len(self.slots), hash_of(holders))) % U32
        return self.hash


class Process(Thing):
    """has tells which of the fields are known, one bit each."""

    __slots__ = ("pid", "start_time", "has", "ppid", "uid", "comm", "exe", "exe_deleted", "cmdline",
                 "cmdline_truncated", "cgroup", "net_namespace", "threads", "state", "exited")


class Table(Thing):
    """One of the files under /proc/net of one network namespace. raw are (rows before it, line)."""

    __slots__ = ("kind", "source", "status", "net_namespace", "heading", "error", "read_time", "read_us", "duplicates",
                 "malformed", "raw", "rows")


class Snapshot(Thing):
    """What was known at one instant, when reading it took until `end`. quality and users are dicts."""

    __slots__ = ("number", "time", "boottime", "end", "missed", "quality", "users", "tables", "processes", "events")


Stop = namedtuple("Stop", "after next offset what")
Head = namedtuple("Head", "type ancillary length sequence number snapshots first last raw")
Event = namedtuple("Event", "source change time row kind net_namespace local_address remote_address local_port remote_port "
                   "state uid inode has sent received rtt retransmits duration late")

# ---- columns of rows (COLUMNS) ----

Column = namedtuple("Column", "id name section how size")
COLUMNS = [Column(*column) for column in (
    (2, "local_address", IDENTITY, "address", 16), (3, "local_port", IDENTITY, "fixed", 2),
    (4, "remote_address", IDENTITY, "address", 16), (5, "remote_port", IDENTITY, "fixed", 2),
    (6, "state", IDENTITY, "fixed", 1), (12, "uid", IDENTITY, "varint", 4), (14, "inode", IDENTITY, "delta", 8),
    (25, "owner", IDENTITY, "fixed", 1), (26, "owner_gaps", IDENTITY, "fixed", 1), (27, "owners", IDENTITY, "owners", 0),
    (28, "has", STATE, "varint", 4), (7, "tx_queue", STATE, "varint", 4), (8, "rx_queue", STATE, "varint", 4),
    (9, "timer", STATE, "fixed", 1), (10, "expires", STATE, "timer", 0), (11, "retransmits", STATE, "varint", 4),
    (13, "probes", STATE, "signed", 4), (15, "ref", STATE, "signed", 4), (16, "sk", STATE, "fixed", 8),
    (17, "rto", STATE, "delta", 8), (18, "ato", STATE, "delta", 8), (19, "quick", STATE, "varint", 4),
    (20, "cwnd", STATE, "delta", 4), (21, "ssthresh", STATE, "signed", 4), (22, "drops", STATE, "delta", 4),
    (23, "tail", STATE, "string", 4), (24, "text", STATE, "string", 4))]
ALWAYS = {2, 3, 4, 5, 6, 25, 26}  # columns that rows cannot come without
CHANGING = sum(1 << bit for bit in (6, 12, 14, 25, 26, 27))  # those of IDENTITY that may change
TIMER, HAS = 1 << 10, 1 << 28  # as bits of masks, and TIMER of `has`
EXITED = 1 << 10  # of a process
ROW_BYTES = 15  # a row that came takes no less in IDENTITY

# ---- columns of events (EVENTS) ----

(SAYS, ROW, FIELDS, WHEN, LATE, TABLE, LOCAL, LOCAL_PORT, REMOTE, REMOTE_PORT, INODE, UID, SENT, RECEIVED, RTT, RETRANSMITS,
 MS, US) = range(1, 19)


class Told:
    """The columns of a step's events, and what the next one is told against. One that is not there has 0 everywhere."""

    def __init__(self, part):
        self.columns, self.high, last = {}, {}, 0
        self.when, self.late, self.last_inode = None, 0, 0
        for _ in range(part.varint(256)):
            ident, values = part.byte(), part.record()
            if SAYS <= ident <= US:
                need(ident > last and values.left())
                last = ident
                self.columns[ident] = values
        for ident in (LOCAL_PORT, REMOTE_PORT):
            if ident in self.columns:
                whole = self.columns[ident]
                self.columns[ident] = Cursor(whole.bytes(whole.left() // 2))
                self.high[ident] = Cursor(whole.bytes(whole.left()))

    def left(self, ident):
        return self.columns[ident].left() if ident in self.columns else 0

    def varint(self, ident, below=U64):
        return self.columns[ident].varint(below) if ident in self.columns else 0

    def zigzag(self, ident):
        return self.columns[ident].zigzag() if ident in self.columns else 0

    def bytes(self, ident, count):
        return self.columns[ident].bytes(count) if ident in self.columns else bytes(count)

    def port(self, ident):
        return self.columns[ident].byte() | self.high[ident].byte() << 8 if ident in self.columns else 0

    def inode(self):
        self.last_inode = (self.last_inode + self.zigzag(INODE)) % U64
        return self.last_inode

    def end(self):
        """All of it has been used up."""
        need(not any(column.left() for columns in (self.columns, self.high) for column in columns.values()))


class Group:
    """Turns the payloads of a key block and of the steps behind it into snapshots (PAYLOAD to DIGEST)."""

    def __init__(self):
        self.strings, self.numbers, self.string_bytes = [b""], {b""}, 1
        self.users, self.tables, self.order, self.names, self.named = {}, {}, {}, set(), {}
        self.rows, self.processes = {}, {}
        self.next_table = self.next_row = self.next_process = 0
        self.holders, self.walked, self.moved, self.time = 0, 0, 0, None

    def block(self, head, payload):
        """Yield the snapshots of a block."""
        parts = sections(payload)
        for nth in range(head.snapshots):
            snapshot = self.step(parts, head.number + nth)
            need(self.time is None or snapshot.time >= self.time)
            self.time = snapshot.time
            need(nth or self.time == head.first)
            if nth == head.snapshots - 1:
                need(self.time == head.last)
                digest = parts[META].word(4)
                need(not any(part.left() for part in parts.values()))
                need(digest == sum(row.digest() for row in self.rows.values()) % U32)
            yield snapshot

    def step(self, parts, number):
        """The snapshot after the next step (APPLYING)."""
        self.take_strings(parts[STRINGS])
        snapshot = self.take_meta(parts[META].record(), number)
        self.fresh_row, self.boottime = self.next_row, snapshot.boottime
        # a table that went with this step leaves the order of rows last
        before, tables = dict(self.rows), {slot: self.named[slot] for slot in self.order}
        self.take_processes(parts[IDENTITY])
        self.take_rows(parts[IDENTITY])
        told = self.take_state(parts[STATE])
        self.take_residual(parts[RESIDUAL], told)
        snapshot.events = self.take_events(parts[EVENTS], snapshot.time, before, tables)
        snapshot.users = dict(self.users)
        snapshot.tables = self.take_stock()
        named = {slot for row in self.rows.values() for slot in row.slots}
        snapshot.processes = [process for slot, process in self.processes.items() if not process.exited or slot in named]
        return snapshot

    # -- strings and what is about the whole snapshot --

    def take_strings(self, part):
        for _ in range(part.count(STRINGS_OF_GROUP - len(self.strings), 2)):
            length = part.varint(STRING + 1)
            self.string_bytes += length + 1
            need(self.string_bytes <= BYTES_OF_GROUP)
            string = part.bytes(length)
            need(string not in self.numbers)
            self.numbers.add(string)
            self.strings.append(string)

    def string(self, part):
        return self.strings[part.varint(len(self.strings))]

    def take_meta(self, part, number):
        time, boottime = part.time(), part.time()
        need(boottime >= 0)
        end = part.time_from(time)
        missed = part.varint(U32)
        quality = {"walk": part.byte()}
        for name in "processes", "links", "denied", "vanished", "unsearched", "malformed":
            quality[name] = part.varint(U32)
        quality["walk_us"] = part.varint(U32)
        with_raw, slot = [], -1
        for _ in range(part.count(TABLES, 12)):
            below, slot = slot, part.varint(TABLES)
            need(slot > below)
            if self.take_table(part, slot, time):
                with_raw.append(slot)
        need(sum(self.take_raw(part, slot) for slot in with_raw) <= RAW_LINES)
        last, users = -1, part.count(USERS, 2)
        self.walked += len(self.users) if users else 0
        for _ in range(users):
            below, last = last, part.varint(U32)
            need(last > below)
            self.users[last] = self.string(part)
        need(len(self.users) <= USERS)
        quality["netns_denied"] = part.varint(U32)
        quality["checked_since"] = part.time_from(time) if part.varint(2) else 0
        quality["findings"] = [self.take_finding(part) for _ in range(part.varint(FINDINGS + 1))]
        quality["more_findings"] = part.varint(U32)
        quality["events_tables"] = part.varint(U32)
        quality["events_deaf"] = part.varint(U32)
        lost = part.varint(2)
        quality["events_lost_since"] = part.time_from(time) if lost else 0
        quality["events_lost_until"] = part.time_from(time) if lost else 0
        need(not lost or quality["events_lost_since"] <= quality["events_lost_until"] != 0)
        lived = part.byte()
        need(lived <= 3)
        quality["lived_told"], quality["lived_lost"] = bool(lived & 1), bool(lived & 2)
        quality["lived_more"] = part.varint(U32)
        return Snapshot(number=number, time=time, boottime=boottime, end=end, missed=missed, quality=quality)

    def take_finding(self, part):
        kind, table = part.byte(), part.byte()
        need(table < 8)
        return {"kind": kind, "table": table, "pid": part.varint(U32), "fd": part.varint(2**31 + 1) - 1,
                "inode": part.varint(), "net_namespace": part.varint()}

    def take_table(self, part, slot, time):
        """What is said of one table; whether its raw lines follow."""
        flags, kind, source, status = part.byte(), part.byte(), part.byte(), part.byte()
        need(flags < 3 and kind < 8 and status < 3)
        table = Table(kind=kind, source=source, status=status, net_namespace=part.varint(), heading=self.string(part),
                      error=part.zigzag(32), read_time=0, rows=())
        need(table.error <= 0)
        if part.varint(2):
            table.read_time = part.time_from(time)
        table.read_us, table.duplicates, table.malformed = (part.varint(U32) for _ in range(3))
        table.raw = []
        name = kind, table.net_namespace
        if slot == self.next_table:
            need(not flags & 1 and name not in self.names)
            self.next_table += 1
            self.order[slot] = []
        else:
            old = self.tables.get(slot)
            need(old and name == (old.kind, old.net_namespace))
            table.raw = old.raw
        self.tables[slot] = table
        self.names.add(name)
        self.named[slot] = name
        if flags & 1:
            del self.tables[slot]
            self.names.remove(name)
        return flags & 2

    def take_raw(self, part, slot):
        """Raw lines; how many."""
        raw, before = [], 0
        for _ in range(part.count(RAW_LINES, 2)):
            last, before = before, part.varint()
            need(before >= last)
            raw.append((before, self.string(part)))
        self.tables[slot].raw = raw
        return len(raw)

    # -- processes --

    def take_processes(self, part):
        slot = 0
        for _ in range(part.count(PROCESSES, 5)):
            record = part.record()
            change = record.byte()
            slot += record.zigzag()
            need(1 <= change <= 4)
            if change == 1:
                need(slot == self.next_process and slot < PROCESSES)
                self.next_process += 1
                process = Process(pid=record.varint(U32), start_time=record.varint(), has=0)
                mask = U32 - 1
            else:
                need(slot in self.processes)
                process = self.processes[slot].copy()
                mask = record.varint(U32)
                need(mask)
            known = record.varint(U32)
            self.take_process(record, process, mask, known, change == 1)
            if change == 4:
                need(not process.exited)
                process.exited = True
            self.processes[slot] = process

    def take_process(self, record, process, mask, known, new):
        if not new:
            known = process.has & ~(mask & ~EXITED) | known & mask & ~EXITED
        process.has = known
        if mask & 1 << 0:
            process.ppid = record.varint(U32)
        if mask & 1 << 1:
            process.uid = record.varint(U32)
        if mask & 1 << 2:
            process.comm = self.string(record)
        if mask & 1 << 3:
            process.exe, process.exe_deleted = self.string(record), bool(record.byte() & 1)
        if mask & 1 << 4:
            process.cmdline, process.cmdline_truncated = self.string(record), bool(record.byte() & 1)
        if mask & 1 << 5:
            process.cgroup = self.string(record)
        if mask & 1 << 6:
            process.net_namespace = record.varint()
        if mask & 1 << 7:
            process.threads = record.varint(U32)
        if mask & 1 << 8:
            process.state = record.byte()
        if mask & EXITED:
            exited = bool(record.byte() & 1)
            if new:
                process.exited = exited

    # -- rows --

    def take_rows(self, part):
        """IDENTITY, behind its processes: rows that went, came, and changed."""
        self.touched, self.listed = set(), []
        for _ in range(2):
            for slot in part.slots(self.fresh_row):
                need(slot in self.rows)
                self.touched.add(self.rows.pop(slot).table)
                self.listed.append(slot)
        came = []
        while True:
            count = part.varint()
            if not count:
                break
            table = part.varint(TABLES)
            need(table in self.tables and (len(came) + count) * ROW_BYTES <= part.left())
            need(self.next_row + count <= ROWS)
            for _ in range(count):
                row = Row(table=table, expires=0, owners=(), slots=(), tail=(0, b""), text=(0, b""), hash=None)
                for column in COLUMNS:
                    if column.how in ("fixed", "varint", "signed", "delta"):
                        setattr(row, column.name, 0)
                self.rows[self.next_row] = row
                self.next_row += 1
                came.append(row)
        self.take_columns(part, IDENTITY, came)
        self.listed += range(self.fresh_row, self.next_row)
        self.take_changes(part, IDENTITY)

    def take_state(self, part):
        """STATE; slots of the rows whose timers it tells."""
        came = [self.rows[slot] for slot in range(self.fresh_row, self.next_row)]
        self.take_columns(part, STATE, came)
        return self.take_changes(part, STATE)

    def take_changes(self, part, section):
        """Rows that changed; slots of those with a timer that is told."""
        slots = part.slots(self.fresh_row)
        self.listed += slots if section == IDENTITY else ()
        masks = [part.varint(U32) for _ in slots]
        rows = []
        for slot, mask in zip(slots, masks):
            need(slot in self.rows and mask)
            need(not mask & (~CHANGING if section == IDENTITY else CHANGING | 0x3F))
            row = self.rows[slot] = self.rows[slot].copy()
            row.hash = None
            rows.append(row)
        was = [row.has for row in rows]
        self.take_columns(part, section, rows, masks)
        for row, mask, had in zip(rows, masks, was):
            if (row.has ^ had) & TIMER:
                need(mask & TIMER and mask & HAS)
        return {slot for slot, mask in zip(slots, masks) if mask & TIMER}

    def take_columns(self, part, section, rows, masks=None):
        """Columns of rows that came, or, with masks, of rows that changed."""
        found, last = {}, -1
        known = {column.id: place for place, column in enumerate(COLUMNS)}
        for _ in range(part.varint(256)):
            ident, values = part.byte(), part.record()
            if ident in known:
                need(known[ident] > last and COLUMNS[known[ident]].section == section)
                last = known[ident]
                found[ident] = values
        for column in COLUMNS:
            if column.section != section:
                continue
            with_it = rows if masks is None else [row for row, mask in zip(rows, masks) if mask >> column.id & 1]
            if column.how == "timer":
                for row in with_it:
                    row.expires = 0
                with_it = [row for row in with_it if row.has & TIMER]
            values = found.get(column.id)
            if values is None:
                need(not with_it or masks is None and column.id not in ALWAYS and column.how != "timer")
                continue
            need(with_it)
            getattr(self, "take_" + column.how)(values, column, with_it, masks is None)
            need(not values.left())

    def take_fixed(self, values, column, rows, came):
        count = len(rows)
        planes = values.bytes(count * column.size)
        for nth, row in enumerate(rows):
            setattr(row, column.name, int.from_bytes(planes[nth::count], "little"))

    def take_varint(self, values, column, rows, came):
        for row in rows:
            setattr(row, column.name, values.varint(1 << 8 * column.size))

    def take_signed(self, values, column, rows, came):
        for row in rows:
            setattr(row, column.name, values.zigzag(8 * column.size))

    def take_delta(self, values, column, rows, came):
        value = 0
        for row in rows:
            value = ((value if came else getattr(row, column.name)) + values.zigzag()) % U64
            need(value < 1 << 8 * column.size)
            setattr(row, column.name, value)

    def take_string(self, values, column, rows, came):
        for row in rows:
            number = values.varint(len(self.strings))
            setattr(row, column.name, (number, self.strings[number]))

    def take_address(self, values, column, rows, came):
        for row in rows:
            setattr(row, column.name, values.bytes(16 if self.tables[row.table].kind & 1 else 4))

    def take_timer(self, values, column, rows, came):
        for row in rows:
            left = values.zigzag()
            need(-1 << 42 <= left <= 1 << 42)
            row.expires = in_time((self.boottime // 1000000 + left) * 1000000)

    def take_owners(self, values, column, rows, came):
        counts = [values.count(HOLDERS) for _ in rows]
        self.holders += sum(counts)
        need(sum(counts) * 2 <= values.left() and self.holders <= HOLDERS)
        slot = 0
        for row, count in zip(rows, counts):
            slots, owners = [], []
            for _ in range(count):
                slot += values.zigzag()
                fd = values.zigzag(32)
                need(slot in self.processes)
                process = self.processes[slot]
                slots.append(slot)
                owners.append((process.pid, process.start_time, fd))
            row.slots, row.owners = tuple(slots), tuple(owners)

    # -- timers that were read some ticks off, and order --

    def take_residual(self, part, told):
        for slot in part.slots(self.fresh_row):
            need(slot in self.rows and slot not in told)
            row = self.rows[slot] = self.rows[slot].copy()
            off, row.hash = part.zigzag(32), None
            need(off and row.has & TIMER)
            row.pull(off, self.boottime)
        rows = {table: len(order) for table, order in self.order.items()}
        for order in self.order.values():
            order[:] = [slot for slot in order if slot in self.rows]
        edits = part.count(len(self.rows) + part.left(), 4)
        tables, table = [], 0
        for _ in range(edits):
            step = part.zigzag()
            need(step >= 0)
            table += step
            need(table in self.order)
            tables.append(table)
        keep, drop, put = ([part.varint() for _ in tables] for _ in range(3))
        slots, slot, total = [], 0, sum(put)
        while True:
            count = part.varint()
            if not count:
                break
            slot += part.zigzag()
            need(0 <= slot and slot + count <= self.next_row and len(slots) + count <= len(self.rows))
            slots.extend(range(slot, slot + count))
            slot += count
        need(total == len(slots))
        used, old, new, at, last = 0, [], [], 0, None
        for table, kept, dropped, added in zip(tables, keep, drop, put):
            need(dropped or added)
            if table != last:
                new += old[at:]
                last, old, new, at = table, self.order[table], [], 0
                self.order[table] = new
            need(kept + dropped <= len(old) - at)
            new += old[at:at + kept]
            at += kept + dropped
            new += slots[used:used + added]
            used += added
        new += old[at:]
        self.walked += sum(rows[table] for table in self.touched.union(tables))
        self.moved += sum(drop)
        need(self.walked <= WALKED and self.moved <= MOVED)

    # -- events --

    def take_events(self, part, time, before, tables):
        """Events; before are the rows that there were, tables kind and namespace of those that there were or that came."""
        alike = []
        while True:
            count = part.varint(EVENTS_OF_STEP + 1)
            if not count:
                break
            need(len(alike) + count <= EVENTS_OF_STEP)
            alike += [(part.byte(), part.byte(), part.byte())] * count
        if not alike:
            return []
        columns = Told(part)
        need(min(columns.left(one) for one in (SAYS, ROW, FIELDS)) >= len(alike))
        events = [self.take_event(columns, time, before, tables, *what) for what in alike]
        columns.end()
        return events

    def take_event(self, columns, time, before, tables, source, change, state):
        says, number = columns.varint(SAYS, U32), columns.varint(ROW, len(self.listed) + ROWS + 1)
        slot = None if not number else self.listed[number - 1] if number <= len(self.listed) else number - 1 - len(self.listed)
        row = None if slot is None else before.get(slot) if slot < self.fresh_row else self.rows.get(slot)
        need(row or slot is None)
        has = columns.varint(FIELDS, U32)
        if not says & 1:
            first, last, late = columns.when is None, time if columns.when is None else columns.when, columns.late
            columns.when, columns.late = in_time(last + columns.zigzag(WHEN)), late + columns.zigzag(LATE)
            need((first or columns.when >= last) and 0 <= columns.late < U32)
            in_time(columns.when - time)
        need(columns.when is not None)

        def own(bit, take, name, otherwise):
            return take() if says & bit else getattr(row, name) if row else otherwise

        def address(bit, column, name):
            size = 16 if tables[table][0] & 1 else 4
            return own(bit, lambda: columns.bytes(column, size), name, b"")[:size].ljust(16, b"\0")

        def known(bit, column, below=U64):
            return columns.varint(column, below) if has & bit or says & 256 else 0

        table = own(128, lambda: columns.varint(TABLE, TABLES), "table", 0)
        need(table in tables)
        local = address(2, LOCAL, "local_address")
        local_port = own(4, lambda: columns.port(LOCAL_PORT), "local_port", 0)
        remote = address(8, REMOTE, "remote_address")
        remote_port = own(16, lambda: columns.port(REMOTE_PORT), "remote_port", 0)
        inode = own(32, columns.inode, "inode", 0)
        uid = own(64, lambda: columns.varint(UID, U32), "uid", 0)
        counts = [known(1, SENT), known(2, RECEIVED), known(4, RTT, U32), known(8, RETRANSMITS, U32)]
        duration = known(16, MS) * 1000 + known(16, US, 1000)
        need(duration < U64)
        return Event(source, change, columns.when, slot, *tables[table], local, remote, local_port, remote_port, state, uid,
                     inode, has, *counts, duration, columns.late)

    def take_stock(self):
        """The tables with their rows, if every row stands where it must."""
        tables, seen = [], set()
        for slot, order in list(self.order.items()):
            if slot not in self.tables:
                need(not order)
                del self.order[slot]
                continue
            table = self.tables[slot].copy()
            table.rows = []
            for number in order:
                row = self.rows.get(number)
                need(row and row.table == slot)
                table.rows.append(row)
            need(not table.raw or table.raw[-1][0] <= len(order))
            seen.update(order)
            tables.append(table)
        need(sum(len(table.raw) for table in tables) <= RAW_LINES)
        need(len(seen) == len(self.rows) == sum(map(len, self.order.values())))
        return tables


def sections(payload):
    """The six sections of a payload, inflated."""
    part, found = Cursor(payload), {}
    while part.left():
        ident, codec, _, inflated, stored = struct.unpack("<BBHII", part.bytes(12))
        data = part.bytes(stored)
        if META <= ident <= EVENTS:
            need(ident not in found)
            found[ident] = codec, inflated, data
    need(len(found) == 6 and sum(inflated for _, inflated, _ in found.values()) <= SECTIONS)
    return {ident: Cursor(inflate(*section)) for ident, section in found.items()}


def inflate(codec, inflated, data):
    if codec == 0:
        need(inflated == len(data))
    elif codec == 1:
        need(inflated // 1032 <= len(data))
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(data, inflated + 1)
        except zlib.error:
            raise Damage from None
        need(len(data) == inflated and stream.eof and not stream.unused_data)
    else:
        raise Newer
    return data


# ---- the file (HEADER, BLOCKS, READING) ----

def checked(data):
    """Whether it ends in its CRC-32."""
    return zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")


def facts(data):
    """What the header says that is not in its fixed part."""
    part, found = Cursor(data), []
    while part.left():
        name, value = part.word(2), part.word(4)
        found.append((part.bytes(name), part.bytes(value)))
        need(0 not in found[-1][0] and 0 not in found[-1][1])
    return found


def may_stand(head, sequence, number, inside):
    """Whether a block with that head may stand where these are expected (Finding blocks)."""
    if head.sequence != sequence or head.type == KEY and head.snapshots != 1:
        return False
    if head.type == STEPS and not (inside and head.snapshots):
        return False
    return head.ancillary or head.number == number or not KEY <= head.type <= GAP and not head.snapshots


class Recording:
    """
    A recording; iterating yields its snapshots, and fills stops with the places where reading stopped. groups are the
    offsets of key blocks, as the index has them; None if it cannot be used. Reading does without.
    """

    def __init__(self, path):
        self.stops, self.groups = [], None
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.size = os.fstat(self.fd).st_size
            self.read_header()
            try:
                self.groups = self.read_index()
            except Damage:
                pass
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, at, count):
        """So many bytes from there on; fewer at the end of the file."""
        data = b""
        while len(data) < count:
            more = os.pread(self.fd, count - len(data), at + len(data))
            if not more:
                break
            data += more
        return data

    def read_header(self):
        fixed = self.read(0, FIXED)
        if fixed[:8] != MAGIC:
            raise Refused("not a recording")
        if len(fixed) < FIXED:
            raise Refused("file ends inside the header")
        self.major, self.minor, length, unknown = struct.unpack_from("<HHII", fixed, 8)
        if self.major != 1:
            raise Refused("recording has format version %d, this program reads 1" % self.major)
        if not checked(fixed):
            raise Refused("header is damaged: its checksum is wrong")
        if not FIXED + 4 <= length <= HEADER:
            raise Refused("header is damaged: its length is wrong")
        if unknown:
            raise Refused("recording needs features %#x, which this program lacks" % unknown)
        self.length, self.id, self.mark, self.chain_before = length, fixed[24:40], fixed[40:48], fixed[104:136]
        part = Cursor(fixed)
        part.at = 48
        try:
            self.start, self.start_boottime, self.boot_time, self.interval = (part.time() for _ in range(4))
            self.tables, self.big_endian, self.live = part.word(4), part.byte() & 1 == 1, part.byte() & 1 == 1
            part.at = 88
            self.file_number, self.snapshots_before = part.word(8), part.word(8)
            need(self.interval >= 0 and self.file_number and self.snapshots_before <= NUMBER)
        except Damage:
            raise Refused("header is damaged: a number is out of its range") from None
        data = self.read(0, length)
        if len(data) < length:
            raise Refused("file ends inside the header")
        try:
            need(checked(data))
            self.facts = facts(data[FIXED:-4])
        except Damage:
            self.facts = None

    def head(self, at):
        """The good head that stands there, or None."""
        raw = self.read(at, 64)
        if len(raw) < 64 or raw[:8] != self.mark or not checked(raw):
            return None
        kind, flags, length, sequence, number, snapshots, first, last = struct.unpack("<8xBBxxIQQI4xqq8x", raw)
        if length > PAYLOAD or sequence > NUMBER or number > NUMBER or not (-TIME <= first <= TIME and -TIME <= last <= TIME):
            return None
        ancillary = kind == INDEX or not KEY <= kind <= GAP and flags & 1
        return Head(kind, ancillary, length, sequence, number, snapshots, first, last, raw)

    def payload(self, at, head):
        """The payload of the block there; None if its tail is wrong."""
        if self.read(at + 64 + head.length + 36, 4) != head.raw[12:16]:
            return None
        data = self.read(at + 64, head.length + 40)
        good = len(data) == head.length + 40 and zlib.crc32(data[:-8], zlib.crc32(head.raw)).to_bytes(4, "little") == data[-8:-4]
        return data[:-40] if good else None

    def read_index(self):
        """Offsets of key blocks, by the index blocks; Damage if they cannot be believed (Index blocks)."""
        at = self.size - FRAME
        end = self.head(at)
        need(at >= self.length and end and end.type == END and not end.length and self.payload(at, end) is not None)
        at -= FRAME + int.from_bytes(self.read(at - 4, 4), "little")
        blocks, total = [], 0
        while at:
            head = self.head(at) if at >= self.length else None
            need(head and head.type == INDEX)
            part = Cursor(self.payload(at, head) or b"")
            need(part.word(8) == at)
            before = part.word(8)
            need(before < at)
            block, group = [], (0, 0, 0, 0, 0)
            for _ in range(part.count(65536, 6)):
                offset, sequence, number = (group[nth] + part.varint() for nth in range(3))
                snapshots, first = part.varint(), in_time(group[4] + part.zigzag())
                in_time(first + part.zigzag())
                group = offset, sequence, number, snapshots, first
                block.append(group)
            need(not part.left())
            total += len(block)
            need(total <= GROUPS)
            blocks.append(block)
            at = before
        number, last, offsets = 1, 0, []
        for block in reversed(blocks):
            for offset, sequence, first, snapshots, time in block:
                key = self.head(offset)
                need(offset > last and first == number and snapshots and key and key.type == KEY)
                need((key.sequence, key.number, key.first, key.snapshots) == (sequence, first, time, 1))
                number, last = first + snapshots, offset
                offsets.append(offset)
        need(number == end.number)
        return offsets

    def search(self, at, sequence, number):
        """Where the next whole key block stands, from there on; None if none does (Salvaging)."""
        while at < self.size:
            data = self.read(at, 1 << 20)
            found = data.find(self.mark)
            if found < 0:
                at += max(1, len(data) - 7)
                continue
            at += found
            head = self.head(at)
            if (head and head.type == KEY and head.snapshots == 1 and head.sequence >= sequence
                    and head.number >= number and self.payload(at, head) is not None):
                return at
            at += 1
        return None

    def recorded(self):
        """Whether a recorder writes this file at present."""
        try:
            import fcntl
            lock = fcntl.fcntl(self.fd, fcntl.F_OFD_GETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
            return struct.unpack_from("h", lock)[0] != fcntl.F_UNLCK
        except (AttributeError, ImportError, OSError):
            return False

    def zeros(self):
        """Where the zeros begin that stand at the end of the file."""
        at = self.size
        while at > 0:
            data = self.read(max(0, at - (1 << 20)), min(at, 1 << 20))
            left = len(data.rstrip(b"\0"))
            if left:
                return at - len(data) + left
            at -= len(data)
        return 0

    def torn(self, at, head):
        """Whether the file stops at the block there, of which no key block stands behind (The end of a file)."""
        zeros = self.zeros()
        if self.size - at < 64 or zeros <= at:
            return True
        if not head:
            begun = self.read(at, 64)[:zeros - at]
            return zeros - at < 64 and not self.head(at) and (begun[:8] == self.mark[:len(begun)])
        tail = at + 64 + head.length
        if tail + 40 > self.size:
            return True
        data = head.raw + self.read(at + 64, head.length + 32)
        right = zlib.crc32(data).to_bytes(4, "little") + head.raw[12:16]
        written = max(0, zeros - tail - 32)
        return self.read(tail + 32, 8)[:written] == right[:written]

    def walk(self):
        """Yield (snapshot, None, None), (None, offset, what) where reading stops."""
        at, sequence, number = self.length, 1, 1
        inside = ended = False  # behind the head of a key block and its group's since, behind an end block
        group = None  # what the steps of the group are applied to, as long as it is whole
        while at < self.size:
            head = None if ended else self.head(at)
            head = head if head and may_stand(head, sequence, number, inside) else None
            fits = head and at + FRAME + head.length <= self.size
            steps = fits and head.type in (KEY, STEPS)
            payload = self.payload(at, head) if fits else None
            if payload is None:
                found = None if fits or ended else self.search(at, sequence, number)
                torn = found is None and not ended and self.torn(at, head)
                if not torn and (steps or not fits):
                    yield None, at, "damaged"
                if torn and not self.recorded():
                    yield None, at, "torn"
                if torn or not fits and found is None:
                    return
                if found is not None:
                    head = self.head(found)
                    at, sequence, number, inside = found, head.sequence, head.number, False
                    continue
            here, at, sequence = at, at + FRAME + head.length, sequence + 1
            if head.ancillary:
                continue
            number += head.snapshots
            inside, ended = (inside or head.type == KEY) and head.type != GAP, head.type == END
            if head.type == KEY:
                group = Group()
            if not steps:
                group = None
                if not ended:
                    yield None, here, "gap" if head.type == GAP else "newer"
            elif payload is None:
                group = None
            elif group:
                try:
                    for snapshot in group.block(head, payload):
                        yield snapshot, None, None
                except (Damage, Newer) as stop:
                    group = None
                    yield None, here, "damaged" if isinstance(stop, Damage) else "newer"

    def __iter__(self):
        self.stops, last, place = [], 0, None
        for snapshot, offset, what in self.walk():
            if not snapshot:
                place = place or (offset, what)
                continue
            if place:
                self.stops.append(Stop(last, snapshot.number, *place))
            last, place = snapshot.number, None
            yield snapshot
        if place:
            self.stops.append(Stop(last, 0, *place))


def open(path):
    """A Recording. Refused or OSError if there is none that can be read."""
    return Recording(path)


# ---- the program ----

def text(data):
    return "".join("\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else "\\x%02x" % byte for byte in data)


def line(fields):
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def plain(thing, **others):
    """A thing's fields as they are printed."""
    fields = {name: getattr(thing, name) for name in thing.__slots__ if name not in ("table", "slots", "hash", "events")}
    fields.update(others)
    return {name: text(value) if isinstance(value, bytes) else value for name, value in fields.items()}


def plain_row(row, boottime):
    return plain(row, local_address=row.local_address.hex(), remote_address=row.remote_address.hex(),
                 tail=row.tail[1], text=row.text[1], ticks=row.ticks(boottime))


def plain_event(event):
    """Which row is meant stands in its ends; its slot is a number of this file."""
    return {**event._asdict(), "row": event.row is not None, "local_address": event.local_address.hex(),
            "remote_address": event.remote_address.hex()}


def plain_snapshot(snapshot):
    tables = [plain(table, raw=[(before, text(raw)) for before, raw in table.raw],
                    rows=[plain_row(row, snapshot.boottime) for row in table.rows])
              for table in sorted(snapshot.tables, key=lambda table: (table.net_namespace, table.kind))]
    processes = [plain(process) for process in snapshot.processes]
    processes.sort(key=lambda one: (one["pid"], one["start_time"], one["exited"], line(one)))
    users = [(uid, text(name)) for uid, name in sorted(snapshot.users.items())]
    events = [plain_event(event) for event in snapshot.events]
    return plain(snapshot, type="snapshot", tables=tables, processes=processes, users=users, events=events)


def show(recording):
    print(line({"type": "header", "major": recording.major, "minor": recording.minor,
                "recording_id": recording.id.hex(), "file_number": recording.file_number,
                "snapshots_before": recording.snapshots_before, "chain_before": recording.chain_before.hex(),
                "start": recording.start, "start_boottime": recording.start_boottime,
                "boot_time": recording.boot_time, "interval": recording.interval, "tables": recording.tables,
                "big_endian": recording.big_endian, "live": recording.live,
                "facts_damaged": recording.facts is None,
                "facts": [(text(name), text(value)) for name, value in recording.facts or ()]}))
    for snapshot in recording:
        print(line(plain_snapshot(snapshot)))
    for stop in recording.stops:
        print(line({"type": "stop", **stop._asdict()}))


def show_all(paths):
    """Those that can be read, by number; whether all can."""
    numbered, good = [], True
    for path in paths:
        try:
            with open(path) as recording:
                numbered.append((recording.file_number, recording.start, path))
        except (OSError, Refused) as error:
            print("skt.py: %s: %s" % (path, getattr(error, "strerror", None) or error), file=sys.stderr)
            good = False
    for _, _, path in sorted(numbered):
        with open(path) as recording:
            show(recording)
    return good


def main(arguments):
    if len(arguments) != 1:
        print("usage: skt.py FILE|DIR", file=sys.stderr)
        return 2
    paths = arguments
    if os.path.isdir(paths[0]):
        paths = [entry.path for entry in os.scandir(paths[0])
                 if entry.name.endswith(".skt") and entry.is_file(follow_symlinks=False)]
    return 0 if show_all(paths) else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Readers that stay in their transaction while others write and newcomers come; prints one JSON line of what each group met.

usage: long-readers.py DATABASE JOURNAL SECONDS WRITERS
Two readers, one from the beginning and one from a third of the time on, see at the end what they saw when they began. Half of the
WRITERS keep one connection, the others are a fresh shell for each row. Every 100 ms a newcomer, a fresh shell, reads or (where
there are writers) inserts a row. Everybody is a process of its own, with busy timeout 0.
"""
import collections
import json
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
import time

path, journal, seconds, writers = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
insert, count = "insert into t values (1)", "select count(*) from t"
pause = 0.005  # after each row of a writer: while a reader stays the WAL only grows


class Group:
    def __init__(self):
        self.took_ms, self.errors = [], []

    def meet(self, run, sql):
        began = time.perf_counter()
        error = run(sql)
        self.took_ms.append(round((time.perf_counter() - began) * 1000))
        if error:
            self.errors.append(error)

    def add(self, other):
        self.took_ms += other.took_ms
        self.errors += other.errors

    def report(self):
        done = len(self.took_ms) - len(self.errors)
        return {"done": done, "worstMs": max(self.took_ms, default=0)}


def by_shell(sql):
    return subprocess.run(["sqlite3", path, sql], capture_output=True, text=True).stderr.strip()


def by_connection(rows):
    db = sqlite3.connect(path, timeout=0, isolation_level=None)

    def run(sql):
        try:
            rows[:] = db.execute(sql).fetchall()
        except sqlite3.Error as error:
            return str(error)

    return run


def read(delay, has_begun, results):
    time.sleep(delay)
    group, rows = Group(), []
    run = by_connection(rows)
    group.meet(run, "begin")
    group.meet(run, count)
    has_begun.set()
    seen = rows[:]
    time.sleep(max(0, end - time.monotonic()))
    group.meet(run, count)
    if rows != seen:
        group.errors.append("the snapshot has changed")
    group.meet(run, "commit")
    results.put(("readers", group))


def write(by_whom, results):
    group, run = Group(), by_whom()
    while time.monotonic() < end:
        group.meet(run, insert)
        time.sleep(pause)
    results.put(("writers", group))


setup = sqlite3.connect(path)
setup.execute("pragma journal_mode = " + journal)
setup.execute("create table t (v)")
setup.close()

end = time.monotonic() + seconds
results = multiprocessing.Queue()
has_begun = multiprocessing.Event()
members = [multiprocessing.Process(target=read, args=(delay, has_begun, results)) for delay in (0, seconds / 3)]
for which in range(writers):
    by_whom = (lambda: by_shell) if which % 2 else (lambda: by_connection([]))
    members.append(multiprocessing.Process(target=write, args=(by_whom, results)))
members[0].start()
has_begun.wait()
for member in members[1:]:
    member.start()

groups = {name: Group() for name in ("readers", "writers", "newReaders", "newWriters")}
newcomers = []
while time.monotonic() < end:
    kind, sql = ("newWriters", insert) if writers and len(newcomers) % 2 else ("newReaders", count)
    newcomers.append(threading.Thread(target=groups[kind].meet, args=(by_shell, sql)))
    newcomers[-1].start()
    time.sleep(0.1)
for newcomer in newcomers:
    newcomer.join()
for _ in members:
    kind, group = results.get()
    groups[kind].add(group)
for member in members:
    member.join()

check = sqlite3.connect(path)
print(json.dumps({
    **{name: group.report() for name, group in groups.items()},
    "errors": collections.Counter(f"{name}: {error}" for name, group in groups.items() for error in group.errors),
    "stored": check.execute(count).fetchone()[0],
    "integrity": check.execute("pragma integrity_check").fetchone()[0],
}))

"""Proved readers, alone and beside a writer of 20 commits a second, in turn; prints one JSON line.

usage: readers.py DATABASE JOURNAL SECONDS ROUNDS READERS
Every reader has a connection of its own, busy timeout 0, and reads one row a transaction.
"""
import json
import multiprocessing
import sqlite3
import sys
import time

path, journal, seconds, rounds, readers = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
proved = 100  # reads of each: 16 in a row prove a reader


def read(counts, stop):
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    done = refused = 0
    while not stop.is_set():
        for _ in range(20):
            try:
                db.execute("select v from t where id = 1").fetchone()
                done += 1
            except sqlite3.OperationalError:
                refused += 1
        counts[0] = done
        counts[1] = refused


def write(until):
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    done = refused = 0
    while time.time() < until:
        began = time.time()
        try:
            db.execute("update t set v = v + 1")
            done += 1
        except sqlite3.OperationalError:
            refused += 1
        time.sleep(max(0, 0.05 - (time.time() - began)))
    db.close()  # python itself would leave it open until its next garbage collection: a process with two connections
    return done, refused


setup = sqlite3.connect(path, isolation_level=None)
setup.execute("pragma journal_mode = " + journal)
setup.execute("create table t (id integer primary key, v)")
setup.execute("insert into t values (1, 0)")
setup.close()

stop = multiprocessing.Event()
counts = [multiprocessing.RawArray("q", 2) for _ in range(readers)]
children = [multiprocessing.Process(target=read, args=(count, stop)) for count in counts]
for child in children:
    child.start()
total = lambda which: sum(count[which] for count in counts)
while min(count[0] for count in counts) < proved:
    time.sleep(0.01)
rates = {"alone": [], "beside": []}
commits = writes_refused = 0
for _ in range(rounds):
    before = total(0)
    time.sleep(seconds)
    rates["alone"].append((total(0) - before) / seconds)
    before, began = total(0), time.time()
    done, refused = write(began + seconds)
    commits += done
    writes_refused += refused
    rates["beside"].append((total(0) - before) / (time.time() - began))
stop.set()
for child in children:
    child.join()
middle = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
print(json.dumps({
    "alonePerSecond": round(middle["alone"]),
    "besidePerSecond": round(middle["beside"]),
    "kept": round(middle["beside"] / middle["alone"], 2),
    "commitsPerSecond": round(commits / seconds / rounds, 1),
    "readsRefused": total(1),
    "writesRefused": writes_refused,
}))

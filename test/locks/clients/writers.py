"""Writers that compete for one database; prints one JSON line of what they met.

A database that is there already is written on. usage: writers.py DATABASE JOURNAL TIMEOUT_S SECONDS PROCESSES KIND
KIND: insert (autocommit), immediate (BEGIN IMMEDIATE, read, increment) or deferred (BEGIN, read, increment).
"""
import json
import multiprocessing
import sqlite3
import sys
import time

path, journal, timeout, seconds, processes, kind = sys.argv[1:7]
timeout, seconds, processes = float(timeout), float(seconds), int(processes)


def transaction(db, who, count):
    if kind == "insert":
        db.execute("insert into t values (?, ?)", (who, count))
        return
    db.execute("begin immediate" if kind == "immediate" else "begin")
    (value,) = db.execute("select v from n").fetchone()
    db.execute("update n set v = ?", (value + 1,))
    db.execute("commit")


def work(who, all_ready, results):
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    db.execute("pragma synchronous = full")
    done, waits, errors, longest_failure = 0, [], {}, 0.0
    all_ready.wait()
    stop = time.perf_counter() + seconds
    while not waits or time.perf_counter() < stop:
        began = time.perf_counter()
        try:
            transaction(db, who, done)
            done += 1
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", str(error))
            errors[name] = errors.get(name, 0) + 1
            longest_failure = max(longest_failure, time.perf_counter() - began)
            if db.in_transaction:
                db.execute("rollback")
        waits.append(time.perf_counter() - began)
    results.put((done, waits, errors, longest_failure))


setup = sqlite3.connect(path, timeout=10, isolation_level=None)
setup.execute("pragma journal_mode = " + journal)
setup.execute("create table if not exists t (who, count)")
setup.execute("create table if not exists n (v)")
setup.execute("insert into n select 0 where not exists (select * from n)")
setup.close()

results = multiprocessing.Queue()
all_ready = multiprocessing.Barrier(processes)
children = [multiprocessing.Process(target=work, args=(who, all_ready, results)) for who in range(processes)]
for child in children:
    child.start()
answers = [results.get() for _ in children]
for child in children:
    child.join()

check = sqlite3.connect(path, timeout=10)
stored = check.execute("select count(*) from t" if kind == "insert" else "select v from n").fetchone()[0]
done = [answer[0] for answer in answers]
waits = sorted(wait for answer in answers for wait in answer[1])
errors = {}
for answer in answers:
    for name, count in answer[2].items():
        errors[name] = errors.get(name, 0) + count
print(json.dumps({
    "commitsPerSecond": round(sum(done) / seconds),
    "commits": sum(done),
    "stored": stored,
    "errors": errors,
    "longestFailureMs": round(max(answer[3] for answer in answers) * 1000),
    "p50Ms": round(waits[len(waits) // 2] * 1000, 2),
    "p99Ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
    "worstMs": round(waits[-1] * 1000),
    "leastToMost": round(min(done) / max(max(done), 1), 2),
    "integrity": check.execute("pragma integrity_check").fetchone()[0],
}))

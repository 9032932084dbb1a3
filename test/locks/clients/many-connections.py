"""One process with several threads, each with a connection per transaction, beside processes with one connection and timeout 0.

usage: many-connections.py DATABASE JOURNAL SECONDS THREADS SINGLES KEEP
KEEP: fresh (the singles open a connection per insert too) or kept. Prints one JSON line of what each side met.
"""
import json
import multiprocessing
import sqlite3
import sys
import threading
import time

path, journal, seconds, threads, singles, keep = sys.argv[1:7]
seconds, threads, singles = float(seconds), int(threads), int(singles)


def connect(timeout):
    return sqlite3.connect(path, timeout=timeout, isolation_level=None)


def loop(all_ready, transaction, results):
    done, errors, longest = 0, {}, 0.0
    all_ready.wait()
    stop = time.perf_counter() + seconds
    while done + len(errors) == 0 or time.perf_counter() < stop:
        began = time.perf_counter()
        try:
            transaction()
            done += 1
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", str(error))
            errors[name] = errors.get(name, 0) + 1
        longest = max(longest, time.perf_counter() - began)
    results.put((done, errors, longest))


def of_thread():
    db = connect(10)
    try:
        db.execute("begin")
        db.execute("insert into t values ('thread')")
        db.execute("commit")
    finally:
        db.close()


def many(all_ready, results):
    workers = [threading.Thread(target=loop, args=(all_ready, of_thread, results)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def single(all_ready, results):
    db = connect(0)

    def insert():
        nonlocal db
        if keep == "fresh":
            db.close()
            db = connect(0)
        db.execute("insert into t values ('single')")

    loop(all_ready, insert, results)


def sum_up(answers):
    errors = {}
    for _, met, _ in answers:
        for name, count in met.items():
            errors[name] = errors.get(name, 0) + count
    return {
        "commits": sum(answer[0] for answer in answers),
        "errors": errors,
        "longestMs": round(max(answer[2] for answer in answers) * 1000),
    }


setup = connect(10)
setup.execute("pragma journal_mode = " + journal)
setup.execute("create table t (who)")
setup.close()

ofThreads, ofSingles = multiprocessing.Queue(), multiprocessing.Queue()
all_ready = multiprocessing.Barrier(threads + singles)
children = [multiprocessing.Process(target=many, args=(all_ready, ofThreads))]
children += [multiprocessing.Process(target=single, args=(all_ready, ofSingles)) for _ in range(singles)]
for child in children:
    child.start()
met = {
    "threads": sum_up([ofThreads.get() for _ in range(threads)]),
    "singles": sum_up([ofSingles.get() for _ in range(singles)]),
}
for child in children:
    child.join()
check = connect(10)
met["stored"] = check.execute("select count(*) from t").fetchone()[0]
met["integrity"] = check.execute("pragma integrity_check").fetchone()[0]
print(json.dumps(met))

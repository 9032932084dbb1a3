"""The backup API under writers; prints one JSON line. In every committed state of the source, the sums of a and b agree.

usage: backup.py SOURCE COPY JOURNAL SECONDS
Three processes add to both tables in one transaction, with busy timeout 0, while copies are taken with the same: by python in
steps of 50 pages, and by the shell's .backup. A step is a read transaction; a commit between two steps starts the copy anew.
"""
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time

source, copy, journal, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])


def write(until, results):
    db = sqlite3.connect(source, timeout=0, isolation_level=None)
    done, errors = 0, []
    while time.time() < until:
        try:
            db.execute("begin immediate")
            db.execute("update a set v = v + 1 where id = ?", (done % 500,))
            db.execute("update b set v = v + 1 where id = ?", (done % 500,))
            db.execute("commit")
            done += 1
        except sqlite3.OperationalError as error:
            errors.append(str(error))
            if db.in_transaction:
                db.execute("rollback")
        time.sleep(0.05)
    results.put((done, errors))


def take_by_python():
    db, target = sqlite3.connect(source, timeout=0), sqlite3.connect(copy, timeout=0)
    db.backup(target, pages=50, sleep=0.01)
    db.close()
    target.close()


def take_by_shell():
    done = subprocess.run(["sqlite3", source, ".backup " + copy], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


setup = sqlite3.connect(source, isolation_level=None)
setup.execute("pragma journal_mode = " + journal)
for table in ("a", "b"):
    setup.execute(f"create table {table} (id integer primary key, v, padding)")
    setup.executemany(f"insert into {table} values (?, 0, zeroblob(2000))", [(id,) for id in range(500)])
setup.close()

results = multiprocessing.Queue()
until = time.time() + seconds
writers = [multiprocessing.Process(target=write, args=(until, results)) for _ in range(3)]
for writer in writers:
    writer.start()
copies, problems = {"python": 0, "shell": 0}, []
while time.time() < until:
    for name, take in (("python", take_by_python), ("shell", take_by_shell)):
        try:
            take()
            check = sqlite3.connect(copy)
            (integrity,) = check.execute("pragma integrity_check").fetchone()
            a, b = check.execute("select (select sum(v) from a), (select sum(v) from b)").fetchone()
            check.close()
            if integrity != "ok" or a != b:
                problems.append(f"{name}: {integrity}, {a} and {b}")
            copies[name] += 1
        except (sqlite3.Error, RuntimeError) as error:
            problems.append(f"{name}: {error}")
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(copy + end):
                os.unlink(copy + end)
answers = [results.get() for _ in writers]
for writer in writers:
    writer.join()
db = sqlite3.connect(source)
print(json.dumps({
    "copies": copies,
    "problems": problems,
    "commits": sum(done for done, _ in answers),
    "stored": db.execute("select sum(v) from a").fetchone()[0],
    "writeErrors": [error for _, errors in answers for error in errors],
}))

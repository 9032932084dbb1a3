"""The backup API under writers; prints one JSON line. In every committed state of the source, the sums of a and b agree.

usage: backup.py SOURCE COPY JOURNAL COPIES
Three processes add to both tables in one transaction, with busy timeout 0, until COPIES were taken with the same by the shell's
.backup, and as many by python in steps of 50 pages. A step is a read transaction; a commit between two steps starts the copy anew.
The writers let python finish once that has happened twice.
"""
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time

source, copy, journal, wanted = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def write(are_begun, may_write, is_over, results):
    db = sqlite3.connect(source, timeout=0, isolation_level=None)
    done, errors = 0, []
    while not is_over.is_set():
        may_write.wait()
        try:
            db.execute("begin immediate")
            db.execute("update a set v = v + 1 where id = ?", (done % 500,))
            db.execute("update b set v = v + 1 where id = ?", (done % 500,))
            db.execute("commit")
            done += 1
            if done == 1:
                are_begun.release()
        except sqlite3.OperationalError as error:
            errors.append(str(error))
            if db.in_transaction:
                db.execute("rollback")
        time.sleep(0.05)
    results.put((done, errors))


def take_by_python():
    """Returns whether a commit came between two of its steps."""
    db, target = sqlite3.connect(source, timeout=0), sqlite3.connect(copy, timeout=0)
    left = []

    def begun_anew():
        return sum(after > before for before, after in zip(left, left[1:]))

    def progress(_, remaining, __):
        left.append(remaining)
        if begun_anew() >= 2:
            may_write.clear()

    try:
        db.backup(target, pages=50, progress=progress, sleep=0.01)
    finally:
        may_write.set()
        db.close()
        target.close()
    return begun_anew() > 0


def take_by_shell():
    done = subprocess.run(["sqlite3", source, ".backup " + copy], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return True


setup = sqlite3.connect(source, isolation_level=None)
setup.execute("pragma journal_mode = " + journal)
for table in ("a", "b"):
    setup.execute(f"create table {table} (id integer primary key, v, padding)")
    setup.executemany(f"insert into {table} values (?, 0, zeroblob(2000))", [(id,) for id in range(500)])
setup.close()

results = multiprocessing.Queue()
are_begun, may_write, is_over = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Event()
may_write.set()
writers = [multiprocessing.Process(target=write, args=(are_begun, may_write, is_over, results)) for _ in range(3)]
for writer in writers:
    writer.start()
for _ in writers:
    are_begun.acquire(timeout=30)
copies, problems = {"python": 0, "shell": 0}, []
while min(copies.values()) < wanted and not problems:
    for name, take in (("python", take_by_python), ("shell", take_by_shell)):
        if copies[name] >= wanted:
            continue
        try:
            counts = take()
            check = sqlite3.connect(copy)
            (integrity,) = check.execute("pragma integrity_check").fetchone()
            a, b = check.execute("select (select sum(v) from a), (select sum(v) from b)").fetchone()
            check.close()
            if integrity != "ok" or a != b:
                problems.append(f"{name}: {integrity}, {a} and {b}")
            copies[name] += 1 if counts else 0
        except (sqlite3.Error, RuntimeError) as error:
            problems.append(f"{name}: {error}")
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(copy + end):
                os.unlink(copy + end)
is_over.set()
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

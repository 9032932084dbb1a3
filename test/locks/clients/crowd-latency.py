"""How long other requests take while a crowd waits for a lock; prints one JSON line.

usage: crowd-latency.py DATABASE PROCESSES SECONDS
A transaction holds the write lock, PROCESSES others want to insert, and statfs, which always asks the daemon, is timed all the while.
"""
import json
import os
import sqlite3
import sys
import time

path, processes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
folder = os.path.dirname(path)
setup = sqlite3.connect(path, isolation_level=None)
setup.execute("pragma journal_mode = wal")
setup.execute("create table t (who)")
setup.close()


def insert(who):
    try:
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
        os.write(ready_out, b".")
        go_in.read(1)
        db.execute("insert into t values (?)", (who,))
        os._exit(0)
    except sqlite3.Error as error:
        print(error, file=sys.stderr)
    os._exit(1)


def is_waiting(pid):
    with open(f"/proc/{pid}/wchan") as file:
        return "fuse" in (name := file.read()) or "request_wait" in name


ready_in, ready_out = os.pipe()
go_in, go_out = os.pipe()
go_in = os.fdopen(go_in, "rb", buffering=0)
children = []
for who in range(processes):
    pid = os.fork()
    if pid == 0:
        insert(who)
    children.append(pid)
for _ in children:
    os.read(ready_in, 1)

holder = sqlite3.connect(path, timeout=10, isolation_level=None)
holder.execute("begin immediate")
holder.execute("insert into t values (-1)")
os.write(go_out, b"." * processes)
while not all(is_waiting(pid) for pid in children):
    time.sleep(0.01)
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # its own wait for a processor is not what is measured
except OSError:
    pass
took = []
end = time.perf_counter() + seconds
while time.perf_counter() < end:
    began = time.perf_counter()
    os.statvfs(folder)
    took.append(time.perf_counter() - began)
    time.sleep(0.002)
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
holder.execute("commit")
failed = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
took.sort()
print(json.dumps({
    "failed": failed,
    "stored": holder.execute("select count(*) from t").fetchone()[0],
    "p50Ms": round(took[len(took) // 2] * 1000, 3),
    "p99Ms": round(took[int(len(took) * 0.99)] * 1000, 3),
    "worstMs": round(took[-1] * 1000, 3),
}))

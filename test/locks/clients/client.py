"""A SQLite client that does what it is told: one JSON request a line on stdin, one JSON answer a line on stdout.

{"id", "thread": name, "sql": [...]} runs the statements on that thread's connection of its own; threads work at the same time.
{"id", "thread": name, "open": path, "timeout": seconds, "uri": bool} opens it. {"id", "fork": sql} runs sql in a forked child
that opened nothing itself. {"id", "signals": "restart"|"break"} installs a SIGUSR1 handler.
"""
import json
import os
import queue
import signal
import sqlite3
import sys
import threading
import time

lock = threading.Lock()
threads = {}


def answer(request, **fields):
    with lock:
        sys.stdout.write(json.dumps({"id": request["id"], **fields}) + "\n")
        sys.stdout.flush()


def perform(state, request):
    if "open" in request:
        state["db"] = sqlite3.connect(
            request["open"], timeout=request.get("timeout", 0), isolation_level=None, uri=request.get("uri", False)
        )
        state["path"] = request["open"]
        return []
    rows = []
    for statement in request["sql"]:
        rows = state["db"].execute(statement).fetchall()
    return rows


def serve(requests):
    state = {}
    while True:
        request = requests.get()
        began = time.perf_counter()
        try:
            rows, error = perform(state, request), None
        except sqlite3.Error as problem:
            rows, error = None, getattr(problem, "sqlite_errorname", str(problem))
        answer(request, rows=rows, error=error, tookMs=(time.perf_counter() - began) * 1000)


def fork(request):
    pid = os.fork()
    if pid == 0:
        try:
            db = sqlite3.connect(request["open"], timeout=0, isolation_level=None)
            db.execute(request["fork"])
            os._exit(0)
        except sqlite3.Error:
            os._exit(1)
    answer(request, rows=[[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]], error=None, tookMs=0)


for line in sys.stdin:
    request = json.loads(line)
    if "fork" in request:
        fork(request)
    elif "signals" in request:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.siginterrupt(signal.SIGUSR1, request["signals"] == "break")
        answer(request, rows=[], error=None, tookMs=0)
    else:
        name = request["thread"]
        if name not in threads:
            threads[name] = queue.Queue()
            threading.Thread(target=serve, args=(threads[name],), daemon=True).start()
        threads[name].put(request)
os._exit(0)

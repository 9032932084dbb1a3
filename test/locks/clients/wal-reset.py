"""Steers two processes into the WAL-reset bug of SQLite 3.7.0 to 3.51.2; prints one JSON line.

usage: wal-reset.py DATABASE

The checkpointer is stopped between its look at the WAL header and its look at nBackfill. The only call in between is xUnfetch, so that
method of its open file is replaced. While it is stopped, the writer commits; with the whole WAL copied back already, that
restarts the WAL. The checkpointer goes on with the old header and stores an nBackfill that is far too large: what is committed
next is taken as copied back already, and is lost when the last connection closes.
"""
import ctypes
import json
import os
import sys

sqlite = ctypes.CDLL("libsqlite3.so.0")
sqlite.sqlite3_libversion.restype = ctypes.c_char_p
sqlite.sqlite3_errmsg.restype = ctypes.c_char_p
sqlite.sqlite3_errmsg.argtypes = [ctypes.c_void_p]
sqlite.sqlite3_exec.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
sqlite.sqlite3_close.argtypes = [ctypes.c_void_p]
sqlite.sqlite3_file_control.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
ROW = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_char_p)
)
UNFETCH = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
FILE_POINTER = 7
METHODS = 19  # iVersion and 18 functions, the last of them xUnfetch; 8 bytes each
path = sys.argv[1].encode()


def connect():
    db = ctypes.c_void_p()
    if sqlite.sqlite3_open(path, ctypes.byref(db)) != 0:
        raise SystemExit("cannot open " + sys.argv[1])
    return db


def run(db, sql):
    rows = []

    def row(_, count, values, __):
        rows.append([values[at].decode() if values[at] else None for at in range(count)])
        return 0

    if sqlite.sqlite3_exec(db, sql.encode(), ROW(row), None, None) != 0:
        raise SystemExit(sql + ": " + sqlite.sqlite3_errmsg(db).decode())
    return rows


def stop_in_unfetch(db, stopped, go):
    """Replaces xUnfetch of the main file; returns what must stay alive."""
    file = ctypes.c_void_p()
    sqlite.sqlite3_file_control(db, b"main", FILE_POINTER, ctypes.byref(file))
    methods = ctypes.cast(file, ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64)))
    copy = (ctypes.c_uint64 * METHODS)(*methods[0][:METHODS])

    calls = []

    def unfetch(_, __, ___):
        calls.append(1)
        if len(calls) == 1:
            os.write(stopped, b"s")
            os.read(go, 1)
        return 0

    callback = UNFETCH(unfetch)
    copy[METHODS - 1] = ctypes.cast(callback, ctypes.c_void_p).value
    methods[0] = copy
    return copy, callback


def checkpointer(begin, done, stopped, go):
    db = connect()
    run(db, "SELECT count(*) FROM t")  # knows an old WAL header
    os.write(done, b"r")
    os.read(begin, 1)
    keep = stop_in_unfetch(db, stopped, go)
    run(db, "PRAGMA wal_checkpoint(PASSIVE)")
    os.write(done, b"c")
    os.read(begin, 1)
    sqlite.sqlite3_close(db)
    del keep
    os._exit(0)


writer = connect()
run(writer, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (v)")
sqlite.sqlite3_close(writer)

begin, done, stopped, go = (os.pipe() for _ in range(4))
child = os.fork()
if child == 0:
    checkpointer(begin[0], done[1], stopped[1], go[0])
os.read(done[0], 1)

writer = connect()
run(writer, "PRAGMA wal_autocheckpoint=0")
for n in range(50):
    run(writer, "INSERT INTO t VALUES (%d)" % n)
run(writer, "PRAGMA wal_checkpoint(PASSIVE)")
os.write(begin[1], b"b")
os.read(stopped[0], 1)
run(writer, "INSERT INTO t VALUES (50)")  # restarts the WAL, unless that is refused
os.write(go[1], b"g")
os.read(done[0], 1)
for n in range(51, 55):
    run(writer, "INSERT INTO t VALUES (%d)" % n)
sqlite.sqlite3_close(writer)
os.write(begin[1], b"e")
os.waitpid(child, 0)

check = connect()
print(json.dumps({
    "version": sqlite.sqlite3_libversion().decode(),
    "committed": 55,
    "stored": int(run(check, "SELECT count(*) FROM t")[0][0]),
    "integrity": run(check, "PRAGMA integrity_check")[0][0],
}))

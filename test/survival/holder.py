# Has a database open like a program that outlives the daemon. Arguments: how (connection, map or flight), database. Prints
# `open`; then each line of its input is done: `write N` inserts, `close` lets go.
import mmap
import os
import socket
import sqlite3
import sys

how, path = sys.argv[1:3]
keep = []
if how == "connection":
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    connection.execute("select count(*) from t").fetchone()
    keep.append(connection)
elif how == "transaction":
    # Has the write lock of the mount, and rows that are not committed yet.
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    connection.execute("pragma synchronous = off")
    # A WAL that is not empty: SQLite then appends without asking for another lock.
    connection.execute("insert into t values ('before', 0)")
    connection.execute("begin immediate")
    connection.execute("insert into t values ('holder', 0)")
    keep.append(connection)
elif how == "map":
    fd = os.open(path, os.O_RDWR)
    keep.append(mmap.mmap(fd, 4096))
    os.close(fd)
elif how == "flight":
    fd = os.open(path, os.O_RDWR)
    pair = socket.socketpair()
    socket.send_fds(pair[0], [b"x"], [fd])
    os.close(fd)
    keep.append(pair)
print("open", flush=True)
for line in sys.stdin:
    word = line.split()
    try:
        if word[0] == "write":
            keep[0].execute("insert into t values ('holder', ?)", (int(word[1]),))
        elif word[0] == "commit":
            keep[0].execute("commit")
        elif word[0] == "close":
            for item in keep:
                (item if hasattr(item, "close") else item[0]).close()
                if isinstance(item, tuple):
                    item[1].close()
            keep.clear()
        print("done", flush=True)
    except Exception as error:
        print("failed", error, flush=True)

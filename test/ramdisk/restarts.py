# As test/survival/client.py, in WAL mode with a log that is begun anew every few commits, and rows of several pages.
# Arguments: database, name.
import select
import sqlite3
import sys

path, name = sys.argv[1], sys.argv[2]
connection = sqlite3.connect(path, timeout=2, isolation_level=None)
connection.execute("pragma journal_mode = wal")
connection.execute("pragma wal_autocheckpoint = 8")
connection.execute("create table if not exists t (client text, n integer, filling text)")
number = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    number += 1
    try:
        connection.execute("insert into t values (?, ?, ?)", (name, number, "x" * (number % 7 * 3000)))
        print("ack", number, flush=True)
    except sqlite3.Error as error:
        print("ERR", number, error, flush=True)
        break

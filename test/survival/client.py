# Inserts rows one by one and prints `ack N` for each that was committed and `ERR N text` for each that was not, until its
# standard input ends. After an error it opens the database anew, as a program would. Arguments: database, name, busy timeout in seconds, and
# synchronous (full).
import select
import sqlite3
import sys
import time

path, name, timeout = sys.argv[1], sys.argv[2], float(sys.argv[3])
synchronous = sys.argv[4] if len(sys.argv) > 4 else "full"


def stopped():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def connect():
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    connection.execute("pragma synchronous = " + synchronous)
    return connection


connection = connect()
number = 0
print("ready", flush=True)
while not stopped():
    number += 1
    try:
        connection.execute("insert into t values (?, ?)", (name, number))
        print("ack", number, flush=True)
    except sqlite3.Error as error:
        print("ERR", number, error, flush=True)
        time.sleep(0.05)
        try:
            connection.close()
            connection = connect()
        except sqlite3.Error as error:
            print("ERR", number, "reopen:", error, flush=True)

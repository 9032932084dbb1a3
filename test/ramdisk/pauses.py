# Has the database open, and writes or reads it without a pause, until a line on standard input: then it closes it, says
# `closed`, and opens it again at the next line, until `end`. Arguments: database, name, `write` or `read`. A writer
# inserts rows that count up; a reader looks whether the rows of each writer are all there.
import select
import sqlite3
import sys

path, name, what = sys.argv[1:4]
gaps = "select client from t group by client having count(*) <> max(n) or count(distinct n) <> max(n)"
number = 0


def work():
    global number
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    while not select.select([sys.stdin], [], [], 0)[0]:
        number += 1
        if what == "write":
            connection.execute("insert into t values (?, ?)", (name, number))
        elif connection.execute(gaps).fetchall():
            raise sqlite3.Error("rows are missing")
        print("ack", number, flush=True)
    connection.close()


line = ""
while line != "end\n":
    try:
        work()
    except sqlite3.Error as error:
        print("ERR", number, error, flush=True)
        break
    line = sys.stdin.readline()
    print("closed", flush=True)
    if line != "end\n":
        line = sys.stdin.readline()

# One of several writers of a database. Each transaction changes tables at random and stores, inside itself, a digest of
# everything that the database holds at its commit, and who commits: `seen` certifies every state by itself.
# usage: certified-writer.py DATABASE SEED TRANSACTIONS [SECONDS between two] [MODE,MODE...]: journal modes to choose from
import os, random, sqlite3, sys, time

from content import digest

path, seed, transactions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0
modes = sys.argv[5].split(",") if len(sys.argv) > 5 else []
chance = random.Random(seed)


def connect():
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("pragma synchronous=" + chance.choice(["off", "normal", "full"]))
    db.execute("pragma wal_autocheckpoint=" + chance.choice(["0", "5", "100", "1000"]))
    if modes:
        db.execute("pragma journal_mode=" + chance.choice(modes)).fetchall()
    return db


def tables(db):
    return [row[0] for row in db.execute("select name from sqlite_schema where type = 'table' and name like 't%'")]


def blob():
    return os.urandom(chance.choice([0, 5, 40, 300, 3000, 20000]))


def change(db):
    names = tables(db)
    what = chance.random()
    if not names or (what < 0.04 and len(names) < 6):
        db.execute(f"create table t{chance.randrange(10**9)} (a integer primary key, b, c text)")
        return
    name = chance.choice(names)
    if what < 0.06 and len(names) > 2:
        db.execute(f"drop table {name}")
    elif what < 0.09:
        db.execute(f"create index if not exists i_{name} on {name} (c)")
    elif what < 0.5:
        for _ in range(chance.choice([1, 1, 1, 5, 30])):
            db.execute(f"insert into {name} (b, c) values (?, ?)", (blob(), chance.choice(["x", "yy", None])))
    elif what < 0.75:
        db.execute(f"update {name} set b = ?, c = a where a % ? = 0", (blob(), chance.choice([1, 3, 10])))
    else:
        db.execute(f"delete from {name} where a % ? = 0 or a < (select max(a) - 60 from {name})", (chance.choice([1, 2, 5]),))


def certified(db):
    db.execute("begin immediate")
    for _ in range(chance.choice([1, 1, 2, 4])):
        change(db)
    db.execute("insert into seen (digest, pid) values (?, ?)", (digest(db), os.getpid()))
    db.execute("commit")


def spilled(db):
    """A transaction that is larger than the cache and ends in a rollback, or with its process."""
    mode = db.execute("pragma journal_mode").fetchone()[0]
    if mode == "off":
        return  # nothing could take it back
    db.execute("pragma cache_size = 2")
    db.execute("begin immediate")
    db.execute("create table if not exists t_spill (a integer primary key, b, c text)")
    for _ in range(40):
        db.execute("insert into t_spill (b) values (?)", (os.urandom(3000),))
    # Without a journal nobody could take it back; who opens the database in WAL mode is not captured.
    if "off" not in modes and "wal" not in modes and mode != "memory" and chance.random() < 0.3:
        os.kill(os.getpid(), 9)
    db.execute("rollback")
    db.execute("pragma cache_size = -2000")


def switch():
    """Into WAL mode or out of it, on the connection that is open: only where nobody else has the database open."""
    db.execute("pragma journal_mode=" + chance.choice(modes)).fetchall()


db = connect()
for number in range(transactions):
    what = chance.random()
    if what < 0.02:
        spilled(db)
    if what < 0.05:
        db.execute("pragma wal_checkpoint(" + chance.choice(["passive", "full", "restart", "truncate"]) + ")")
    if what > 0.99:
        db.execute("vacuum")
    if "wal" in modes and what > 0.7:
        switch()
    elif what > 0.95:
        db.close()
        db = connect()
    certified(db)
    print("ok", number, flush=True)
    time.sleep(pause)
db.close()

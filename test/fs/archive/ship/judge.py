# Says what a database holds: of Litestream's reader at moments (lines of text: RFC 3339), or of files (lines: paths).
# Uses nothing of the product. usage: judge.py [EXTENSION]   with LITESTREAM_REPLICA_URL set for Litestream's reader
import hashlib, json, os, sqlite3, sys


def verdict(db):
    whole = db.execute("pragma integrity_check").fetchone()[0]
    sha = hashlib.sha256()
    schema = db.execute("select name, type, sql from sqlite_schema order by name, type").fetchall()
    sha.update(repr(schema).encode())
    rows = 0
    for name, kind, _ in schema:
        if kind == "table":
            for row in db.execute(f'select rowid, * from "{name}" order by rowid'):
                sha.update(repr(row).encode())
                rows += 1
    return {"whole": whole, "content": sha.hexdigest(), "rows": rows}


reader = None
if len(sys.argv) > 1:
    loader = sqlite3.connect(":memory:")
    loader.enable_load_extension(True)
    loader.load_extension(sys.argv[1])
    reader = sqlite3.connect("file:judged.db?vfs=litestream", uri=True, isolation_level=None)

for line in sys.stdin:
    words = line.rstrip("\n")
    try:
        if reader is not None:
            reader.execute("select litestream_set_time(?)", (words,)).fetchall()
        db = reader or sqlite3.connect(f"file:{words}?mode=ro&immutable=1", uri=True)
        print(json.dumps(verdict(db)), flush=True)
    except sqlite3.Error as error:
        print(json.dumps({"whole": str(error), "content": "", "rows": 0}), flush=True)
# The reader's threads would go on.
os._exit(0)

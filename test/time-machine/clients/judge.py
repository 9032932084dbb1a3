# Reads paths of database files, one a line, and says of each: whether it is whole, whether its digest is the one that
# it certifies, and who made its last certified commit. Uses nothing of the product.
import hashlib, json, sqlite3, sys

for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        whole = db.execute("pragma integrity_check").fetchone()[0]
        seen = None
        if db.execute("select 1 from sqlite_schema where name = 'seen'").fetchone():
            seen = db.execute("select number, digest, pid from seen order by number desc limit 1").fetchone()
        sha = hashlib.sha256()
        schema = db.execute(
            "select name, type, sql from sqlite_schema where name not like 'sqlite_%' and name <> 'seen' order by name"
        ).fetchall()
        sha.update(repr(schema).encode())
        for name, kind, _ in schema:
            if kind == "table":
                for row in db.execute(f'select rowid, * from "{name}" order by rowid'):
                    sha.update(repr(row).encode())
        db.close()
        print(json.dumps({
            "whole": whole,
            "number": seen[0] if seen else None,
            "pid": seen[2] if seen else None,
            "isCertified": seen is None or seen[1] == sha.hexdigest(),
        }), flush=True)
    except sqlite3.Error as error:
        print(json.dumps({"whole": str(error), "number": None, "pid": None, "isCertified": False}), flush=True)

# Reads paths of database files, one a line, and says of each: whether it is whole, whether its digest is the one that
# it certifies, and who made its last certified commit. Uses nothing of the product.
import json, sqlite3, sys

from content import digest

for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        whole = db.execute("pragma integrity_check").fetchone()[0]
        seen = None
        if db.execute("select 1 from sqlite_schema where name = 'seen'").fetchone():
            seen = db.execute("select number, digest, pid from seen order by number desc limit 1").fetchone()
        content = digest(db)
        db.close()
        print(json.dumps({
            "whole": whole,
            "number": seen[0] if seen else None,
            "pid": seen[2] if seen else None,
            "isCertified": seen is None or seen[1] == content,
        }), flush=True)
    except sqlite3.Error as error:
        print(json.dumps({"whole": str(error), "number": None, "pid": None, "isCertified": False}), flush=True)

# The digest of what a database holds, but for the table in which its writers certify it.
import hashlib


def digest(db):
    sha = hashlib.sha256()
    schema = db.execute(
        "select name, type, sql from sqlite_schema where name not like 'sqlite_%' and name <> 'seen' order by name"
    ).fetchall()
    sha.update(repr(schema).encode())
    for name, kind, _ in schema:
        if kind == "table":
            for row in db.execute(f'select rowid, * from "{name}" order by rowid'):
                sha.update(repr(row).encode())
    return sha.hexdigest()

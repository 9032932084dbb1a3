"""Makes a database with tables of every sort for the tests of the page: tables.py FILE [ROWS OF events]."""
import sqlite3, sys

db = sqlite3.connect(sys.argv[1], timeout=20)
db.executescript('''
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, score REAL);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), total REAL);
CREATE VIEW best AS SELECT name, score FROM users WHERE score > 50;
CREATE TRIGGER checked AFTER INSERT ON orders BEGIN SELECT 1; END;
CREATE INDEX orders_user ON orders(user_id);
CREATE TABLE pairs(a TEXT, b INTEGER, v TEXT, PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE plain(x, y);
CREATE TABLE "odd ""name"("select" TEXT, "a""b" TEXT, "" TEXT);
CREATE TABLE computed(id INTEGER PRIMARY KEY, w REAL, h REAL, area REAL GENERATED ALWAYS AS (w * h) STORED);
CREATE TABLE kinds(id INTEGER PRIMARY KEY, kind TEXT, v);
''')
db.executemany('INSERT INTO users(name, email, score) VALUES(?, ?, ?)',
               [('User %d' % n, None if n % 7 == 0 else 'user%d@example.org' % n, n % 100) for n in range(1, 2001)])
db.executemany('INSERT INTO orders(user_id, total) VALUES(?, ?)',
               [(1 + n % 1000, n / 10) for n in range(3000) if n % 1000 != 9])  # user 10 can be deleted
db.executemany('INSERT INTO pairs VALUES(?, ?, ?)', [('k%d' % (n % 5), n, 'v%d' % n) for n in range(40)])
db.executemany('INSERT INTO plain VALUES(?, ?)', [('same', 'same'), ('same', 'same')])
db.execute('INSERT INTO "odd ""name" VALUES(?, ?, ?)', ('one', 'two', 'three'))
db.executemany('INSERT INTO computed(w, h) VALUES(?, ?)', [(n, 2) for n in range(5)])
kinds = [('smallest', -2 ** 63), ('largest', 2 ** 63 - 1), ('2^53+1', 2 ** 53 + 1), ('null', None), ('empty', ''),
         ('NULL text', 'NULL'), ('1 MB', 'x' * 2 ** 20), ('10 MB', b'\x01' * (10 * 2 ** 20)), ('NUL', 'a\0b'),
         ('emoji', '\U0001F468\u200D\U0001F469\u200D\U0001F467'), ('rtl', '\u0645\u0631\u062d\u0628\u0627'),
         ('control', 'line 1\nline 2\x1b'), ('markup', '<b id="bold">x</b><img src=x onerror=alert(1)>'),
         ('real', 1e308), ('infinite', float('inf')), ('bytes', b'\x00\xff\xfe'), ('formula', '=1+1')]
db.executemany('INSERT INTO kinds(kind, v) VALUES(?, ?)', kinds)
db.execute("INSERT INTO kinds(kind, v) VALUES('not UTF-8', CAST(x'61ff62' AS TEXT))")
columns = ', '.join('c%d INTEGER' % n for n in range(500))
db.execute('CREATE TABLE wide(id INTEGER PRIMARY KEY, %s)' % columns)
db.executemany('INSERT INTO wide VALUES(%s)' % ', '.join('?' * 501), [(r, *range(500)) for r in range(1, 61)])
if len(sys.argv) > 2:
    db.execute('CREATE TABLE events(id INTEGER PRIMARY KEY, at TEXT, kind TEXT)')
    db.execute("""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
                  INSERT INTO events SELECT i, datetime(1767225600 + i * 30, 'unixepoch'), 'kind ' || (i %% 5) FROM n"""
               % int(sys.argv[2]))
db.commit()

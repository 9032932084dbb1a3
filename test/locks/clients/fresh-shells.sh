#!/bin/sh
# Every insert by a fresh sqlite3 shell with busy timeout 0; prints "failures rows".
# usage: fresh-shells.sh DATABASE JOURNAL PROCESSES INSERTS
database=$1 processes=$3 inserts=$4
sqlite3 "$database" "PRAGMA journal_mode=$2; CREATE TABLE t (a, b);" >/dev/null
count() {
  failed=0
  for n in $(seq "$inserts"); do
    sqlite3 "$database" "INSERT INTO t VALUES ($1, $n)" 2>/dev/null || failed=$((failed + 1))
  done
  echo "$failed"
}
for process in $(seq "$processes"); do count "$process" & done | {
  sum=0
  while read -r failed; do sum=$((sum + failed)); done
  echo "$sum $(sqlite3 -cmd '.timeout 5000' "$database" 'SELECT count(*) FROM t')"
}

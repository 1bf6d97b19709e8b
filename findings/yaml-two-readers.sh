#!/bin/sh
# yaml 2.9.1 and js-yaml 5.5.0 from npm, both with their YAML 1.2 core schema: valid files that they read
# otherwise.
#
# Guess: two current readers of YAML 1.2 agree on scalars and keys. They don't:
# - `!!float 3` is the text "3" for yaml, with a warning on stderr, and the number for js-yaml;
# - the key of `null: x` is the empty text for yaml, and "null" for js-yaml;
# - `1: x` beside `"1": y`: yaml, which refuses a key that is there twice, sees two keys and keeps the last,
#   as both have one name in an object; js-yaml refuses them;
# - `1e400` is Infinity for yaml, and the text for js-yaml.
# What helps: one reader for one kind of file, in the server as in the editor's check.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts yaml@2.9.1 js-yaml@5.5.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { load } from 'js-yaml'
import { parse } from 'yaml'
const DOCUMENTS = ['a: !!float 3', 'null: x', '1: x\n"1": y', 'a: 1e400']
const read = (reader) => (text) => {
  try {
    return reader(text)
  } catch ({ message }) {
    return message.split('\n')[0]
  }
}
const seen = { yaml: DOCUMENTS.map(read((text) => parse(text, { logLevel: 'error' }))), 'js-yaml': DOCUMENTS.map(read(load)) }
console.log(seen)
assert.deepEqual(seen, {
  yaml: [{ a: '3' }, { '': 'x' }, { 1: 'y' }, { a: Infinity }],
  'js-yaml': [{ a: 3 }, { null: 'x' }, 'duplicated mapping key (2:2)', { a: '1e400' }],
})
JS
node try.mjs
echo 'as found'

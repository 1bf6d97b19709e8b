#!/bin/sh
# fast-xml-parser 5.12.1 from npm: `&#10;` and `&#x41;` stay in the text as they are written, in attributes and
# elements alike; `&amp;` and the like are decoded. With `htmlEntities: true` the numeric ones are decoded, too.
#
# Guess: numeric character references are part of XML itself (section 4.1), and an attribute can have a line
# break in no other way, so a parser with `processEntities: true` (unless told otherwise) decodes them. Reports
# of test runners have them in nearly each failure's message: a stack trace in one attribute comes out as one
# line full of `&#10;`.
# What helps: htmlEntities: true, whose name doesn't say so; or saxes.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts fast-xml-parser@5.12.1
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { XMLParser } from 'fast-xml-parser'
const REPORT = '<failure message="expected 1 &amp; 2&#10;got &#x41;">at line 3&#10;at line 4</failure>'
const read = (options) => {
  const parser = new XMLParser({ ignoreAttributes: false, processEntities: true, ...options })
  const { failure } = parser.parse(REPORT)
  return [failure['@_message'], failure['#text']]
}
const seen = { usual: read({}), htmlEntities: read({ htmlEntities: true }) }
console.log(seen)
assert.deepEqual(seen, {
  usual: ['expected 1 & 2&#10;got &#x41;', 'at line 3&#10;at line 4'],
  htmlEntities: ['expected 1 & 2\ngot A', 'at line 3\nat line 4'],
})
JS
node try.mjs
echo 'as found'

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { unescaped } from './unescaped.ts'

const run = promisify(execFile)

test('knows what the shells make of escapes', async () => {
  const dash = await access('/bin/dash').then(
    () => '/bin/dash',
    () => undefined,
  )
  const texts = [
    String.raw`one\ntwo\tthree\\four\rfive`,
    String.raw`a\0101b\0012c`,
    String.raw`shown\cnot shown`,
    String.raw`{"key":"-----BEGIN\nabc\n"}`,
    String.raw`C:\windows\path`,
  ]
  for (const text of texts) {
    if (dash) {
      const { stdout } = await run(dash, ['-c', 'echo "$1"', 'sh', text])
      const shown = stdout.replace(/\n$/, '')
      assert.ok([text, ...unescaped(text)].includes(shown), `${text} → ${JSON.stringify(shown)}`)
    }
  }
  for (const text of [String.raw`a\x41b\u00e4\n\101`, String.raw`q\"uote\\d\/`]) {
    assert.ok(unescaped(text).length > 0, text)
  }
  assert.ok(unescaped(String.raw`a\x41b\u00e4\n\101`).includes('aAbä\nA'))
  assert.ok(unescaped(String.raw`q\"uote\\d\/`).includes('q"uote\\d/'))
})

test('leaves alone what has no escapes, and what can be no text', () => {
  assert.deepEqual(unescaped('plain text, 100 %'), [])
  for (const odd of [
    String.raw`a\qb`,
    String.raw`a\x00b`,
    String.raw`a\0377b`,
    String.raw`a\UFFFFFFFFb`,
  ]) {
    for (const form of unescaped(odd)) assert.ok(!/[\0\u00ff]/.test(form), form)
  }
})

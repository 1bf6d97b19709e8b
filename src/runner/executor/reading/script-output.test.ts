import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sandbox } from '../executor.ts'
import { outputOf, wordsOf } from './script-output.ts'

const CHUNK_BYTES = 64 * 1024
const NOTHING = new AbortController().signal

test('a script runs no faster than its reader, and ends with it', async () => {
  let given = 0
  let ended: unknown
  const run: Sandbox['run'] = async (_step, output, signal) => {
    try {
      for (let n = 0; n < 1_000; n++) {
        given += CHUNK_BYTES
        await output('stdout', Buffer.alloc(CHUNK_BYTES))
        signal.throwIfAborted()
      }
    } catch (error) {
      ended = error
      throw error
    }
    return { exitCode: 0 }
  }
  const output = outputOf(run, { script: 'x', maxStderrBytes: 0 }, NOTHING)
  await output.next()
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  const held = given
  assert.ok(held <= 16 * CHUNK_BYTES, `${held}`)
  for (let read = 0; read < 2 * held; ) {
    const next = await output.next()
    assert.ok(!next.done)
    read += next.value.length
  }
  assert.ok(given > held)
  await output.return(undefined as never)
  assert.ok(ended instanceof Error)
})

test('the failure of a script is reported after its output', async () => {
  const run: Sandbox['run'] = async (_step, output) => {
    await output('stdout', Buffer.from('some'))
    throw new Error('the engine is gone')
  }
  const output = outputOf(run, { script: 'x', maxStderrBytes: 0 }, NOTHING)
  await assert.rejects(async () => {
    for await (const _ of output);
  }, /the engine is gone/)
})

test("the end of a script's standard error is reported on one line", () => {
  assert.equal(wordsOf(Buffer.from('cat: no\u001b[2J such\r\nfile\n')), 'cat: no [2J such file')
  assert.equal(wordsOf(Buffer.from(`${'x'.repeat(1_000)}the end`)), `${'x'.repeat(293)}the end`)
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../temp-dir.ts'
import { countLine, summary } from './report.ts'
import type { FileResult } from './result.ts'
import { type RunFileOptions, runFile } from './run-file.ts'

const HEAD = `import { test, describe } from 'node:test'\nimport assert from 'node:assert/strict'\n`

async function runSource(source: string, limits: Partial<RunFileOptions> = {}) {
  await using dir = await tempDir()
  await writeFile(dir.join('package.json'), '{"type":"module"}')
  await writeFile(dir.join('x.test.ts'), HEAD + source)
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const common = { timeoutMs: 60_000, signal: new AbortController().signal, env }
  return await runFile({ ...common, ...limits, root: dir.path, file: 'x.test.ts' })
}

test('counts each test once: no suites, no parents of failed tests, no todos as failures', async () => {
  const result = await runSource(`
    test('passes', () => {})
    test('fails', () => assert.equal(1, 2))
    test('is skipped', { skip: 'no moon' }, () => {})
    test.todo('is to come')
    describe('suite', () => {
      test('inner', () => {})
      test('inner fails', () => { throw new Error('oh', { cause: new Error('deep down') }) })
    })
    test('parent', async t => { await t.test('child', () => { throw new Error('no') }) })
  `)
  assert.equal(countLine([result]), '2 passed, 3 failed, 2 skipped')
  const text = summary([result])
  assert.match(text, /x\.test\.ts › suite › inner fails/)
  assert.match(text, /caused by: Error: deep down/)
  assert.match(text, /1 !== 2/)
  assert.match(text, /1 × no moon/)
})

test('counts a file that crashes as a failure, and shows what it wrote', async () => {
  const result = await runSource(`test('passes', () => {})\nthrow new Error('crash')`)
  assert.match(countLine([result]), /, 1 failed, /)
  assert.match(summary([result]), /Error: crash/)
})

test('kills a file that something keeps alive, and counts that as a failure', async () => {
  const result = await runSource(`test('leaks', () => { setInterval(() => {}, 1000) })`, {
    timeoutMs: 500,
    graceMs: 3000,
  })
  assert.match(countLine([result]), /, 1 failed, /)
  assert.match(summary([result]), /it did not end/)
})

test('fails a test that takes too long', async () => {
  const result = await runSource(`test('waits', () => new Promise(r => setTimeout(r, 9e5)))`, {
    timeoutMs: 200,
    graceMs: 3000,
  })
  assert.match(summary([result]), /timed out after 200ms/)
})

test('kills a file at once on abort', async () => {
  const stop = new AbortController()
  const running = runSource(`test('waits', () => new Promise(r => setTimeout(r, 9e5)))`, {
    signal: stop.signal,
  })
  stop.abort()
  assert.match(countLine([await running]), /, 1 failed, /)
})

test('ends with the counts as the very last line', async () => {
  const args = ['test/support/harness/main.ts', '--no-services', 'no-such-test-file']
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 1)
  assert.ok(output.endsWith('\n0 passed, 0 failed, 0 skipped\n'), output)
})

test('says why tests were skipped, with their number', () => {
  const skipped = { path: ['a'], outcome: 'skipped', reason: 'no docker: not installed' } as const
  const file: FileResult = { file: 'a', tests: [skipped, skipped], durationMs: 1, output: '' }
  assert.match(summary([file]), /2 × no docker: not installed/)
})

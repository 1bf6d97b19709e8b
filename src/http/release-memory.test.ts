import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { releaseMemory } from './release-memory.ts'

test('collects what is garbage, where Node offers that', async () => {
  const module = JSON.stringify(new URL('./release-memory.ts', import.meta.url).href)
  const code = `
    const { releaseMemory } = await import(${module})
    const garbage = new WeakRef({})
    await new Promise((resolve) => setTimeout(resolve))
    console.log(garbage.deref() !== undefined)
    await new Promise((resolve) => setTimeout(resolve))
    releaseMemory()
    console.log(garbage.deref() === undefined)
  `
  const args = ['--expose-gc', '--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  assert.equal(stdout, 'true\ntrue\n')
})

test('does nothing where Node does not offer it', () => {
  assert.equal(globalThis.gc, undefined)
  releaseMemory()
})

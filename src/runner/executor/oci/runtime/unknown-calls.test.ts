import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { findRuntime } from './find-runtime.ts'
import { findUnknownCalls } from './unknown-calls.ts'

for (const name of ['crun', 'runc'] as const) {
  test(`${name}: tells the newer system calls that libseccomp does not know`, async (t) => {
    await using dir = await tempDir()
    const found = await findRuntime({ folder: dir.path, firstId: 1_879_048_192, names: [name] })
    if (typeof found === 'string') return t.skip(found)
    const names = await findUnknownCalls(found, dir.path)
    // Known to every libseccomp of a supported system, and allowed.
    assert.ok(!names.includes('landlock_create_ruleset') && !names.includes('futex_waitv'))
    // What it does not know, it does not know of any later kernel either.
    if (names.includes('cachestat')) assert.ok(names.includes('fchmodat2'))
  })
}

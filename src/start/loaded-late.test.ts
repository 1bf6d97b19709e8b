import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'

test('no service loads what draws on a terminal', async () => {
  const loaded: string[] = []
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      loaded.push(specifier)
      return next(specifier, context)
    },
  })
  try {
    await import('./agent.ts')
    await import('./dispatcher.ts')
    await import('./web.ts')
    await import('./runner.ts')
    await import('./up.ts')
    assert.ok(loaded.includes('./build-folder.ts'))
    assert.ok(!loaded.includes('string-width'))
    const { printTable } = await import('../cli/terminal/table.ts')
    assert.ok(!loaded.includes('string-width'))
    await printTable(recordedIo(), ['a'], [{ title: 'b', cell: String }])
    assert.ok(loaded.includes('string-width'))
  } finally {
    hooks.deregister()
  }
})

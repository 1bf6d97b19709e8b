import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startUp } from '../../test/support/installation.ts'
import { openMeasured } from './measure-pipeline.ts'
import { DETAILS, PARTS } from './parts.ts'
import { hotpathFigures, hotpathTable } from './report.ts'

test('measures commit after commit of a whole Narwhal, with all parts', async ({ signal }) => {
  await using narwhal = await startUp()
  await using measured = await openMeasured(narwhal, { image: 'busybox', signal })
  const times = [await measured.measure(signal), await measured.measure(signal)]
  for (const { totalMs, parts } of times) {
    assert.ok(totalMs > 0)
    assert.deepEqual(Object.keys(parts).sort(), Object.keys({ ...PARTS, ...DETAILS }).sort())
  }
  const all = {
    bare: { how: 'docker run', withNetwork: [100, 200], withoutNetwork: [90, 110] },
    embedded: { kind: 'measured', times },
    distributed: { kind: 'missing', reason: 'no rabbitmq' },
  } as const
  const figures = JSON.parse(JSON.stringify(hotpathFigures(all))) as Record<string, unknown>
  assert.equal(figures['bare_p50_ms'], 150)
  assert.equal(figures['distributed'], null)
  const embedded = figures['embedded'] as { p50_ms: number; ratio: number; parts: object }
  assert.ok(embedded.p50_ms > 0 && embedded.ratio > 0)
  assert.deepEqual(Object.keys(embedded.parts), Object.keys(PARTS))
  assert.match(hotpathTable(all).join('\n'), /not measured: no rabbitmq/)
})

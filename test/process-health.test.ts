import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipDistributed, startDistributed } from './support/distributed.ts'
import { bearer, METRICS_TOKEN } from './support/tokens.ts'

const skip = skipDistributed()

test('all four processes tell their health and figures', { skip }, async () => {
  await using narwhal = await startDistributed({ executor: 'fake:' })
  for (const [name, url] of Object.entries(narwhal.healthUrls)) {
    const health = (await (await fetch(`${url}/healthz`)).json()) as { status: string }
    assert.equal(health.status, 'ok', name)
    const ready = await fetch(`${url}/readyz`)
    assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ready' }], name)
    assert.equal((await fetch(`${url}/metrics`)).status, 401, name)
    const metrics = await fetch(`${url}/metrics`, { headers: bearer(METRICS_TOKEN) })
    assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=/, name)
    checkMetrics(await metrics.text(), name)
  }
})

const SAMPLE =
  /^[a-zA-Z_:][\w:]*(\{(\w+="(\\.|[^"\\])*",?)*\})? (-?[\d.]+(e[+-]?\d+)?|NaN|[+-]Inf)$/

/** See https://prometheus.io/docs/instrumenting/exposition_formats/ */
function checkMetrics(text: string, name: string): void {
  assert.ok(text.endsWith('\n'), name)
  for (const line of text.split('\n').filter((one) => one !== '')) {
    assert.match(line, line.startsWith('#') ? /^# (HELP|TYPE) [a-zA-Z_:][\w:]* ./ : SAMPLE, name)
  }
  const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]
  assert.ok(Number(bytes) > 1e6, `${name}: ${text}`)
}

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** In a network of its own, whose firewall is its own, too. */
const SCRIPT = `
import { execFileSync } from 'node:child_process'
import { allowInUserChain, removeFromUserChain } from '${new URL('docker-user-chain.ts', import.meta.url).href}'
const call = (...args) => execFileSync('iptables', args, { encoding: 'utf8' })
await allowInUserChain('nwaaaaaa')
for (const rule of [['-N', 'DOCKER-USER'], ['-A', 'DOCKER-USER', '-s', '203.0.113.7', '-j', 'DROP']]) call(...rule)
const seen = []
const list = () => seen.push(call('-S', 'DOCKER-USER').trim().split('\\n').slice(1))
list()
for (const change of [allowInUserChain, allowInUserChain, removeFromUserChain, removeFromUserChain]) {
  await change('nwaaaaaa')
  if (seen.length === 1) await allowInUserChain('nwbbbbbb')
  list()
}
console.log(JSON.stringify(seen))
`

test('adds its two rules once, and removes them and no others', async (t) => {
  const hasOwn = await run('unshare', ['--net', 'iptables', '-S']).catch(() => undefined)
  if (!hasOwn) return t.skip('needs root and iptables')
  const node = [process.execPath, '--input-type=module', '-e', SCRIPT]
  const { stdout } = await run('unshare', ['--net', '--', ...node])
  const [before, once, twice, removed, removedTwice] = JSON.parse(stdout) as string[][]
  assert.equal(before?.length, 1)
  assert.equal(once?.length, 5)
  for (const prefix of ['nwaaaaaa', 'nwbbbbbb']) {
    const rules = once?.filter((line) => line.includes(prefix))
    assert.ok(rules?.some((line) => line.includes(`-i ${prefix}+ `)))
    assert.ok(rules?.some((line) => line.includes(`-o ${prefix}+ -m conntrack`)))
  }
  assert.deepEqual(twice, once)
  assert.deepEqual(
    removed,
    once?.filter((line) => !line.includes('nwaaaaaa')),
  )
  assert.deepEqual(removedTwice, removed)
})

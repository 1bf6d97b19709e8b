import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openNetworks } from '../support/networks.ts'
import { uniquePrefix } from '../support/services.ts'

const run = promisify(execFile)
const iptables = async (...args: readonly string[]): Promise<string> =>
  (await run('iptables', ['-w', '5', ...args])).stdout

const hasChain =
  process.getuid?.() === 0 && (await iptables('-S', 'DOCKER-USER').catch(() => '')) !== ''

test("NET-26: the operator's rules in DOCKER-USER coexist with the runner's, and remain after it", {
  skip: hasChain ? false : 'there is no chain DOCKER-USER that may be changed',
}, async () => {
  const name = uniquePrefix('operator')
  // For documentation: no packet has it.
  const rule = ['-s', '203.0.113.7', '-m', 'comment', '--comment', name, '-j', 'DROP']
  await iptables('-I', 'DOCKER-USER', ...rule)
  try {
    const before = (await iptables('-S', 'DOCKER-USER')).split('\n')
    const added: string[] = []
    {
      await using networks = openNetworks()
      assert.equal((await networks.get()).trouble, '')
      const now = (await iptables('-S', 'DOCKER-USER')).split('\n')
      added.push(...now.filter((line) => !before.includes(line) && line.includes('narwhal nw')))
      assert.ok(added.length >= 2, now.join('\n'))
      assert.ok(now.some((line) => line.includes(name)))
    }
    const after = (await iptables('-S', 'DOCKER-USER')).split('\n')
    assert.ok(after.some((line) => line.includes(name)))
    // Those of other runners may have appeared meanwhile, but these are gone.
    assert.ok(added.some((line) => !after.includes(line)))
  } finally {
    await iptables('-D', 'DOCKER-USER', ...rule)
  }
})

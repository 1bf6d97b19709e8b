import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askByTcp, askByUdp } from './upstream.ts'

test('a server that this machine has no way to is a failure of that question only', async () => {
  // To everybody: the kernel refuses that without being asked for it, as it does without a route.
  const nowhere = { address: '255.255.255.255', port: 53 }
  await assert.rejects(askByUdp(nowhere, Buffer.alloc(12)), { code: 'EACCES' })
  await assert.rejects(askByTcp(nowhere, Buffer.alloc(12)), { syscall: 'connect' })
})

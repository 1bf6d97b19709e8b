import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../../lib/log.ts'
import { ImageUse } from './image-use.ts'
import { type WarmContainer, WarmPool } from './warm-pool.ts'

test('starts no sandboxes ahead while memory is low', async () => {
  await using dir = await tempDir()
  const uses = await ImageUse.open(dir.join('images.json'))
  uses.count('docker.io/library/node:24')
  let free = 0.05
  let asked = 0
  const made: string[] = []
  await using pool = new WarmPool({
    size: 2,
    uses,
    freeMemory: () => {
      asked++
      return free
    },
    isQuiet: () => true,
    make: async (kind) => {
      made.push(kind)
      return { kind, container: { isUp: true } } as WarmContainer
    },
    discard: async () => {},
    log: silentLog(),
  })
  pool.tend()
  await eventually(() => asked > 0)
  pool.tend()
  await eventually(() => asked > 1)
  assert.deepEqual([made, pool.size], [[], 0])
  free = 0.2
  pool.tend()
  await eventually(() => pool.size === 2)
  assert.deepEqual(made, ['docker.io/library/node:24', 'docker.io/library/node:24'])
})

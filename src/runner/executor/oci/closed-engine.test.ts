import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { findAllGroups, readCgroupFacts } from '../local/bounds/machine-cgroups.ts'
import { OciEngine } from './oci-engine.ts'
import type { OciMeans } from './oci-means.ts'

test('an engine that is closed while it finds out how containers start makes no control groups', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('run'))
  const instance = uniquePrefix()
  const means = Promise.withResolvers<OciMeans>()
  const closed = Promise.withResolvers<void>()
  const [folder, runFolder] = [dir.join('containers'), dir.join('run')]
  const engine = new OciEngine({ openMeans: () => means.promise, instance, folder, runFolder })
  const pinged = assert.rejects(engine.ping(), { code: 'cancelled' })
  await engine[Symbol.asyncDispose]()
  means.resolve({ [Symbol.asyncDispose]: async () => closed.resolve() } as unknown as OciMeans)
  await pinged
  await closed.promise
  const left = findAllGroups(readCgroupFacts())
    .map(({ path }) => join(path, `narwhal-oci-${instance}`))
    .filter(existsSync)
  assert.deepEqual(left, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testService } from '#root/test/support/services.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { examineContainers, examineImages } from './examine-containers.ts'
import { examineEngines, examineLimits, examineNetwork } from './examine-surroundings.ts'

const docker = testService('docker')
const FIRST_ID = 1_879_048_192

test('says which way containers are started here, and what would be better', async (t) => {
  await using dir = await tempDir()
  const [first, ...others] = await examineContainers({ folder: dir.path, firstId: FIRST_ID })
  if (first?.state === 'missing') return t.skip(first.words)
  assert.match(first?.words ?? '', /^(crun|runc) \d+\.\d+\S*, with(out)? a user namespace/)
  for (const { state, words } of others) {
    assert.equal(state, 'better')
    assert.match(words, /: /)
  }
})

test('says that containers have few rights without a user namespace', async (t) => {
  await using dir = await tempDir()
  const [first] = await examineContainers({ folder: dir.path })
  if (first?.state === 'missing' || process.getuid?.() !== 0) return t.skip('needs root')
  assert.match(first?.words ?? '', /without a user namespace/)
})

test('says what to install where nothing starts containers', async () => {
  await using dir = await tempDir()
  assert.deepEqual(await examineContainers({ folder: dir.path, names: [] }), [
    {
      what: 'containers',
      state: 'missing',
      words: 'neither crun nor runc is installed: apt-get install crun',
    },
  ])
})

test('names the programs for images, or what to install', async () => {
  for (const { state, words } of await examineImages()) {
    assert.match(
      words,
      state === 'works' ? /skopeo \d.*tar \d/ : /apt-get install (skopeo|tar|zstd)$/,
    )
  }
})

test('says whether containers are limited, and whether their jobs have a network', async () => {
  const limits = examineLimits(true)
  assert.match(limits.words, limits.state === 'works' ? /^of memory/ : /not in force: .+/)
  const { state, words } = await examineNetwork(silentLog())
  assert.match(words, state === 'works' ? /^\w+/ : /: apt-get install |needs? /)
})

test('names the first container engine that answers', { skip: docker.skip }, async () => {
  const [found, ...others] = await examineEngines(['unix:///nowhere/x.sock', docker.url])
  assert.ok(found?.words.startsWith(`one answers at ${docker.url}, `))
  assert.deepEqual(others, [])
  assert.deepEqual(await examineEngines(['unix:///nowhere/x.sock']), [])
})

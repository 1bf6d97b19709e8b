import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { importImages } from './fetch/import-image.ts'
import { PATIENCE } from './fetch/retrying.ts'
import { Skopeo } from './fetch/skopeo.ts'
import { writeLayout } from './fixtures/layouts.fixture.ts'
import { LAYERS, registryImages } from './fixtures/registry-images.fixture.ts'
import { RegistryImages } from './registry-images.ts'
import { openImageStore } from './store/open-image-store.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const NEVER = new AbortController().signal

test('pulls an image once, by one HEAD for its digest, and never asks again', {
  skip,
}, async () => {
  await using at = await registryImages()
  const digest = at.push('team/app:1')
  await using image = await at.hold('team/app:1')
  assert.equal(image.digest, digest)
  assert.equal(image.indexDigest, undefined)
  assert.equal(readFileSync(`${image.layers[0]}/top`, 'utf8'), 'top')
  assert.equal(at.registry.requests[0], 'HEAD /v2/team/app/manifests/1 200')
  const asked = at.registry.requests.length
  await using again = await at.hold('team/app:1')
  await using never = await at.hold('team/app:1', { pull: 'never' })
  assert.deepEqual([again.digest, never.digest], [digest, digest])
  assert.equal(at.registry.requests.length, asked)
})

test('takes this machine’s image of an index, and keeps both digests', { skip }, async () => {
  await using at = await registryImages()
  const digest = at.push('team/app:single')
  const manifests = [
    { digest: `sha256:${'1'.repeat(64)}`, platform: { os: 'linux', architecture: 's390x' } },
    {
      digest,
      platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    },
  ].map((one) => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1, ...one }))
  const index = (some: typeof manifests) => JSON.stringify({ schemaVersion: 2, manifests: some })
  const whole = at.registry.put('team/app', 'many', index(manifests))
  await using image = await at.hold('team/app:many')
  assert.deepEqual([image.digest, image.indexDigest], [digest, whole])
  at.registry.put('team/app', 'other', index(manifests.slice(0, 1)))
  await assert.rejects(at.hold('team/app:other'), {
    code: 'invalid',
    message: /can't be pulled: it has nothing for linux\/\w+, only linux\/s390x$/,
  })
})

test('by tag and digest, the digest decides', { skip }, async () => {
  await using at = await registryImages()
  const first = at.push('app:1')
  at.push('app:1', { layers: [[{ name: 'changed' }]] })
  await using image = await at.hold(`app:1@${first}`)
  assert.equal(image.digest, first)
  await using newest = await at.hold('app:1')
  assert.notEqual(newest.digest, first)
})

test('fetches a changed tag when it is to ask always, and no layer twice', { skip }, async () => {
  await using at = await registryImages()
  at.push('app:1')
  await using old = await at.hold('app:1')
  const [base = []] = LAYERS
  const digest = at.push('app:1', { layers: [base, [{ name: 'new', data: 'new' }]] })
  await using same = await at.hold('app:1')
  assert.equal(same.digest, old.digest)
  at.registry.requests.length = 0
  await using image = await at.hold('app:1', { pull: 'always' })
  assert.equal(image.digest, digest)
  const blobs = at.registry.requests.filter((one) => one.includes('/blobs/'))
  // The configuration and the new layer.
  assert.equal(new Set(blobs).size, 2)
  at.registry.requests.length = 0
  await using unchanged = await at.hold('app:1', { pull: 'always' })
  assert.equal(unchanged.digest, digest)
  assert.deepEqual(at.registry.requests, ['HEAD /v2/app/manifests/1 200'])
})

test('tries again after limits, errors and cut answers, but not what is refused', {
  skip,
}, async () => {
  await using at = await registryImages()
  at.push('app:1', {
    layers: [...LAYERS, [{ name: 'big', data: 'x'.repeat(300_000) }]],
    compression: 'none',
  })
  const faults = ['limited', 'broken', 'cut', 'cut']
  at.registry.interfere = (request, response) => {
    const isBlob = request.url?.includes('/blobs/') ?? false
    const [fault] = faults
    if (fault === undefined || (fault === 'cut' && !isBlob)) return false
    faults.shift()
    if (fault === 'limited') response.writeHead(429, { 'retry-after': '0' }).end()
    if (fault === 'broken') response.writeHead(503).end()
    if (fault === 'cut') {
      response.writeHead(200, { 'content-length': 1_000_000 })
      response.write('x'.repeat(1000), () => response.destroy())
    }
    return true
  }
  await using image = await at.hold('app:1')
  assert.ok(image.digest)
  assert.ok(at.log.some((line) => line.includes('trying again')))
  assert.deepEqual(faults, [])
  at.registry.requests.length = 0
  await assert.rejects(at.hold('none:1'), { code: 'not_found' })
  assert.deepEqual(at.registry.requests, ['HEAD /v2/none/manifests/1 404'])
})

test('gives up a fetch that stands still', { skip }, async () => {
  await using at = await registryImages()
  at.push('app:1')
  at.registry.interfere = (request, response) => {
    if (!request.url?.includes('/blobs/') || !isLayer(at.registry.requests)) return false
    response.writeHead(200, { 'content-length': 1_000_000 }).write('x')
    return true
  }
  const { store, dir } = at
  const env = { HOME: dir.path }
  const patience = { ...PATIENCE, tries: 1, stallMs: 400 }
  const skopeo = new Skopeo(dir.join('skopeo'), env)
  const images = new RegistryImages({ store, skopeo, env, patience, mostBytes: Infinity })
  await assert.rejects(at.hold('app:1', {}, images), {
    code: 'unavailable',
    message: /got nothing for 0.4 s/,
  })
})

test('a blob that is not what its digest says leaves nothing', { skip }, async () => {
  await using at = await registryImages()
  const digest = at.push('app:1')
  at.registry.interfere = (request, response) => {
    if (!request.url?.includes('/blobs/') || !isLayer(at.registry.requests)) return false
    response.end('damaged')
    return true
  }
  await assert.rejects(at.hold('app:1'))
  assert.equal(await at.store.find(at.name('app:1').full), undefined)
  at.registry.interfere = undefined
  await using image = await at.hold('app:1')
  assert.equal(image.digest, digest)
})

/** After the configuration, which is a blob as well. */
function isLayer(requests: readonly string[]): boolean {
  return requests.some((one) => one.includes('/blobs/'))
}

test('an image that was imported for other ids is no name for a registry to answer', {
  skip,
}, async () => {
  await using at = await registryImages()
  const layout = at.dir.join('layout-own')
  writeLayout(layout, { layers: LAYERS })
  const reference = at.name('own:1')
  const env = { HOME: at.dir.path }
  const skopeo = new Skopeo(at.dir.join('skopeo'), env)
  const more = { signal: NEVER, onProgress: () => {}, cwd: '/' }
  await importImages(layout, reference, { store: at.store, skopeo, ...more })
  await using image = await at.hold('own:1', { pull: 'always', isStranger: true })
  assert.equal(image.layers.length, 2)
  const ids = { first: 0, count: 65_536 }
  await using store = await openImageStore({ dataDir: at.dir.path, isRoot: true, ids })
  const images = new RegistryImages({ store, skopeo, env, mostBytes: Infinity })
  await assert.rejects(at.hold('own:1', {}, images), { message: /import it again, with/ })
  assert.deepEqual(at.registry.requests, [])
})

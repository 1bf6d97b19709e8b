import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { testImage, testService } from '#root/test/support/services.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import { writeLayout } from '../fixtures/layouts.fixture.ts'
import { openImageStore } from '../store/open-image-store.ts'
import { importImages } from './import-image.ts'
import { Skopeo } from './skopeo.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const docker = testService('docker')
const NEVER = new AbortController().signal

async function importer() {
  const dir = await tempDir()
  const store = await openImageStore({ dataDir: dir.path, isRoot: true, ids: CONTAINER_IDS })
  const skopeo = new Skopeo(dir.join('skopeo'), { HOME: dir.path })
  const onProgress = () => {}
  return {
    dir,
    store,
    import: (from: string, name?: string) =>
      importImages(from, name === undefined ? undefined : parseImageReference(name), {
        store,
        skopeo,
        signal: NEVER,
        onProgress,
        cwd: '/',
        dockerHost: docker.url || undefined,
      }),
    /** A file of an image in the store. */
    read: async (reference: string, path: string) => {
      await using image = await store.hold(parseImageReference(reference), { signal: NEVER })
      return readFileSync(`${image.layers.at(-1)}/${path}`, 'utf8')
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

const IMAGE = { layers: [[{ name: 'file', data: 'content' }]] }

test('imports an OCI layout, as a folder and as an archive', { skip }, async () => {
  await using at = await importer()
  const digest = writeLayout(at.dir.join('layout'), { ...IMAGE, tag: 'test/named:1' })
  assert.deepEqual(await at.import(at.dir.join('layout')), ['test/named:1'])
  assert.equal(await at.store.find('test/named:1'), digest)
  assert.equal(await at.store.find('docker.io/test/named:1'), digest)
  assert.equal(await at.store.find('test/named:2'), undefined)
  const archive = at.dir.join('archive.tar')
  execFileSync('tar', ['--create', '--file', archive, '--directory', at.dir.join('layout'), '.'])
  assert.deepEqual(await at.import(archive, 'test/other'), ['test/other:latest'])
  assert.equal(await at.read('test/other', 'file'), 'content')
})

test('imports what the local engine has, and what it saves', {
  skip: skip || docker.skip,
}, async () => {
  await using at = await importer()
  const image = testImage()
  assert.deepEqual(await at.import(`docker:${image}`), [image])
  assert.match(await at.read(image, 'etc/os-release'), /BusyBox for the tests/)
  const saved = at.dir.join('saved.tar')
  execFileSync('docker', ['--host', docker.url, 'save', '--output', saved, image])
  assert.deepEqual(await at.import(saved, 'test/saved:2'), ['test/saved:2'])
  assert.deepEqual(await at.import(saved), [image])
  execFileSync('gzip', [saved])
  assert.deepEqual(await at.import(`${saved}.gz`, 'test/zipped'), ['test/zipped:latest'])
})

test('refuses what is no image, in plain words', { skip }, async () => {
  await using at = await importer()
  await assert.rejects(at.import(at.dir.join('none')), { code: 'not_found' })
  await writeFile(at.dir.join('file'), 'x')
  const archive = at.dir.join('file.tar')
  execFileSync('tar', ['--create', '--file', archive, '--directory', at.dir.path, 'file'])
  await assert.rejects(at.import(archive, 'test/x'), { code: 'invalid', message: /is no image/ })
  writeLayout(at.dir.join('layout'), { ...IMAGE, tag: 'latest' })
  await assert.rejects(at.import(at.dir.join('layout')), /has no name: say which it gets/)
})

test('nothing of a broken image stays', { skip }, async () => {
  await using at = await importer()
  writeLayout(at.dir.join('layout'), {
    ...IMAGE,
    change: (layers) => layers.map((one) => ({ ...one, diffId: `sha256:${'0'.repeat(64)}` })),
  })
  const broken = at.import(at.dir.join('layout'), 'test/broken')
  await assert.rejects(broken, /layer 1 of 1: its content \(diff id\) is .*: it is damaged/)
  assert.equal(await at.store.find('test/broken:latest'), undefined)
  const left = execFileSync('find', [at.dir.join('images'), '-name', 'file'], { encoding: 'utf8' })
  assert.equal(left, '')
})

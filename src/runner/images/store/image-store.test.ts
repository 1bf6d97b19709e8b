import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import { importImages } from '../fetch/import-image.ts'
import { Skopeo } from '../fetch/skopeo.ts'
import type { Entry } from '../fixtures/layers.fixture.ts'
import { type ImageFacts, writeLayout } from '../fixtures/layouts.fixture.ts'
import type { HeldImage } from '../held-image.ts'
import type { ImageStore } from './image-store.ts'
import { openImageStore } from './open-image-store.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const { first } = CONTAINER_IDS
const NEVER = new AbortController().signal

interface TestStore extends AsyncDisposable {
  readonly dir: TempDir
  readonly store: ImageStore
  /** Makes an image, imports it and holds it. */
  hold(image: ImageFacts, name?: string): Promise<HeldImage>
}

async function testStore(): Promise<TestStore> {
  const dir = await tempDir()
  const store = await openImageStore({ dataDir: dir.path, isRoot: true, ids: CONTAINER_IDS })
  const skopeo = new Skopeo(dir.join('skopeo'), { HOME: dir.path })
  let count = 0
  return {
    dir,
    store,
    hold: async (image, name = `test/image-${count}`) => {
      const layout = dir.join(`layout-${count++}`)
      writeLayout(layout, image)
      const reference = parseImageReference(name)
      const onProgress = () => {}
      await importImages(layout, reference, { store, skopeo, signal: NEVER, onProgress, cwd: '/' })
      return store.hold(reference, { signal: NEVER })
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

/** Runs a script over the image's layers, mounted as containers see them; its output's lines. */
function inImage({ layers }: HeldImage, dir: TempDir, script: string): string[] {
  for (const name of ['upper', 'work', 'root']) mkdirSync(dir.join(name), { recursive: true })
  const top = statSync(layers[0] ?? '')
  const mount = `
    chown ${top.uid}:${top.gid} upper; chmod ${(top.mode & 0o7777).toString(8)} upper
    mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" none root
    cd root; ${script}`
  const apart = ['--mount', '--propagation', 'private', 'sh', '-ec', mount, 'sh', layers.join(':')]
  return execFileSync('unshare', apart, { cwd: dir.path, encoding: 'utf8' }).trim().split('\n')
}

const stat = (path: string) => `stat -c '%n %a %u' ${path}`
const BASE: readonly Entry[] = [
  { name: './', mode: 0o555 },
  { name: 'tmp/', mode: 0o1777 },
  { name: 'usr/lib/old', data: 'old' },
  { name: 'lib', kind: 'symlink', target: 'usr/lib' },
  { name: 'home/', mode: 0o710, uid: 7 },
  { name: 'home/gone/x', data: 'x' },
]

test('folders without an entry are like those of the layer below', { skip }, async () => {
  await using at = await testStore()
  const only: readonly Entry[] = [{ name: 'tmp/x' }, { name: 'home/y' }, { name: 'fresh/z' }]
  await using image = await at.hold({ layers: [BASE, only] })
  const found = inImage(image, at.dir, stat('. tmp home fresh tmp/x'))
  const owner = (id: number) => `${first + id}`
  assert.deepEqual(found, [
    `. 555 ${owner(0)}`,
    `tmp 1777 ${owner(0)}`,
    `home 710 ${owner(7)}`,
    `fresh 755 ${owner(0)}`,
    `tmp/x 644 ${owner(0)}`,
  ])
  // The same layer over another one.
  await using other = await at.hold({ layers: [[{ name: 'tmp/', mode: 0o700 }], only] })
  assert.deepEqual(inImage(other, at.dir, stat('tmp home')), [
    `tmp 700 ${owner(0)}`,
    `home 755 ${owner(0)}`,
  ])
  const layers = readdirSync(at.dir.join('images/layers', `${first}`))
  assert.equal(layers.length, 3)
})

test('a folder that is made again is not like the one that was there', { skip }, async () => {
  await using at = await testStore()
  const layer: readonly Entry[] = [{ name: '.wh.home' }, { name: 'home/new' }]
  const opaque: readonly Entry[] = [{ name: 'home/.wh..wh..opq' }, { name: 'home/new' }]
  await using replaced = await at.hold({ layers: [BASE, layer] })
  await using emptied = await at.hold({ layers: [BASE, opaque] })
  assert.deepEqual(inImage(replaced, at.dir, stat('home')), [`home 755 ${first}`])
  assert.deepEqual(inImage(emptied, at.dir, stat('home')), [`home 710 ${first + 7}`])
})

test('hard links to files of lower layers are whole, and those to nothing refused', {
  skip,
}, async () => {
  await using at = await testStore()
  const links: readonly Entry[] = [
    { name: 'opt/copy', kind: 'link', target: 'usr/lib/old' },
    { name: 'again', kind: 'link', target: 'lib/old' },
  ]
  const changed: readonly Entry[] = [{ name: 'usr/lib/old', data: 'changed' }]
  const more: readonly Entry[] = [{ name: 'third', kind: 'link', target: 'again' }]
  await using image = await at.hold({ layers: [BASE, links, changed, more] })
  const script = 'cat opt/copy; echo; cat again; echo; cat third; echo; cat usr/lib/old'
  assert.deepEqual(inImage(image, at.dir, script), ['old', 'old', 'old', 'changed'])
  const lost: readonly Entry[] = [{ name: 'opt/copy', kind: 'link', target: 'usr/lib/none' }]
  await assert.rejects(at.hold({ layers: [BASE, lost] }), {
    code: 'invalid',
    message: 'in its layer 2, opt/copy is a hard link to usr/lib/none, which no layer has',
  })
  const hidden: readonly Entry[] = [{ name: 'usr/.wh.lib' }]
  await assert.rejects(at.hold({ layers: [BASE, hidden, links] }), /which no layer has/)
})

test('whiteouts and opaque folders hide what is below', { skip }, async () => {
  await using at = await testStore()
  const layer: readonly Entry[] = [
    { name: 'usr/lib/.wh.old' },
    { name: 'home/gone/.wh..wh..opq' },
    { name: 'home/gone/new' },
  ]
  await using image = await at.hold({ layers: [BASE, layer] })
  assert.deepEqual(inImage(image, at.dir, 'find usr home | sort'), [
    'home',
    'home/gone',
    'home/gone/new',
    'usr',
    'usr/lib',
  ])
  await using bare = await at.hold({ layers: [BASE, [{ name: '.wh..wh..opq' }, { name: 'a' }]] })
  assert.deepEqual(inImage(bare, at.dir, 'find . | sort'), ['.', './a'])
})

test('refuses ids that containers do not have, and says which file has them', {
  skip,
}, async () => {
  await using at = await testStore()
  const layers = [BASE, [{ name: 'var/far', uid: 70_000 }]]
  await assert.rejects(at.hold({ layers }, 'test/far'), {
    code: 'invalid',
    message:
      /^image test\/far:latest can't be run: its file \/var\/far belongs to the id 70000, and containers have 65536 ids/,
  })
})

test('refuses an image for another kind of machine', { skip }, async () => {
  await using at = await testStore()
  const image = at.hold({ layers: [BASE], architecture: 's390x' })
  await assert.rejects(image, {
    code: 'invalid',
    message: /it is for linux\/s390x, and this machine/,
  })
})

test('takes what an image says of its containers', { skip }, async () => {
  await using at = await testStore()
  await using image = await at.hold({
    layers: [BASE],
    config: {
      Entrypoint: ['/bin/db'],
      Cmd: ['--fast'],
      Env: ['A=1'],
      User: '7:8',
      WorkingDir: '/home',
      StopSignal: 'SIGINT',
      ExposedPorts: { '5432/tcp': {} },
      Healthcheck: { Test: ['CMD', 'ready'], Timeout: 1_000_000_000 },
    },
  })
  assert.deepEqual(image.config, {
    entrypoint: ['/bin/db'],
    command: ['--fast'],
    env: ['A=1'],
    user: '7:8',
    workingFolder: '/home',
    stopSignal: 'SIGINT',
    exposedPorts: ['5432/tcp'],
    healthcheck: { test: ['CMD', 'ready'], timeoutMs: 1_000 },
  })
})

test('an image of 127 layers has them all', { skip }, async () => {
  await using at = await testStore()
  const layers = Array.from({ length: 127 }, (_, index): readonly Entry[] => [
    { name: `files/f${index}`, data: `${index}` },
    { name: 'last', data: `${index}` },
  ])
  await using image = await at.hold({ layers })
  assert.equal(image.layers.length, 127)
  const last = readFileSync(`${image.layers[0]}/last`, 'utf8')
  assert.equal(last, '126')
})

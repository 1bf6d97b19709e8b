import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { parseImageReference } from '../../src/core/image-reference.ts'
import { importImages } from '../../src/runner/images/fetch/import-image.ts'
import {
  attributeOf,
  type Entry,
  tarOf,
  treeIn,
} from '../../src/runner/images/fixtures/layers.fixture.ts'
import { writeLayout } from '../../src/runner/images/fixtures/layouts.fixture.ts'
import { testRegistry } from '../../src/runner/images/fixtures/registry.fixture.ts'
import type { HeldImage } from '../../src/runner/images/held-image.ts'
import type { HoldOptions } from '../../src/runner/images/images.ts'
import { makeRoom, unpackCommand } from '../../src/runner/images/layer/tar-room.ts'
import { writeByTar } from '../../src/runner/images/layer/tar-writer.ts'
import { type OpenedImages, openImages } from '../../src/runner/images/open-images.ts'
import { findProgram, isRoot } from '../support/services/programs.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const NEVER = new AbortController().signal
const { first } = CONTAINER_IDS

function open(dir: TempDir): Promise<OpenedImages> {
  const options = { dataDir: dir.join('data'), isRoot: true, ids: CONTAINER_IDS }
  return openImages({ ...options, env: { HOME: dir.path }, mostBytes: Infinity })
}

/** Imports an image of these layers, and holds it. */
async function hold(
  { store, skopeo, images }: OpenedImages,
  dir: TempDir,
  layers: readonly (readonly Entry[])[],
): Promise<HeldImage> {
  const layout = dir.join(`layout-${readdirSync(dir.path).length}`)
  writeLayout(layout, { layers })
  const reference = parseImageReference('test/hostile')
  const options = { store, skopeo, signal: NEVER, onProgress: () => {}, cwd: '/' }
  await importImages(layout, reference, options)
  return images.hold(reference, { signal: NEVER })
}

/** A folder of the machine that no image may touch. */
function canary(dir: TempDir): string {
  mkdirSync(dir.join('canary'))
  writeFileSync(dir.join('canary/file'), 'untouched')
  return dir.join('canary')
}

function assertUntouched(folder: string): void {
  assert.deepEqual(readdirSync(folder), ['file'])
  assert.equal(readFileSync(`${folder}/file`, 'utf8'), 'untouched')
  assert.equal(lstatSync(`${folder}/file`).nlink, 1)
}

test('IMG-01: no name and no link of a layer leads out of its folder', { skip }, async () => {
  await using dir = await tempDir()
  await using opened = await open(dir)
  const out = canary(dir)
  const up = '../'.repeat(20)
  const layers: readonly (readonly Entry[])[] = [
    [{ name: `${up}${out.slice(1)}/new` }],
    [{ name: `a/../${up}${out.slice(1)}/new` }],
    [{ name: 'hard', kind: 'link', target: `${up}${out.slice(1)}/file` }],
    [{ name: 'hard', kind: 'link', target: `${out}/file` }],
    [
      { name: 'link', kind: 'symlink', target: out },
      { name: 'hard', kind: 'link', target: 'link/file' },
    ],
  ]
  for (const one of layers) {
    await assert.rejects(hold(opened, dir, [one]), { code: 'invalid' })
    assertUntouched(out)
  }
  // Inside the image, these are paths like any others.
  const inside: readonly Entry[] = [
    { name: `${out}/file`, data: 'changed' },
    { name: 'link', kind: 'symlink', target: out },
    { name: 'link/new', data: 'new' },
    { name: 'up', kind: 'symlink', target: `${up}${out.slice(1)}` },
    { name: 'up/newer', data: 'newer' },
  ]
  await using image = await hold(opened, dir, [
    inside,
    [{ name: 'link/', mode: 0o777 }, { name: 'link/x' }],
  ])
  assertUntouched(out)
  assert.equal(image.layers.length, 2)
})

test('IMG-02: the program that writes a layer sees nothing else, whatever it is given', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const out = canary(dir)
  mkdirSync(dir.join('layer'))
  await makeRoom(dir.join('room'))
  const hostile = tarOf([
    { name: 'link', kind: 'symlink', target: out },
    { name: 'link/new', data: 'new' },
    { name: `${out}/other`, data: 'other' },
    { name: '/usr/canary', data: 'other' },
    { name: '../usr/canary', data: 'other' },
    { name: '../room/canary', data: 'other' },
  ])
  const command = unpackCommand({ enter: [], isRoot: true }, dir.join('room'), dir.join('layer'))
  const writing = writeByTar(command, NEVER, async (send) => {
    await send([hostile.subarray(0, -10_240)])
    return { second: [], result: undefined }
  })
  await assert.rejects(writing, /tar, unpacking a layer, failed/)
  assertUntouched(out)
  assert.equal(lstatSync('/usr/canary', { throwIfNoEntry: false }), undefined)
  assert.ok(!readdirSync(dir.join('room')).includes('canary'))
})

test('IMG-03: a private image is given to nobody who only names it, its digest, or its layers', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using opened = await open(dir)
  await using registry = await testRegistry()
  registry.locked.set('private', { name: 'ann', password: 'right' })
  writeLayout(dir.join('layout'), { layers: [[{ name: 'source', data: 'secret' }]] })
  const digest = registry.push('private', '1', dir.join('layout'))
  const login = (name: string, password: string): Pick<HoldOptions, 'login'> => {
    const auth = Buffer.from(`${name}:${password}`).toString('base64')
    return { login: JSON.stringify({ auths: { [registry.host]: { auth } } }) }
  }
  const ask = (name: string, more: Partial<HoldOptions>) =>
    opened.images.hold(parseImageReference(`${registry.host}/${name}`), { signal: NEVER, ...more })
  await using image = await ask('private:1', login('ann', 'right'))
  assert.equal(image.digest, digest)
  const attempts: Partial<HoldOptions>[] = [
    {},
    { isStranger: true },
    { pull: 'never' },
    { pull: 'always', ...login('ann', 'guessed') },
    login('bob', 'right'),
  ]
  for (const more of attempts) {
    for (const name of ['private:1', `private@${digest}`]) {
      await assert.rejects(ask(name, more), { code: 'not_found' })
    }
  }
  // A public name of another repository with the same digest is another image until its registry has it.
  await assert.rejects(ask(`public@${digest}`, {}), { code: 'not_found' })
})

test('IMG-04: marks and labels in an archive mean nothing to this machine', { skip }, async () => {
  await using dir = await tempDir()
  await using opened = await open(dir)
  const xattrs = {
    'trusted.overlay.opaque': 'y',
    'trusted.overlay.redirect': '/etc',
    'user.overlay.opaque': 'y',
    'security.selinux': 'system_u:object_r:shadow_t:s0',
    'system.posix_acl_access': Buffer.alloc(28),
  }
  const layer: readonly Entry[] = [
    { name: 'etc/', xattrs },
    { name: 'etc/own', xattrs },
    { name: 'etc/lower', kind: 'character' },
  ]
  await using image = await hold(opened, dir, [[{ name: 'etc/lower', data: 'x' }], layer])
  const [top = ''] = image.layers
  assert.deepEqual(Object.keys(treeIn(top)).sort(), ['', 'etc', 'etc/own'])
  for (const name of Object.keys(xattrs)) {
    for (const path of ['etc', 'etc/own'])
      assert.equal(attributeOf(`${top}/${path}`, name), '', name)
  }
})

test('IMG-05: setuid files, capabilities and devices of an image give nothing on the machine', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using opened = await open(dir)
  const all = Buffer.from('01000002ffffffff00000000ffffffff00000000', 'hex')
  await using image = await hold(opened, dir, [
    [
      { name: 'su', mode: 0o6755 },
      { name: 'able', mode: 0o755, xattrs: { 'security.capability': all } },
      { name: 'disk', kind: 'block', mode: 0o666, major: 254 },
      { name: 'memory', kind: 'character', mode: 0o666, major: 1, minor: 1 },
    ],
  ])
  const [layer = ''] = image.layers
  const { uid, gid } = lstatSync(`${layer}/su`)
  assert.deepEqual([uid, gid], [first, first])
  const capability = Buffer.from(attributeOf(`${layer}/able`, 'security.capability'), 'hex')
  assert.deepEqual([capability[3], capability.readUInt32LE(20)], [3, first])
  assert.deepEqual(readdirSync(layer).sort(), ['able', 'su'])
  assert.equal(lstatSync(dir.join('data/images')).mode & 0o077, 0)
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import type { Entry } from './fixtures/layers.fixture.ts'
import { writeLayout } from './fixtures/layouts.fixture.ts'
import { testRegistry } from './fixtures/registry.fixture.ts'

const run = promisify(execFile)
const skip =
  (!isRoot() && 'only root can mount a small disk') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const SCRIPT = new URL('./fixtures/full-process.fixture.ts', import.meta.url).pathname

interface Ending {
  /** For each image. */
  readonly results: readonly string[]
  readonly left: readonly string[]
  readonly layers: number
  /** Those of some size. */
  readonly files: string
}

type Images = Readonly<Record<string, readonly (readonly Entry[])[]>>

/** Pulls one image after the other in a process whose data folder is a small disk. */
async function onDisk(
  options: string,
  images: Images,
  mount = 'mount -t tmpfs -o "$0" none data',
): Promise<Ending> {
  await using dir = await tempDir()
  await using registry = await testRegistry()
  for (const [name, layers] of Object.entries(images)) {
    writeLayout(dir.join(name), { layers })
    registry.push(name, 'latest', dir.join(name))
  }
  const references = Object.keys(images).map((name) => `${registry.host}/${name}`)
  const script = `mkdir data; ${mount}; exec "$@"`
  const apart = ['--mount', '--propagation', 'private', 'sh', '-ec', script, options]
  const command = [process.execPath, SCRIPT, dir.join('data'), ...references]
  const { stdout } = await run('unshare', [...apart, ...command], { cwd: dir.path })
  return JSON.parse(stdout) as Ending
}

/** Compresses well, so that nobody can know before how much it is. */
const zeros = (name: string, megabytes: number): readonly Entry[] => [
  { name, data: Buffer.alloc(megabytes * 1_000_000) },
]
const many = (name: string, count: number): readonly Entry[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${name}/${index}` }))

test('a disk that becomes full makes room once, by the image that was used longest ago', {
  skip,
}, async () => {
  const images = { old: [zeros('old', 12)], big: [zeros('big', 14)] }
  const { results, left } = await onDisk('size=20m', images)
  assert.deepEqual(results, ['1 layers', '1 layers'])
  assert.deepEqual(left, ['big:latest'])
})

test('what does not fit at all leaves nothing behind, by bytes', { skip }, async () => {
  const images = { huge: [zeros('first', 4), zeros('huge', 40)], small: [zeros('small', 1)] }
  const { results, left, layers, files } = await onDisk('size=20m', images)
  assert.match(
    results[0] ?? '',
    /^exhausted: image .*huge:latest can't be pulled: layer \d of 2: there is no space left/,
  )
  assert.equal(results[1], '1 layers')
  assert.deepEqual(left, ['small:latest'])
  assert.ok(layers <= 2)
  assert.equal(files.split('\n').filter((path) => path.endsWith('/huge')).length, 0)
})

test('what does not fit at all leaves nothing behind, by inodes', { skip }, async () => {
  const { results, left } = await onDisk('size=20m,nr_inodes=400', {
    many: [many('files', 600)],
    few: [many('files', 20)],
  })
  assert.match(results[0] ?? '', /^exhausted: .*there is no space left/)
  assert.equal(results[1], '1 layers')
  assert.deepEqual(left, ['few:latest'])
})

/** Inodes of ext4 are counted when it is made. */
const EXT4 = 'truncate -s 32M disk; mkfs.ext4 -q -F -N "$0" disk; mount -o loop disk data'
const noExt4 = skip || (!findProgram('mkfs.ext4') && 'mkfs.ext4 is not installed (apt: e2fsprogs)')

test('what does not fit at all leaves nothing behind, by inodes of ext4', {
  skip: noExt4,
}, async () => {
  const images = { many: [many('first', 20), many('files', 900)], few: [many('files', 20)] }
  const { results, left } = await onDisk('640', images, EXT4)
  assert.match(results[0] ?? '', /^exhausted: .*there is no space left/)
  assert.equal(results[1], '1 layers')
  assert.deepEqual(left, ['few:latest'])
})

test('says before it fetches that there is no room', { skip }, async () => {
  const layers = [1, 2, 3, 4].map((index): readonly Entry[] => [
    { name: `${index}`, data: randomBytes(1_000_000) },
  ])
  const { results } = await onDisk('size=4m', { big: layers })
  assert.match(
    results[0] ?? '',
    /^exhausted: .*no space for the image in .*images: about \d+ MB are needed, and \d+ MB are free/,
  )
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { testService, uniquePrefix } from '#root/test/support/services.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { CONTAINER_IDS } from '../../core/container-ids.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import { importImages } from './fetch/import-image.ts'
import type { Entry } from './fixtures/layers.fixture.ts'
import { writeLayout } from './fixtures/layouts.fixture.ts'
import type { HeldImage } from './held-image.ts'
import { openImages } from './open-images.ts'

const docker = testService('docker')
const skip =
  docker.skip ||
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const NEVER = new AbortController().signal

/** What the engine puts into each container. */
const PUT_IN = /^(\.dockerenv|etc\/(hostname|hosts|mtab|resolv\.conf)|(dev|proc|sys)(\/.*)?)$/

/** Every path with kind, mode, owners, size or target. */
function listing(folder: string, firstId: number): string[] {
  const format = '%P\\t%y\\t%m\\t%U\\t%G\\t%s\\t%l\\n'
  const lines = execFileSync('find', [folder, '-printf', format], { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => line.split('\t'))
    .filter(([path = '']) => path !== '' && !PUT_IN.test(path))
    .map(([path, kind, mode, user, group, size, target]) => {
      const owner = [user, group].map((id) => Number(id) - firstId).join(':')
      return `${path} ${kind} ${mode} ${owner} ${kind === 'f' ? size : ''}${target}`
    })
    .sort()
}

function byDocker(layout: string, dir: TempDir): string[] {
  const name = `${uniquePrefix()}/like:1`
  const cli = (...args: string[]) =>
    execFileSync('docker', ['--host', docker.url, ...args], { encoding: 'utf8' }).trim()
  const daemon = `--dest-daemon-host=${docker.url}`
  execFileSync('skopeo', ['copy', '--quiet', daemon, `oci:${layout}`, `docker-daemon:${name}`])
  const id = cli('create', name, 'none')
  try {
    cli('export', '--output', dir.join('export.tar'), id)
  } finally {
    cli('rm', id)
    cli('rmi', name)
  }
  mkdirSync(dir.join('docker'))
  const extract = ['--extract', '--same-owner', '--same-permissions', '--numeric-owner']
  const from = ['--file', dir.join('export.tar'), '--directory', dir.join('docker')]
  execFileSync('tar', [...extract, ...from])
  return listing(dir.join('docker'), 0)
}

async function byUs(layout: string, dir: TempDir): Promise<string[]> {
  const options = { dataDir: dir.join('data'), isRoot: true, ids: CONTAINER_IDS, env: {} }
  await using opened = await openImages({ ...options, mostBytes: Infinity })
  const { store, skopeo, images } = opened
  const reference = parseImageReference('test/like')
  const more = { signal: NEVER, onProgress: () => {}, cwd: '/' }
  await importImages(layout, reference, { store, skopeo, ...more })
  await using held = await images.hold(reference, { signal: NEVER })
  return mounted(held, dir)
}

function mounted({ layers }: HeldImage, dir: TempDir): string[] {
  for (const name of ['upper', 'work', 'root', 'copy']) mkdirSync(dir.join(name))
  const { mode } = statSync(layers[0] ?? '')
  const script = `
    chmod ${(mode & 0o7777).toString(8)} upper
    mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" none root
    cp --archive root/. copy`
  const apart = ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh']
  execFileSync('unshare', [...apart, layers.join(':')], { cwd: dir.path })
  return listing(dir.join('copy'), CONTAINER_IDS.first)
}

const BASE: readonly Entry[] = [
  { name: 'etc/', mode: 0o755 },
  { name: 'etc/config', data: 'old', uid: 5, gid: 6 },
  { name: 'usr/' },
  { name: 'usr/lib/' },
  { name: 'usr/lib/libc', data: 'libc' },
  { name: 'lib', kind: 'symlink', target: 'usr/lib' },
  { name: 'tmp/', mode: 0o1777 },
  { name: 'bin/' },
  { name: 'bin/su', mode: 0o4755, data: 'su' },
  { name: 'bin/wall', mode: 0o2755, gid: 5, data: 'wall' },
  { name: 'gone/' },
  { name: 'gone/a', data: 'a' },
  { name: 'gone/b/' },
  { name: 'gone/b/c', data: 'c' },
]

/**
 * Not among them: a folder that is removed and made again in one layer, in which Docker (20.10) shows the old files,
 * and a path that is twice in a layer, which it refuses.
 */
const IMAGES: Readonly<Record<string, readonly (readonly Entry[])[]>> = {
  'links, modes and owners': [
    BASE,
    [
      { name: 'etc/', mode: 0o700 },
      { name: 'etc/link', kind: 'link', target: 'etc/first' },
      { name: 'etc/first', data: 'first' },
      { name: 'etc/abs', kind: 'symlink', target: '/etc/config' },
      { name: 'etc/up', kind: 'symlink', target: '../usr' },
      { name: 'far', data: 'far', uid: 60_000, gid: 65_535 },
      { name: 'pipe', kind: 'fifo' },
    ].toSorted((a, b) => Number(a.kind === 'link') - Number(b.kind === 'link')) as Entry[],
  ],
  whiteouts: [
    BASE,
    [{ name: 'etc/' }, { name: 'etc/.wh.config' }, { name: '.wh.gone' }, { name: '.wh.never' }],
  ],
  'an opaque folder': [
    BASE,
    [{ name: 'gone/' }, { name: 'gone/.wh..wh..opq' }, { name: 'gone/new', data: 'new' }],
  ],
  'a folder instead of a link, a file instead of a folder': [
    BASE,
    [{ name: 'lib/' }, { name: 'lib/own', data: 'own' }, { name: 'gone', data: 'file' }],
  ],
  'a path through a link of the layer': [
    BASE,
    [
      { name: 'run', kind: 'symlink', target: 'var/run' },
      { name: 'var/' },
      { name: 'var/run/' },
      { name: 'run/lock', data: 'lock' },
    ],
  ],
  'a file removed and a lower one changed, over three layers': [
    BASE,
    [
      { name: 'etc/' },
      { name: 'etc/config', data: 'second' },
      { name: 'bin/' },
      { name: 'bin/.wh.su' },
    ],
    [
      { name: 'bin/' },
      { name: 'bin/su', data: 'again' },
      { name: 'etc/' },
      { name: 'etc/.wh.config' },
    ],
  ],
}

for (const [what, layers] of Object.entries(IMAGES)) {
  test(`gives what Docker gives: ${what}`, { skip }, async () => {
    await using dir = await tempDir()
    writeLayout(dir.join('layout'), { layers, config: { Cmd: ['none'] } })
    const wanted = byDocker(dir.join('layout'), dir)
    assert.ok(wanted.length > 5)
    assert.deepEqual(await byUs(dir.join('layout'), dir), wanted)
  })
}

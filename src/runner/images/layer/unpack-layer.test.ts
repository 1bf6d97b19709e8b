import assert from 'node:assert/strict'
import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import {
  attributeOf,
  digestOf,
  type Entry,
  tarOf,
  treeIn,
  writeLayer,
} from '../fixtures/layers.fixture.ts'
import type { LayerForm } from './rewrite-layer.ts'
import { makeRoom } from './tar-room.ts'
import { type LayerFacts, type LayerJob, unpackLayer } from './unpack-layer.ts'

const skip = !isRoot() && 'only root can unpack without a user namespace'
const noZstd = !findProgram('zstd') && 'zstd is not installed (apt: zstd)'
const FIRST = 1879048192
const FORM: LayerForm = {
  first: FIRST,
  count: 65_536,
  overlay: 'trusted.overlay.',
  devices: false,
}
const OWNER = `${FIRST}:${FIRST}`
const NEVER = new AbortController().signal

async function unpacked(
  dir: TempDir,
  layer: readonly Entry[] | Buffer,
  change: Partial<LayerJob> = {},
  compression: 'none' | 'gzip' | 'zstd' = 'gzip',
): Promise<LayerFacts> {
  const archive = Buffer.isBuffer(layer) ? layer : tarOf(layer)
  await makeRoom(dir.join('room'))
  return unpackLayer(
    {
      ...writeLayer(dir.path, archive, compression),
      form: FORM,
      rights: { enter: [], isRoot: true },
      room: dir.join('room'),
      folder: dir.join('layer'),
      ...change,
    },
    NEVER,
  )
}

test('unpacks files of every kind with shifted owners', { skip }, async () => {
  await using dir = await tempDir()
  const facts = await unpacked(dir, [
    { name: './', mode: 0o711 },
    { name: 'etc/', mode: 0o555, gid: 5 },
    { name: 'etc/x', data: 'content', uid: 1000, gid: 1001 },
    { name: 'bin/su', mode: 0o4755, data: 'setuid' },
    { name: 'locked/', mode: 0 },
    { name: 'locked/in', mode: 0 },
    { name: 'hard', kind: 'link', target: 'etc/x' },
    { name: '/absolute', data: 'below' },
    { name: 'link', kind: 'symlink', target: '/etc/shadow' },
    { name: 'up', kind: 'symlink', target: '../../../etc' },
    { name: 'pipe', kind: 'fifo' },
    { name: `long/${'n'.repeat(255)}/${'m'.repeat(200)}`, data: 'long' },
    { name: Buffer.from('naïve').toString('latin1'), data: 'utf8' },
  ])
  const tree = treeIn(dir.join('layer/fs'))
  assert.deepEqual(tree, {
    '': `d 711 ${OWNER}`,
    absolute: `f 644 ${OWNER} below`,
    bin: `d 755 ${OWNER}`,
    'bin/su': `f 4755 ${OWNER} setuid`,
    etc: `d 555 ${FIRST}:${FIRST + 5}`,
    'etc/x': `f 644 ${FIRST + 1000}:${FIRST + 1001} content`,
    hard: `f 644 ${FIRST + 1000}:${FIRST + 1001} content`,
    link: `l 777 ${OWNER} → /etc/shadow`,
    locked: `d 0 ${OWNER}`,
    'locked/in': `f 0 ${OWNER}`,
    long: `d 755 ${OWNER}`,
    [`long/${'n'.repeat(255)}`]: `d 755 ${OWNER}`,
    [`long/${'n'.repeat(255)}/${'m'.repeat(200)}`]: `f 644 ${OWNER} long`,
    naïve: `f 644 ${OWNER} utf8`,
    pipe: `p 644 ${OWNER}`,
    up: `l 777 ${OWNER} → ../../../etc`,
  })
  assert.equal(lstatSync(dir.join('layer/fs/etc/x')).mtimeMs, 1_700_000_000_000)
  assert.equal(lstatSync(dir.join('layer/fs/etc')).mtimeMs, 1_700_000_000_000)
  assert.equal(lstatSync(dir.join('layer/fs/hard')).nlink, 2)
  assert.deepEqual(facts.highest, { id: 1001, path: 'etc/x' })
  assert.deepEqual(facts.leftOut, { attributes: 0, devices: 0 })
})

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  test(`reads a layer with compression ${compression}`, { skip }, async () => {
    await using dir = await tempDir()
    await unpacked(dir, [{ name: 'a', data: 'x'.repeat(100_000) }], {}, compression)
    assert.equal(lstatSync(dir.join('layer/fs/a')).size, 100_000)
  })
}

test('reads zstd in several frames, of which some are skipped', {
  skip: skip || noZstd,
}, async () => {
  await using dir = await tempDir()
  const archive = tarOf([{ name: 'a', data: 'x'.repeat(100_000) }])
  const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2])
  const parts = [archive.subarray(0, 30_000), archive.subarray(30_000)].map((part) =>
    zstdCompressSync(part),
  )
  const bytes = Buffer.concat([skipped, ...parts, skipped])
  const digest = digestOf(bytes)
  writeFileSync(dir.join('blob'), bytes)
  await unpacked(dir, archive, { blob: dir.join('blob'), digest })
  assert.equal(lstatSync(dir.join('layer/fs/a')).size, 100_000)
})

const ENTRIES: readonly Entry[] = [
  { name: 'd/.wh..wh..opq' },
  { name: 'd/new', data: 'own' },
  { name: '.wh.gone' },
  { name: 'd/', mode: 0o700 },
]

test('marks hide lower layers only, in any order of the entries', { skip }, async () => {
  const orders = permutations(ENTRIES)
  assert.equal(orders.length, 24)
  for (const order of orders) {
    await using dir = await tempDir()
    await unpacked(dir, order)
    assert.deepEqual(treeIn(dir.join('layer/fs')), {
      '': `d 755 ${OWNER}`,
      d: `d 700 ${OWNER}`,
      'd/new': `f 644 ${OWNER} own`,
      gone: `c 0 ${OWNER}`,
    })
    assert.equal(lstatSync(dir.join('layer/fs/gone')).rdev, 0)
    assert.equal(attributeOf(dir.join('layer/fs/d'), 'trusted.overlay.opaque'), '79')
  }
})

test('a whiteout with new entries makes an opaque folder, one of a new file nothing', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await unpacked(dir, [
    { name: 'a/b/new' },
    { name: 'a/.wh.b' },
    { name: 'file' },
    { name: '.wh.file' },
    { name: '.wh..wh.plnk' },
    { name: 'x/y/.wh.z' },
  ])
  assert.equal(attributeOf(dir.join('layer/fs/a/b'), 'trusted.overlay.opaque'), '79')
  assert.equal(attributeOf(dir.join('layer/fs/a'), 'trusted.overlay.opaque'), '')
  const tree = treeIn(dir.join('layer/fs'))
  assert.equal(tree['file'], `f 644 ${OWNER}`)
  assert.equal(tree['x/y/z'], `c 0 ${OWNER}`)
  assert.deepEqual(readdirSync(dir.join('layer/fs')).sort(), ['a', 'file', 'x'])
})

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')

test('keeps file capabilities and attributes of users only', { skip }, async () => {
  await using dir = await tempDir()
  const foreign = Buffer.concat([CAPABILITY, Buffer.from([0xa0, 0x86, 1, 0])])
  foreign[3] = 3
  const facts = await unpacked(dir, [
    {
      name: 'ping',
      xattrs: {
        'security.capability': CAPABILITY,
        'security.selinux': 'label',
        'security.ima': Buffer.from([1, 2, 0xff]),
        'user.mine': Buffer.from([0, 10, 0x80, 0xff]),
        'user.overlay.opaque': 'y',
        'trusted.overlay.opaque': 'y',
        'system.posix_acl_access': 'acl',
      },
    },
    { name: 'nested', xattrs: { 'security.capability': foreign } },
    { name: 'folder/', xattrs: { 'user.note': 'kept', 'trusted.overlay.opaque': 'y' } },
  ])
  const [ping, nested] = [dir.join('layer/fs/ping'), dir.join('layer/fs/nested')]
  const inMap = '010000030020000000000000000000000000000000000070'
  assert.equal(attributeOf(ping, 'security.capability'), inMap)
  assert.equal(attributeOf(nested, 'security.capability'), inMap)
  assert.equal(attributeOf(ping, 'user.mine'), '000a80ff')
  for (const name of ['security.selinux', 'user.overlay.opaque', 'trusted.overlay.opaque']) {
    assert.equal(attributeOf(ping, name), '', name)
  }
  assert.equal(
    attributeOf(dir.join('layer/fs/folder'), 'user.note'),
    Buffer.from('kept').toString('hex'),
  )
  assert.equal(attributeOf(dir.join('layer/fs/folder'), 'trusted.overlay.opaque'), '')
  assert.equal(facts.leftOut.attributes, 6)
})

test('leaves device nodes out, and never takes one for a mark', { skip }, async () => {
  await using dir = await tempDir()
  const devices: readonly Entry[] = [
    { name: 'dev/disk', kind: 'block', major: 8 },
    { name: 'dev/null', kind: 'character', major: 1, minor: 3, mode: 0o666 },
    { name: 'etc/passwd', kind: 'character' },
  ]
  const facts = await unpacked(dir, devices)
  assert.deepEqual(facts.leftOut, { attributes: 1, devices: 2 })
  assert.deepEqual(Object.keys(treeIn(dir.join('layer/fs'))).sort(), ['', 'dev', 'etc'])
  await unpacked(dir, devices, {
    form: { ...FORM, first: 0, devices: true },
    folder: dir.join('own'),
  })
  const tree = treeIn(dir.join('own/fs'))
  assert.equal(tree['dev/null'], 'c 666 0:0')
  assert.equal(tree['etc/passwd'], undefined)
})

test('later entries of a path win, whatever their kinds, and links are never followed', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await unpacked(dir, [
    { name: 'twice', data: 'first' },
    { name: 'twice', data: 'second' },
    { name: 'tree/a/b', data: 'gone' },
    { name: 'tree', data: 'file now' },
    { name: 'was', kind: 'symlink', target: '/etc' },
    { name: 'was/', mode: 0o750 },
    { name: 'was/here', data: 'in the layer' },
    { name: 'lib', kind: 'symlink', target: '../usr/lib' },
    { name: 'lib/x.so', data: 'through the link' },
    { name: 'out', kind: 'symlink', target: dir.join('outside') },
    { name: 'out/file', data: 'inside' },
    { name: 'later', kind: 'link', target: 'chain' },
    { name: 'chain', kind: 'link', target: 'end' },
    { name: 'end', data: 'the end' },
  ])
  const tree = treeIn(dir.join('layer/fs'))
  assert.equal(tree['twice'], `f 644 ${OWNER} second`)
  assert.equal(tree['tree'], `f 644 ${OWNER} file now`)
  assert.equal(tree['tree/a'], undefined)
  assert.equal(tree['was'], `d 750 ${OWNER}`)
  assert.equal(tree['was/here'], `f 644 ${OWNER} in the layer`)
  assert.equal(tree['usr/lib/x.so'], `f 644 ${OWNER} through the link`)
  assert.equal(tree[`${dir.join('outside').slice(1)}/file`], `f 644 ${OWNER} inside`)
  assert.equal(tree['later'], `f 644 ${OWNER} the end`)
  assert.equal(lstatSync(dir.join('layer/fs/end')).nlink, 3)
  assert.equal(lstatSync(dir.join('outside'), { throwIfNoEntry: false }), undefined)
})

const REFUSED: Readonly<Record<string, readonly [readonly Entry[], RegExp]>> = {
  'a name that leaves it': [[{ name: '../out' }], /"\.\.\/out" leaves the layer/],
  'a name that leaves it on the way': [[{ name: 'a/../../b/x' }], /leaves the layer/],
  'a hard link that leaves it': [
    [{ name: 'l', kind: 'link', target: '../../etc/shadow' }],
    /leaves the layer/,
  ],
  'a hard link to a folder': [
    [{ name: 'd/' }, { name: 'l', kind: 'link', target: 'd' }],
    /l is a hard link to the folder d/,
  ],
  'an entry below a file': [
    [{ name: 'f' }, { name: 'f/x' }],
    /f\/x is below one that is no folder/,
  ],
  'links in a circle': [
    [
      { name: 'a', kind: 'symlink', target: 'b' },
      { name: 'b', kind: 'symlink', target: 'a' },
      { name: 'a/x' },
    ],
    /a\/x is below one that is no folder/,
  ],
  'a name that is too long': [[{ name: 'n'.repeat(256) }], /is too long/],
  'a mark that hides nothing': [[{ name: '.wh...' }], /hides no name/],
}

for (const [what, [entries, words]] of Object.entries(REFUSED)) {
  test(`refuses a layer with ${what}`, { skip }, async () => {
    await using dir = await tempDir()
    await assert.rejects(unpacked(dir, entries), { code: 'invalid', message: words })
  })
}

test('refuses a layer that is not what its digests say', { skip }, async () => {
  await using dir = await tempDir()
  const layer = [{ name: 'a', data: 'x'.repeat(50_000) }]
  const wrong = `sha256:${'0'.repeat(64)}`
  await assert.rejects(unpacked(dir, layer, { digest: wrong }), /its digest is .* it is damaged/)
  await assert.rejects(unpacked(dir, layer, { diffId: wrong }), /its content \(diff id\) is/)
  const whole = tarOf(layer)
  const cut = whole.subarray(0, 20_000)
  await assert.rejects(unpacked(dir, cut), /it ends in the middle of an entry/)
  await assert.rejects(unpacked(dir, Buffer.from('<html>'.repeat(200))), { code: 'invalid' })
})

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]),
  )
}

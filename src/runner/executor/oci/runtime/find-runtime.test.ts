import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtempDisposable, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dockerRights, strictRights } from '../spec/capabilities.ts'
import { findRuntime, type RuntimeSearch } from './find-runtime.ts'

const FIRST_ID = 1_879_048_192

for (const name of ['crun', 'runc'] as const) {
  test(`finds ${name} by starting a container in a folder that is closed to others`, async (t) => {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
    await chmod(dir.path, 0o700)
    const folder = join(dir.path, 'oci')
    const found = await findRuntime({ folder, firstId: FIRST_ID, names: [name] })
    if (typeof found === 'string') return t.skip(found)
    assert.equal(found.runtime.name, name)
    const isRoot = process.getuid?.() === 0
    assert.equal(found.idMap?.firstId, isRoot ? FIRST_ID : 0)
    assert.deepEqual(await readdir(join(folder, 'trials')), [])
  })
}

test('gives the machine’s devices to nobody', async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
  const found = await findRuntime({ folder: dir.path, firstId: FIRST_ID })
  if (typeof found === 'string') return t.skip(found)
  const { uid, gid } = await stat('/dev/null')
  assert.deepEqual([uid, gid], [0, 0])
})

test('keeps what crun has compiled, and proves it again at the next start', async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
  const search: RuntimeSearch = { folder: dir.path, firstId: FIRST_ID, names: ['crun'] }
  const first = await findRuntime(search)
  if (typeof first === 'string') return t.skip(first)
  await first.filters.for(strictRights())
  const kept = join(dir.path, 'filters')
  const files = await readdir(kept)
  const { mtimeMs } = await stat(join(kept, files[0] ?? ''))
  const again = await findRuntime(search)
  if (typeof again === 'string') return assert.fail(again)
  await again.filters.for(strictRights())
  assert.deepEqual(await readdir(kept), files)
  assert.equal((await stat(join(kept, files[0] ?? ''))).mtimeMs, mtimeMs)
})

test('compiles again what was kept and is damaged', async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
  const search: RuntimeSearch = { folder: dir.path, firstId: FIRST_ID, names: ['crun'] }
  const first = await findRuntime(search)
  if (typeof first === 'string') return t.skip(first)
  const kept = join(dir.path, 'filters')
  const damages = {
    empty: Buffer.alloc(0),
    cut: Buffer.alloc(12),
    // One instruction that allows everything.
    open: Buffer.from('0600000000000ff7f'.padEnd(16, '0'), 'hex'),
    'allows all': Buffer.from('060000000000ff7f', 'hex'),
  }
  for (const [what, bytes] of Object.entries(damages)) {
    const [file = ''] = await readdir(kept)
    await writeFile(join(kept, file), bytes)
    assert.notEqual(typeof (await findRuntime(search)), 'string', what)
    assert.ok((await stat(join(kept, file))).size > 1_000, what)
  }
})

test('recalls what was proven since the last boot, and tries nothing again', async (t) => {
  await using stage = await provenStage()
  if (typeof stage.found === 'string') return t.skip(stage.found)
  await stage.preventTrials()
  const again = await findRuntime({ ...stage.search, recalls: true })
  if (typeof again === 'string') return assert.fail(again)
  assert.deepEqual(again.runtime, stage.found.runtime)
  assert.equal(again.version, stage.found.version)
  const rights = again.idMap ? dockerRights() : strictRights()
  const filters = [stage.found, again].map(async (one) => one.filters.for(rights))
  const [before, now] = await Promise.all(filters)
  assert.deepEqual(now, before)
})

test('recalls nothing for other ids, nor when it is asked to try', async (t) => {
  for (const change of [{ firstId: FIRST_ID + 65_536, recalls: true }, {}]) {
    await using stage = await provenStage()
    if (typeof stage.found === 'string') return t.skip(stage.found)
    if ('firstId' in change && process.getuid?.() !== 0) continue
    await stage.preventTrials()
    assert.equal(typeof (await findRuntime({ ...stage.search, ...change })), 'string')
  }
})

test('recalls nothing of a filter that is damaged', async (t) => {
  await using stage = await provenStage()
  if (typeof stage.found === 'string') return t.skip(stage.found)
  if (stage.found.runtime.name !== 'crun') return t.skip('needs crun')
  const [file = ''] = await readdir(join(stage.search.folder, 'filters'))
  const path = join(stage.search.folder, 'filters', file)
  await writeFile(path, Buffer.from('060000000000ff7f', 'hex'))
  await findRuntime({ ...stage.search, recalls: true })
  assert.ok((await stat(path)).size > 1_000)
})

test('tries again after a container did not start', async (t) => {
  await using stage = await provenStage()
  if (typeof stage.found === 'string') return t.skip(stage.found)
  const again = await findRuntime({ ...stage.search, recalls: true })
  if (typeof again === 'string') return assert.fail(again)
  const rights = again.idMap ? dockerRights() : strictRights()
  await stage.preventTrials()
  await again.filters.for(rights)
  await again.filters.forget()
  await assert.rejects(again.filters.for(rights))
})

/** A folder in which a runtime was found. */
async function provenStage() {
  const dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
  const search: RuntimeSearch = { folder: dir.path, firstId: FIRST_ID }
  const found = await findRuntime(search)
  return {
    search,
    found,
    preventTrials: async () => {
      await rm(join(dir.path, 'trials'), { recursive: true, force: true })
      await writeFile(join(dir.path, 'trials'), '')
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

test('says what to install where there is no runtime', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-runtime-'))
  await mkdir(join(dir.path, 'x'))
  const result = await findRuntime({ folder: dir.path, names: [] })
  assert.equal(result, 'neither crun nor runc is installed: apt-get install crun')
})

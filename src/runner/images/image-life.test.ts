import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { CONTAINER_IDS } from '../../core/container-ids.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import { type Entry, treeIn } from './fixtures/layers.fixture.ts'
import { writeLayout } from './fixtures/layouts.fixture.ts'
import { type TestRegistry, testRegistry } from './fixtures/registry.fixture.ts'
import { type OpenedImages, openImages } from './open-images.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')
const NEVER = new AbortController().signal

interface World extends AsyncDisposable {
  readonly dir: TempDir
  readonly registry: TestRegistry
  open(): Promise<OpenedImages>
  push(name: string, layers: readonly (readonly Entry[])[]): string
  /** A process that pulls; killed on disposal. */
  pull(name: string): ChildProcess
}

async function world(): Promise<World> {
  const stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const registry = stack.use(await testRegistry())
  let count = 0
  return {
    dir,
    registry,
    open: async () => {
      const env = { HOME: dir.path }
      return openImages({
        dataDir: dir.path,
        isRoot: true,
        ids: CONTAINER_IDS,
        env,
        mostBytes: Infinity,
      })
    },
    push: (name, layers) => {
      const layout = dir.join(`layout-${count++}`)
      writeLayout(layout, { layers })
      return registry.push(name, 'latest', layout)
    },
    pull: (name) => {
      const script = new URL('./fixtures/pull-process.fixture.ts', import.meta.url).pathname
      const args = [script, dir.path, `${registry.host}/${name}`]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      stack.defer(async () => void child.kill('SIGKILL'))
      return child
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function untilLine(child: ChildProcess, pattern: RegExp): Promise<void> {
  assert.ok(child.stdout)
  for await (const line of createInterface({ input: child.stdout })) {
    if (pattern.test(line)) return
  }
  assert.fail(`ended before ${pattern}`)
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

function hold(opened: OpenedImages, at: World, name: string) {
  const reference = parseImageReference(`${at.registry.host}/${name}`)
  return opened.images.hold(reference, { signal: NEVER })
}

const file = (name: string, data = name): readonly Entry[] => [{ name, data }]

test('an image in use by another process stays through a prune, and goes when that is killed', {
  skip,
}, async () => {
  await using at = await world()
  at.push('used', [file('shared'), file('own')])
  at.push('unused', [file('shared'), file('else')])
  const child = at.pull('used')
  await untilLine(child, /^holding/)
  await using opened = await at.open()
  await (await hold(opened, at, 'unused'))[Symbol.asyncDispose]()
  const used = `${at.registry.host}/used:latest`
  const unused = `${at.registry.host}/unused:latest`
  const first = await opened.store.prune(0)
  assert.deepEqual(first.removed, [unused])
  await assert.rejects(opened.store.remove(used), { code: 'conflict' })
  assert.equal(readdirSync(opened.store.folder.layers).length, 2)
  await kill(child)
  assert.deepEqual((await opened.store.prune(0)).removed, [used])
  await eventually(() => readdirSync(opened.store.folder.join('trash')).length === 0 || null)
  for (const kind of ['layers', 'tops']) {
    assert.deepEqual(readdirSync(opened.store.folder[kind === 'layers' ? 'layers' : 'tops']), [])
  }
})

test('removes what was used longest ago first, and never more than it must', { skip }, async () => {
  await using at = await world()
  await using opened = await at.open()
  const big = (name: string) => [{ name, data: 'x'.repeat(1_000_000) }]
  for (const name of ['a', 'b', 'c']) {
    at.push(name, [big(name)])
    await (await hold(opened, at, name))[Symbol.asyncDispose]()
  }
  await (await hold(opened, at, 'a'))[Symbol.asyncDispose]()
  const { removed } = await opened.store.prune(2_500_000)
  assert.deepEqual(removed, [`${at.registry.host}/b:latest`])
  const left = (await opened.store.list()).map(({ reference }) => reference.split('/')[1])
  assert.deepEqual(left, ['a:latest', 'c:latest'])
})

test('prunes in a loop take nothing from 200 jobs that pull and hold', { skip }, async () => {
  await using at = await world()
  await using opened = await at.open()
  await using other = await at.open()
  const names = ['one', 'two', 'three']
  for (const name of names) at.push(name, [file('shared'), file(name)])
  let isDone = false
  const pruning = (async () => {
    for (let rounds = 0; !isDone && rounds < 10_000; rounds++) await other.store.prune(0)
  })()
  try {
    let next = 0
    const worker = async () => {
      for (let job = next++; job < 200; job = next++) {
        const name = names[job % names.length] ?? ''
        await using image = await hold(opened, at, name)
        const contents = () => image.layers.flatMap((layer) => readdirSync(layer)).sort()
        assert.deepEqual(contents(), [name, 'shared'].sort())
        await new Promise((resolve) => setImmediate(resolve))
        assert.deepEqual(contents(), [name, 'shared'].sort())
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  } finally {
    isDone = true
    await pruning
  }
})

test('pulls at once by two processes share layers and give whole images', { skip }, async () => {
  await using at = await world()
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) at.push(name, [file('base'), file('middle'), file(name)])
  await using first = await at.open()
  await using second = await at.open()
  for (let round = 0; round < 12; round++) {
    const pulls = [...names, ...names].map((name, index) =>
      hold(index % 2 === 0 ? first : second, at, name),
    )
    const images = await Promise.all(pulls)
    for (const [index, image] of images.entries()) {
      const found = image.layers.map((layer) => Object.keys(treeIn(layer)).at(-1))
      assert.deepEqual(found, [names[index % 4], 'middle', 'base'])
      await image[Symbol.asyncDispose]()
    }
    assert.equal(readdirSync(first.store.folder.layers).length, 6)
    await first.store.prune(0)
  }
})

/** When the pulling process is killed: at a request of it, or at a line that it says. */
const POINTS: Readonly<Record<string, { readonly request?: RegExp; readonly line?: RegExp }>> = {
  'it asks for the digest': { request: /^HEAD / },
  'it reads the manifest': { request: /^GET .*\/manifests\// },
  'it fetches a layer': { request: /^GET .*\/blobs\// },
  'the fetch has begun': { line: /^fetching/ },
  'a layer is unpacked': { line: /^layer \d of 3 is unpacked/ },
  'it holds the image': { line: /^holding/ },
}

for (const [when, { request, line }] of Object.entries(POINTS)) {
  test(`after a kill when ${when}, nothing looks whole that is not, and the next pull works`, {
    skip,
  }, async () => {
    await using at = await world()
    const layers = [file('base', 'b'.repeat(200_000)), file('middle'), file('top')]
    const digest = at.push('app', layers)
    const child = at.pull('app')
    if (line) await untilLine(child, line)
    else {
      const asked = Promise.withResolvers<void>()
      at.registry.interfere = ({ method, url }, response) => {
        if (!request?.test(`${method} ${url}`)) return false
        asked.resolve()
        // Never answered.
        response.on('close', () => {})
        return true
      }
      await asked.promise
    }
    await kill(child)
    at.registry.interfere = undefined
    await using opened = await at.open()
    const { folder } = opened.store
    for (const hex of readdirSync(folder.layers)) {
      assert.ok(existsSync(`${folder.layers}/${hex}/facts.json`), hex)
    }
    await using image = await hold(opened, at, 'app')
    assert.equal(image.digest, digest)
    const contents = image.layers.flatMap((layer) => readdirSync(layer))
    assert.deepEqual(contents, ['top', 'middle', 'base'])
    assert.equal(readFileSync(`${image.layers[2]}/base`, 'utf8').length, 200_000)
    await eventually(() => readdirSync(folder.join('work')).length <= 1 || null)
  })
}

for (const pattern of [/^pulling/, /^fetching/, /^layer \d of 3 is unpacked/]) {
  test(`a pull that is aborted at a line like ${pattern} leaves nothing half-made`, {
    skip,
  }, async () => {
    await using at = await world()
    at.push('app', [file('base', 'b'.repeat(200_000)), file('middle'), file('top')])
    await using opened = await at.open()
    const stop = new AbortController()
    const reference = parseImageReference(`${at.registry.host}/app`)
    const onProgress = (line: string) => {
      if (pattern.test(line)) stop.abort(new Error('the job is cancelled'))
    }
    const pull = opened.images.hold(reference, { signal: stop.signal, onProgress })
    await assert.rejects(pull, /the job is cancelled/)
    const { folder } = opened.store
    await eventually(
      () =>
        readdirSync(folder.join('work')).flatMap((owner) => readdirSync(folder.join('work', owner)))
          .length === 0 || null,
    )
    assert.deepEqual(readdirSync(folder.join('names')), [])
    assert.deepEqual(readdirSync(folder.join('leases')), [])
    await using image = await hold(opened, at, 'app')
    assert.equal(image.layers.length, 3)
  })
}

test('what a loss of power may have cut short is fetched again, what was on disk is not', {
  skip,
}, async () => {
  await using at = await world()
  const digest = at.push('app', [file('base'), file('top')])
  const folder = await (async () => {
    await using opened = await at.open()
    await using image = await hold(opened, at, 'app')
    assert.equal(image.digest, digest)
    return opened.store.folder
  })()
  // Disposed of: everything is on disk, and says so.
  const records = [folder.layers, folder.tops].flatMap((kind) =>
    readdirSync(kind).map((hex) =>
      join(kind, hex, kind === folder.layers ? 'facts.json' : 'top.json'),
    ),
  )
  const whole = records.map((path) => readFileSync(path, 'utf8'))
  for (const text of whole) assert.doesNotMatch(text, /madeIn/)
  const blobs = async () => {
    at.registry.requests.length = 0
    await using opened = await at.open()
    await using image = await hold(opened, at, 'app')
    assert.deepEqual(
      image.layers.flatMap((layer) => readdirSync(layer)),
      ['top', 'base'],
    )
    const asked = at.registry.requests.filter((one) => one.startsWith('GET ') && /blobs/.test(one))
    return new Set(asked).size
  }
  assert.equal(await blobs(), 0)
  const [first = '', second = ''] = records
  const marked = { ...JSON.parse(whole[0] ?? ''), madeIn: 'another-boot' }
  for (const [path, text] of [
    [first, JSON.stringify(marked)],
    [first, '{"diffId":'],
    [second, ''],
  ] as const) {
    writeFileSync(path, text)
    // Its image's top is what is looked at first, and it is as old as its layers.
    for (const top of records.slice(2))
      writeFileSync(
        top,
        JSON.stringify({ ...JSON.parse(readFileSync(top, 'utf8')), madeIn: 'another-boot' }),
      )
    // The configuration, and the one layer.
    assert.equal(await blobs(), 2, text)
  }
  // With all that its image consists of, a name is only lost.
  for (const name of readdirSync(folder.join('names')))
    writeFileSync(folder.join('names', name), '')
  assert.equal(await blobs(), 1)
})

import { execFile } from 'node:child_process'
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type MadeLayer, tarOf } from '../../src/runner/images/fixtures/layers.fixture.ts'
import { writeLayout } from '../../src/runner/images/fixtures/layouts.fixture.ts'

const run = promisify(execFile)
const FROM = '/usr'
/** A few huge files would say nothing of an image. */
const LARGEST_BYTES = 32 * 2 ** 20

/**
 * Makes an OCI layout in a folder: BusyBox, and in each further layer about this many bytes of the machine's own
 * programs and libraries, compressed as images are.
 */
export async function makeBigImage(
  layout: string,
  options: { readonly base: Buffer; readonly layers: number; readonly layerBytes: number },
): Promise<{ readonly bytes: number; readonly files: number }> {
  const { base, layers, layerBytes } = options
  const groups = await pickFiles(layers, layerBytes)
  const blobs = join(layout, 'blobs/sha256')
  // Its layers but the first are made by tar and gzip, as files.
  writeLayout(layout, { layers: [base, ...groups.map((_, index) => tarOf([marker(index)]))] })
  const made: MadeLayer[] = []
  for (const { names } of groups) made.push(await makeLayer(blobs, names))
  writeLayout(layout, {
    layers: [base, ...groups.map((_, index) => tarOf([marker(index)]))],
    change: ([first]) => [...(first ? [first] : []), ...made],
  })
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  return {
    bytes: sum(groups.map(({ bytes }) => bytes)),
    files: sum(groups.map(({ names }) => names.length)),
  }
}

const marker = (index: number) => ({ name: `layer-${index}` })

interface Group {
  readonly names: string[]
  bytes: number
}

async function pickFiles(count: number, bytes: number): Promise<readonly Group[]> {
  const groups = Array.from({ length: count }, (): Group => ({ names: [], bytes: 0 }))
  let at = 0
  for (const entry of await readdir(FROM, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const { size } = await stat(path)
    if (size > LARGEST_BYTES || path.includes('\n')) continue
    const group = groups[at]
    if (!group) break
    group.names.push(path)
    group.bytes += size
    if (group.bytes >= bytes) at++
  }
  return groups
}

async function makeLayer(blobs: string, names: readonly string[]): Promise<MadeLayer> {
  const [list, archive] = [join(blobs, 'list'), join(blobs, 'archive')]
  await writeFile(list, names.join('\n'))
  const tar = ['--create', '--owner=0', '--group=0', '--no-recursion', `--files-from=${list}`]
  await run('tar', [...tar, '--file', archive, '--format=pax', '--pax-option=delete=atime'])
  const diffId = await digestOf(archive)
  await run('gzip', ['-6', '--no-name', archive])
  const digest = await digestOf(`${archive}.gz`)
  const blob = join(blobs, digest.slice('sha256:'.length))
  await rename(`${archive}.gz`, blob)
  await rm(list)
  return { blob, digest, diffId, sizeBytes: (await stat(blob)).size }
}

async function digestOf(path: string): Promise<string> {
  const { stdout } = await run('sha256sum', [path])
  return `sha256:${stdout.slice(0, 64)}`
}

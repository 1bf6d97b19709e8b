import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { NarwhalError } from '../../../lib/errors.ts'
import { showName } from '../tar/tar-entry.ts'
import { TarParser } from '../tar/tar-parser.ts'
import { finishLayer } from './finish-layer.ts'
import { encodeIndex } from './layer-index.ts'
import { compressionOf, decompressed } from './layer-source.ts'
import { type LayerForm, LayerRewriter, type LeftOut } from './rewrite-layer.ts'
import { type Rights, unpackCommand } from './tar-room.ts'
import { type Send, writeByTar } from './tar-writer.ts'

export interface LayerJob {
  /** The file with the layer, as it was fetched. */
  readonly blob: string
  /** Of that file: `sha256:…`. */
  readonly digest: string
  /** Of the layer's archive without compression. */
  readonly diffId: string
  readonly form: LayerForm
  readonly rights: Rights
  /** See `makeRoom`. */
  readonly room: string
  /** Is made; gets `fs`, with the layer's files, and `index`. */
  readonly folder: string
}

/** What is known of an unpacked layer. */
export interface LayerFacts {
  readonly diffId: string
  /** The highest id of its owners, and the first entry that has it. */
  readonly highest: { readonly id: number; readonly path: string }
  /** How many ids could be written. */
  readonly idCount: number
  readonly entries: number
  /** Whether it has nothing at all, nor says what the root is like. */
  readonly isEmpty: boolean
  readonly bytes: number
  readonly leftOut: LeftOut
}

/**
 * Unpacks a layer; it may not be on disk yet when this resolves. Rejects with `invalid` if the layer is not what its
 * digests say, or is none; with `exhausted` if there is no space; the folder is the caller's to remove.
 */
export async function unpackLayer(job: LayerJob, signal: AbortSignal): Promise<LayerFacts> {
  const files = join(job.folder, 'fs')
  await mkdir(files, { recursive: true })
  const command = unpackCommand(job.rights, job.room, files)
  const layer = await writeByTar(command, signal, async (first) => {
    const result = await rewrite(job, first, signal)
    return { second: finishLayer(result), result }
  })
  await writeFile(join(job.folder, 'index'), await encodeIndex(layer.tree.nodes))
  return factsOf(job, layer)
}

async function rewrite(job: LayerJob, send: Send, signal: AbortSignal): Promise<LayerRewriter> {
  let chunks: Buffer[] = []
  const layer = new LayerRewriter(job.form, (chunk) => void chunks.push(chunk))
  const parser = new TarParser(layer)
  const fetched = createHash('sha256')
  const plain = createHash('sha256')
  const compression = await compressionOf(job.blob)
  const file = createReadStream(job.blob, { highWaterMark: 512 * 1024, signal })
  const hashed = compression === 'none' ? file : Readable.from(tapped(file, fetched))
  for await (const chunk of decompressed(hashed, compression, signal)) {
    plain.update(chunk)
    parser.feed(chunk)
    const made = chunks
    chunks = []
    await send(made)
  }
  signal.throwIfAborted()
  const diffId = `sha256:${plain.digest('hex')}`
  const digest = compression === 'none' ? diffId : `sha256:${fetched.digest('hex')}`
  if (digest !== job.digest) throw mismatch('digest', job.digest, digest)
  parser.finish()
  if (diffId !== job.diffId) throw mismatch('content (diff id)', job.diffId, diffId)
  return layer
}

async function* tapped(file: AsyncIterable<Buffer>, hash: Hash) {
  for await (const chunk of file) {
    hash.update(chunk)
    yield chunk
  }
}

function factsOf({ diffId, form }: LayerJob, layer: LayerRewriter): LayerFacts {
  const { highest, tree, bytes, leftOut } = layer
  return {
    diffId,
    highest: { id: highest.id, path: showName(highest.path) },
    idCount: form.count,
    entries: tree.nodes.size,
    isEmpty: tree.nodes.size === 1 && isDeepStrictEqual(tree.get(''), { kind: 'folder' }),
    bytes,
    leftOut,
  }
}

function mismatch(what: string, expected: string, found: string): NarwhalError {
  return new NarwhalError('invalid', `its ${what} is ${found}, not ${expected}: it is damaged`)
}

import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { type ImageReference, parseImageReference } from '../../../core/image-reference.ts'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'
import { compressionOf, decompressed } from '../layer/layer-source.ts'
import { runProgram } from '../layer/run-program.ts'
import { type FetchedImage, layersOf } from '../layout/fetched-image.ts'
import { parseImageConfig } from '../layout/image-config.ts'
import { hexOf, isIndex, parseManifest, sha256 } from '../layout/manifest.ts'
import type { ImageStore } from '../store/image-store.ts'
import type { Skopeo } from './skopeo.ts'

export interface ImportOptions {
  readonly store: ImageStore
  readonly skopeo: Skopeo
  readonly signal: AbortSignal
  /** Where relative paths begin. */
  readonly cwd: string
  /** The local engine's address; absent: Docker's usual one. */
  readonly dockerHost?: string | undefined
  /** Receives what is done, a line each. */
  readonly onProgress: (line: string) => void
}

/** Where an image is: as skopeo says it, with the name it has there, if any. */
interface Source {
  readonly transport: string
  readonly name: string | undefined
}

/** Puts `docker:` before the name of an image of a local engine. */
const ENGINE = 'docker:'

/**
 * Imports images that no registry has: from a file of `docker save` or `podman save`, from an OCI layout (a
 * folder or an archive), or from the local engine as `docker:name`. Resolves to their references. A given
 * name replaces that in the file.
 */
export async function importImages(
  from: string,
  name: ImageReference | undefined,
  options: ImportOptions,
): Promise<readonly string[]> {
  const { store, signal, cwd } = options
  const resolved = from.startsWith(ENGINE) ? from : resolve(cwd, from)
  const work = await store.folder.newWork()
  await mkdir(work)
  try {
    const sources = await sourcesOf(resolved, join(work, 'archive.tar'), signal)
    if (sources.length === 0) throw new NarwhalError('invalid', `${from} has no image`)
    if (name && sources.length > 1) {
      const words = `${from} has ${sources.length} images: import it without a name, and they keep theirs`
      throw new NarwhalError('invalid', words)
    }
    const done: string[] = []
    for (const [index, source] of sources.entries()) {
      const reference = name ?? parseImageReference(nameOf(source, from))
      await importOne(source.transport, reference, join(work, `${index}`), options)
      done.push(reference.full)
      signal.throwIfAborted()
    }
    return done
  } finally {
    await store.discard(work)
  }
}

async function importOne(
  transport: string,
  { full }: ImageReference,
  work: string,
  { store, skopeo, signal, onProgress, dockerHost }: ImportOptions,
): Promise<void> {
  const [folder, tmp] = [join(work, 'image'), join(work, 'tmp')]
  onProgress(`importing ${full}`)
  const isEngine = transport.startsWith('docker-daemon:') && dockerHost !== undefined
  const engine = isEngine ? [`--src-daemon-host=${dockerHost}`] : []
  await mkdir(work)
  // As it is: an OCI layout would lose what only Docker's form has, such as health checks.
  const copy = ['copy', '--quiet', ...engine, transport, `dir:${folder}`]
  await skopeo.run(copy, { signal, tmp })
  await store.add(await readCopy(folder), { reference: full, isImported: true }, signal)
}

/** Reads a copy of an image as skopeo lays it into a folder, its layers unchecked. */
async function readCopy(folder: string): Promise<FetchedImage> {
  const json = await readFile(join(folder, 'manifest.json'), 'utf8')
  const manifest = parseManifest(json)
  if (isIndex(manifest)) throw new NarwhalError('invalid', 'it is an index, not an image')
  const { digest } = manifest.config
  const config = await readFile(join(folder, hexOf(digest)), 'utf8')
  if (sha256(config) !== digest) throw new NarwhalError('invalid', 'its configuration is damaged')
  const parsed = parseImageConfig(config)
  const layers = layersOf(manifest, parsed.diffIds, (one) => join(folder, hexOf(one)))
  return { ...parsed, digest: sha256(json), layers }
}

async function sourcesOf(
  from: string,
  plain: string,
  signal: AbortSignal,
): Promise<readonly Source[]> {
  if (from.startsWith(ENGINE)) {
    const { full } = parseImageReference(from.slice(ENGINE.length))
    return [{ transport: `docker-daemon:${full}`, name: full }]
  }
  let path = from
  const found = await stat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) throw new NarwhalError('not_found', `there is no file ${path}`)
    throw error
  })
  if (found.isDirectory())
    return ociSources('oci', path, await readFile(join(path, 'index.json'), 'utf8'))
  if (await decompress(path, plain, signal)) path = plain
  const names = await runProgram(['tar', '--list', '--file', path], { signal })
  const has = (name: string) => new RegExp(`^(\\./)?${name}$`, 'm').test(names)
  if (has('manifest\\.json')) {
    return savedSources(path, await readInTar(path, 'manifest.json', signal))
  }
  if (!has('index\\.json')) {
    const words = `${path} is no image: it must be made by docker save, podman save, or be an OCI layout`
    throw new NarwhalError('invalid', words)
  }
  return ociSources('oci-archive', path, await readInTar(path, 'index.json', signal))
}

/** skopeo reads no compressed archives. Resolves to whether it was one. */
async function decompress(path: string, to: string, signal: AbortSignal): Promise<boolean> {
  const compression = await compressionOf(path)
  if (compression === 'none') return false
  await pipeline(decompressed(createReadStream(path), compression, signal), createWriteStream(to))
  return true
}

function readInTar(path: string, name: string, signal: AbortSignal): Promise<string> {
  const options = ['--extract', '--to-stdout', '--file', path, '--wildcards', '--no-anchored']
  return runProgram(['tar', ...options, name], { signal })
}

const Saved = z.array(z.object({ RepoTags: z.array(z.string()).nullish() }))

/** The images of a file of `docker save`, by each of their names. */
function savedSources(path: string, manifest: string): readonly Source[] {
  const images = Saved.parse(JSON.parse(manifest))
  return images.flatMap(({ RepoTags }, index): Source[] => {
    const transport = `docker-archive:${path}`
    if (!RepoTags?.length) return [{ transport: `${transport}:@${index}`, name: undefined }]
    return RepoTags.map((name) => ({ transport: `${transport}:${name}`, name }))
  })
}

const Layout = z.object({
  manifests: z.array(z.object({ annotations: z.record(z.string(), z.string()).nullish() })),
})

/** The image of a layout, or those that have names there. */
function ociSources(kind: 'oci' | 'oci-archive', path: string, index: string): readonly Source[] {
  const { manifests } = Layout.parse(JSON.parse(index))
  return manifests.flatMap(({ annotations }) => {
    const tag = annotations?.['org.opencontainers.image.ref.name']
    const name = annotations?.['io.containerd.image.name'] ?? tag
    if (manifests.length === 1) return [{ transport: `${kind}:${path}`, name }]
    return tag === undefined ? [] : [{ transport: `${kind}:${path}:${tag}`, name }]
  })
}

/** A bare tag names no image. */
function nameOf({ name }: Source, from: string): string {
  if (name !== undefined && /[:/]/.test(name)) return name
  throw new NarwhalError('invalid', `the image in ${from} has no name: say which it gets`)
}

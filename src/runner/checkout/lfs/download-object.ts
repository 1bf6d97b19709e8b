import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { backoff } from '../../../lib/backoff.ts'
import { describeConnectError } from '../../../lib/connect-errors.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { LfsDownload } from './lfs-batch.ts'

const TRIES = 3

/**
 * Downloads an object to this path, where it appears whole and only if it is the very one that its
 * name says. Tries again after trouble of the network or the server. Rejects with `unavailable`.
 */
export async function downloadObject(
  object: LfsDownload,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  for (let failures = 0; ; failures++) {
    const part = `${path}.${randomBytes(6).toString('hex')}.part`
    try {
      await writePart(object, part, signal)
      await rename(part, path)
      return
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NarwhalError || failures + 1 >= TRIES) throw explain(object, error)
      await backoff(failures, { firstMs: 300, maxMs: 3_000 }, signal)
    } finally {
      await rm(part, { force: true })
    }
  }
}

/** Throws a NarwhalError for what another try would not change. */
async function writePart(object: LfsDownload, part: string, signal: AbortSignal): Promise<void> {
  const { oid, size, href, headers } = object
  const answer = await fetch(href, { headers, signal })
  if (answer.status >= 500 || answer.status === 429) throw new Error(`it answered ${answer.status}`)
  if (answer.status !== 200) {
    throw new NarwhalError('unavailable', `it answered ${answer.status}`)
  }
  const hash = createHash('sha256')
  let bytes = 0
  await using file = await open(part, 'wx', 0o600)
  for await (const chunk of answer.body ?? []) {
    const piece = chunk as Uint8Array
    bytes += piece.length
    if (bytes > size) throw new NarwhalError('unavailable', 'it sent more than the object has')
    hash.update(piece)
    await file.writeFile(piece)
  }
  if (bytes < size) throw new Error('it ended early')
  if (hash.digest('hex') !== oid) throw new NarwhalError('unavailable', 'it sent something else')
}

/** The URL is left out but for its host: it may hold what gives access. */
function explain({ oid, href }: LfsDownload, error: unknown): NarwhalError {
  const words = error instanceof NarwhalError ? error.message : describeConnectError(error)
  const what = `object ${oid.slice(0, 12)} of Git LFS can't be had from ${new URL(href).host}`
  return new NarwhalError('unavailable', `${what}: ${words}`, { cause: error })
}

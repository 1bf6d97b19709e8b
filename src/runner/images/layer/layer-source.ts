import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'
import { PROGRAM_PATH } from '../../../lib/programs/machine-programs.ts'

const GZIP = [0x1f, 0x8b]
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd]
/** 16 kinds of frames that are skipped differ in the first byte. */
const ZSTD_SKIPPED = [0x2a, 0x4d, 0x18]
const OTHERS: Readonly<Record<string, readonly number[]>> = {
  bzip2: [0x42, 0x5a, 0x68],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
}

export type Compression = 'none' | 'gzip' | 'zstd'

/** By the first bytes of the file: what a manifest says of it is not always so. */
export async function compressionOf(path: string): Promise<Compression> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
  const starts = (bytes: readonly number[], at = 0) =>
    bytes.every((byte, index) => at + index < bytesRead && buffer[at + index] === byte)
  if (starts(GZIP)) return 'gzip'
  const isSkipped = ((buffer[0] ?? 0) & 0xf0) === 0x50 && starts(ZSTD_SKIPPED, 1)
  if (starts(ZSTD) || isSkipped) return 'zstd'
  const other = Object.entries(OTHERS).find(([, bytes]) => starts(bytes))
  if (!other) return 'none'
  throw new NarwhalError(
    'invalid',
    `it is compressed with ${other[0]}: only gzip and zstd are read`,
  )
}

/** Decompresses `from`; rejects with `invalid` if it is broken. */
export async function* decompressed(
  from: Readable,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (compression === 'none') return yield* from
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const to = new PassThrough({ highWaterMark: 1024 * 1024 })
  const done = (compression === 'gzip' ? gunzip : unzstd)(from, to, either)
  done.catch((error: unknown) => to.destroy(error instanceof Error ? error : undefined))
  try {
    yield* to
    await done
  } finally {
    ended.abort()
  }
}

async function gunzip(from: Readable, to: PassThrough, signal: AbortSignal): Promise<void> {
  const unzip = createGunzip({ chunkSize: 256 * 1024 })
  await pipeline(from, unzip, to, { signal }).catch((cause: unknown) => broken(cause, signal))
}

/**
 * By the program, where it is installed: Node's own stops after the first of several frames, without a word
 * (24.21), and layers that can be fetched in parts have many.
 */
async function unzstd(from: Readable, to: PassThrough, signal: AbortSignal): Promise<void> {
  const child = spawn('zstd', ['--decompress', '--stdout', '--quiet'], {
    env: { PATH: PROGRAM_PATH },
    stdio: ['pipe', 'pipe', 'ignore'],
    signal,
  })
  const isMissing = await Promise.race([once(child, 'spawn').then(() => false), missing(child)])
  if (isMissing) {
    const unzip = createZstdDecompress()
    await pipeline(from, unzip, to, { signal }).catch((cause: unknown) => broken(cause, signal))
    return
  }
  const exited = once(child, 'exit') as Promise<[number | null]>
  exited.catch(() => {})
  const [[code]] = await Promise.all([
    exited,
    pipeline(from, child.stdin).catch(() => {}),
    pipeline(child.stdout, to, { end: false }),
  ])
  signal.throwIfAborted()
  if (code !== 0) broken(new Error(`zstd ended with ${code}`), signal)
  to.end()
}

async function missing(child: ChildProcess): Promise<boolean> {
  const [error] = (await once(child, 'error')) as [unknown]
  if (hasCode(error, 'ENOENT')) return true
  throw error
}

function broken(cause: unknown, signal: AbortSignal): never {
  signal.throwIfAborted()
  throw new NarwhalError('invalid', "it is broken: it can't be decompressed", { cause })
}

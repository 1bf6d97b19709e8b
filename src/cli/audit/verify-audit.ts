import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ServerAddress } from '../../client/http-client.ts'
import { ChainCheck, type ChainedEntry } from '../../contract/rest/audit-chain.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { type ClientOptions, openClient, printJson } from '../parts/client-command.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { readAuditHead, readAuditLines } from './audit-client.ts'
import { checkAuditFile } from './audit-file.ts'

export interface VerifyOptions extends ClientOptions {
  readonly at?: string
  readonly file?: string
}

const MAX_TRIES = 5

/** An entry that was stored elsewhere. */
interface Known {
  readonly seq: number
  readonly hash: string
  readonly from: string
}

/**
 * `narwhal audit verify`: reads the whole log and recomputes each hash. Write access to the database is
 * enough to forge a consistent chain: `--at` and `--file` compare it with entries stored elsewhere.
 */
export async function verifyAudit(options: VerifyOptions, io: CliIo): Promise<void> {
  const { address } = await openClient(options, io)
  const known = [
    ...(options.at === undefined ? [] : [parseKnown(options.at)]),
    ...(options.file === undefined ? [] : await knownFrom(options.file, io)),
  ]
  const { entries, head } = await followWithRetries(address, known, io.signal)
  const newest = `${head.last}:${head.hash}`
  if (options.json) return printJson(io, { entries, newest })
  const since = head.removed > 0 ? `, from ${head.removed + 1} on` : ''
  io.stdout.write(
    `the audit log is intact: ${entries} ${entries === 1 ? 'entry' : 'entries'}${since}\n`,
  )
  if (head.last === 0) return
  io.stdout.write(`newest entry: ${newest}; store it elsewhere, for --at\n`)
}

/** Retries when retention has removed the first entries meanwhile: the chain then begins elsewhere. */
async function followWithRetries(
  address: ServerAddress,
  known: readonly Known[],
  signal: AbortSignal,
): ReturnType<typeof followChain> {
  for (let tries = 1; ; tries++) {
    const { removed } = await readAuditHead(address, signal)
    try {
      return await followChain(address, known, signal)
    } catch (error) {
      const now = await readAuditHead(address, signal)
      if (tries === MAX_TRIES || now.removed === removed) throw error
    }
  }
}

async function followChain(address: ServerAddress, known: readonly Known[], signal: AbortSignal) {
  const head = await readAuditHead(address, signal)
  const check = new ChainCheck({ seq: head.removed, hash: head.removedHash })
  const expected = new Map(known.map((one) => [one.seq, one]))
  let entries = 0
  compare(expected, { seq: head.removed, hash: head.removedHash })
  for await (const entry of readAuditLines(address, head.removed, signal)) {
    const fault = check.next(entry)
    if (fault) throw broken(fault)
    compare(expected, entry)
    entries++
    if (entry.seq === head.last && entry.hash !== head.hash) {
      throw broken(`entry ${entry.seq} is not the last one written`)
    }
  }
  if (check.seq < head.last) {
    const after = check.seq === 0 ? '' : ` after ${check.seq}`
    throw broken(`the entries${after}, up to ${head.last}, are missing`)
  }
  const missing = known.find(({ seq }) => seq > check.seq)
  if (missing) throw broken(`entry ${missing.seq}, which ${missing.from} has, is missing`)
  return { entries, head }
}

function compare(
  expected: ReadonlyMap<number, Known>,
  { seq, hash }: Pick<ChainedEntry, 'seq' | 'hash'>,
): void {
  const one = expected.get(seq)
  if (one && one.hash !== hash) throw broken(`entry ${seq} differs from that of ${one.from}`)
}

function broken(fault: string): NarwhalError {
  return new NarwhalError('conflict', `the audit log is not intact: ${fault}`)
}

function parseKnown(text: string): Known {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (seq && hash) return { seq: Number(seq), hash, from: '--at' }
  const words = '--at takes a number and a hash, as `narwhal audit verify` prints them'
  throw new NarwhalError('invalid', words)
}

/** Both ends: the last one's hash covers those between. */
async function knownFrom(path: string, io: CliIo): Promise<Known[]> {
  await using file = await open(resolve(io.cwd, path), 'r').catch((cause: unknown) => {
    throw new NarwhalError('not_found', `${path} can't be read: ${String(cause)}`, { cause })
  })
  const { first, last } = await checkAuditFile(file, path)
  return [first, last].flatMap((one) => (one ? [{ seq: one.seq, hash: one.hash, from: path }] : []))
}

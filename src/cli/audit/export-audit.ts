import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerAddress } from '../../client/http-client.ts'
import { ChainCheck } from '../../contract/rest/audit-chain.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { type ClientOptions, note, openClient } from '../parts/client-command.ts'
import { cleanJson } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { readAuditHead, readAuditLines } from './audit-client.ts'
import { openAuditFile } from './audit-file.ts'

export interface ExportOptions extends ClientOptions {
  readonly after?: number
  readonly to?: string
  readonly follow?: boolean
}

/** How often to poll for new entries, and to retry. */
const POLL_MS = 1_000

/**
 * `narwhal audit export`: entries as JSON lines, oldest first, each verified to follow the previous one.
 * With `--to` they are appended to a file, after its last entry; with `--follow` it continues until
 * interrupted, even while the server is unreachable. A broken chain is an error: an entry that was
 * exported has been changed since.
 */
export async function exportAudit(options: ExportOptions, io: CliIo): Promise<void> {
  const { address } = await openClient(options, io)
  const target = options.to === undefined ? undefined : await openTarget(options.to, options, io)
  await using _file = target?.file
  const begin = target?.last ?? (await beginBehind(address, options.after ?? 0, io.signal))
  const check = new ChainCheck(begin)
  const write = async (text: string): Promise<void> => {
    if (target) await target.file.appendFile(text)
    else io.stdout.write(text)
  }
  for (let isUnreachable = false; ; ) {
    try {
      await copyNew(address, check, write, io.signal)
      await target?.file.datasync()
      if (isUnreachable) note(io, `${address.server} is reachable again`)
      isUnreachable = false
    } catch (error) {
      if (!options.follow || NarwhalError.from(error).code !== 'unavailable') throw error
      if (!isUnreachable) note(io, `${NarwhalError.from(error).message}; retrying`)
      isUnreachable = true
    }
    if (!options.follow) return
    await sleep(POLL_MS, undefined, { signal: io.signal })
  }
}

async function openTarget(path: string, { after }: ExportOptions, io: CliIo) {
  const { file, at } = await openAuditFile(resolve(io.cwd, path))
  if (at.last && after !== undefined) {
    await file.close()
    const words = `${path} has entries up to ${at.last.seq} and is continued from there: omit --after`
    throw new NarwhalError('invalid', words)
  }
  return { file: file as FileHandle & AsyncDisposable, last: at.last }
}

/** The entry that the first one is verified against. */
async function beginBehind(address: ServerAddress, after: number, signal: AbortSignal) {
  const { removed, removedHash } = await readAuditHead(address, signal)
  if (after <= removed) return { seq: removed, hash: removedHash }
  for await (const { seq, hash } of readAuditLines(address, after - 1, signal)) return { seq, hash }
  throw new NarwhalError('not_found', `there is no entry ${after} yet`)
}

async function copyNew(
  address: ServerAddress,
  check: ChainCheck,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const lines: string[] = []
  for await (const entry of readAuditLines(address, check.seq, signal)) {
    const fault = check.next(entry)
    if (fault) {
      await write(lines.splice(0).join(''))
      const words = `the audit log of ${address.server} does not continue after entry ${check.seq}: ${fault}`
      throw new NarwhalError('conflict', words)
    }
    lines.push(`${cleanJson(entry, 0)}\n`)
    if (lines.length >= 500) await write(lines.splice(0).join(''))
  }
  if (lines.length > 0) await write(lines.join(''))
}

import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import type { AuditListQuery } from '../audit/audit-client.ts'
import type { ExportOptions } from '../audit/export-audit.ts'
import type { VerifyOptions } from '../audit/verify-audit.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  wholeNumber,
} from '../parts/client-command.ts'
import { cleanJson } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { parseWhen } from '../terminal/parse-when.ts'

interface AuditOptions extends ClientOptions {
  readonly since?: string
  readonly until?: string
  readonly actor?: string
  readonly action?: string
  readonly subject?: string
  readonly secret?: string
  readonly limit: number
}

/** `narwhal audit`, `narwhal audit export|verify` */
export function addAuditCommands(program: Command, io: CliIo): void {
  const audit = addClientCommand(program, 'audit', {
    summary: 'show who did what, newest first; for administrators',
    description:
      'Shows who changed permissions, secrets, tokens, repositories, runners and pipelines, when and from where, and which jobs got which secrets on which runner. With --json: one object per line.',
    examples: [
      'audit --since 7d --actor grace',
      'audit --secret DEPLOY_KEY --since 30d',
      'audit --action user.role_changed --json',
    ],
  })
    .option('--since <when>', 'only after this: 30d, 12h, 2026-11-30')
    .option('--until <when>', 'only before this')
    .option('--actor <name>', 'only actions of this user; Narwhal for automatic ones')
    .option('--action <action>', 'only this action, such as secret.set')
    .option('--subject <name-or-id>', 'only actions on this')
    .option('--secret <name>', 'only actions on this secret, and jobs that got it')
    .option('--limit <n>', 'maximum number of entries', wholeNumber('--limit'), 50)
    .action((options: AuditOptions) => list(options, io))
  addClientCommand(audit, 'export', {
    summary: 'print the whole log as JSON lines, oldest first, or append it to a file',
    description:
      'Prints entries as JSON lines, each verified to follow the previous one. With --to it appends to a file, continuing after its last entry; with --follow it continues as the log grows.',
    examples: ['audit export --after 1200', 'audit export --to audit.jsonl --follow'],
  })
    .option('--after <number>', 'only entries after this one', wholeNumber('--after'))
    .option('--to <file>', 'append to this file')
    .option('-f, --follow', 'continue until interrupted, even while the server is unreachable')
    .action(async (options: ExportOptions) => {
      const { exportAudit } = await import('../audit/export-audit.ts')
      await exportAudit(options, io)
    })
  addClientCommand(audit, 'verify', {
    summary: 'recompute the hash chain, to detect changed or missing entries',
    examples: ['audit verify', 'audit verify --file audit.jsonl'],
  })
    .option('--at <number:hash>', 'an entry that an earlier run printed')
    .option('--file <file>', 'a file that `audit export` wrote')
    .action(async (options: VerifyOptions) => {
      const { verifyAudit } = await import('../audit/verify-audit.ts')
      await verifyAudit(options, io)
    })
}

async function list(options: AuditOptions, io: CliIo): Promise<void> {
  const { address } = await openClient(options, io)
  const { listAudit } = await import('../audit/audit-client.ts')
  const { printAudit } = await import('../audit/print-audit.ts')
  let wanted = options.limit
  let query: AuditListQuery = await queryOf(options, io)
  const all = []
  for (;;) {
    const limit = Math.min(wanted, 500)
    const { entries, next } = await listAudit(address, { ...query, limit }, io.signal)
    if (options.json) for (const entry of entries) io.stdout.write(`${cleanJson(entry, 0)}\n`)
    else all.push(...entries)
    wanted -= entries.length
    if (wanted <= 0 || next === undefined) break
    query = { ...query, before: next }
  }
  if (options.json) return
  if (all.length === 0) return note(io, 'no entries match')
  await printAudit(io, all)
}

async function queryOf(options: AuditOptions, io: CliIo): Promise<AuditListQuery> {
  const { since, until, actor, action, subject, secret } = options
  return {
    since: since === undefined ? undefined : parseWhen('--since', since, io.now()),
    until: until === undefined ? undefined : parseWhen('--until', until, io.now()),
    action: action === undefined ? undefined : await knownAction(action),
    actor,
    subject,
    secret,
  }
}

async function knownAction(text: string): Promise<NonNullable<AuditListQuery['action']>> {
  const { AUDIT_ACTIONS } = await import('../../core/audit/audit-actions.ts')
  const actions = Object.keys(AUDIT_ACTIONS) as (keyof typeof AUDIT_ACTIONS)[]
  const found = actions.find((action) => action === text)
  if (found) return found
  const words = `--action: unknown action ${JSON.stringify(text.slice(0, 50))}; use one of ${actions.join(', ')}`
  throw new NarwhalError('invalid', words)
}

import { createHash } from 'node:crypto'
import { readContents } from '../../api/logs/log-contents.ts'
import { getAttempt, getJob, getPipeline } from '../../api/lookups.ts'
import type { StateChange } from '../../contract/live/live-event.ts'
import type { RedactedLog } from '../../contract/rest/rest-logs.ts'
import type { AttemptView } from '../../contract/rest/views.ts'
import { concerns, type Redaction } from '../../core/attempt/redaction.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { AttemptRef } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { Store, Uses } from '../../store/store.ts'

interface RedactDeps {
  readonly store: Store
  readonly publishAll: (changes: readonly StateChange[]) => void
}

interface Redact {
  readonly log: AttemptRef
  /** The name of the steps whose text is removed; absent: all steps. */
  readonly step: string | undefined
  readonly by: Doer
}

/**
 * Removes text from a log that has shown what nobody should read. The first write keeps more of it from being
 * stored; then the text is hashed and replaced, a few chunks at a time, and those who follow the log are
 * notified. Idempotent: after a failure call it again. Rejects with `not_found` if there is no such attempt
 * or step.
 */
export async function redactLog(
  { store, publishAll }: RedactDeps,
  { log, step, by }: Redact,
): Promise<RedactedLog> {
  const job = await getJob(store, log.jobId)
  const { repositoryName, number } = await getPipeline(store, job.pipelineId)
  const subject = { id: job.id, name: `${repositoryName} #${number} ${job.name}` }
  const steps = stepsOf(await getAttempt(store, log), step)
  const who = by.actor.name === '' ? 'somebody' : by.actor.name
  const redaction: Redaction = { ...present({ steps }), by: who, at: Date.now() }
  await store.transact((write) => write.logs.addRedaction(log, redaction))
  const { sha256, lines } = await hashText(store, log, redaction)
  await store.transact(async (write) => {
    await write.logs.addRedaction(log, { ...redaction, sha256 })
    const after = { attempt: log.attempt, hash: sha256, ...present({ step }) }
    write.audit.add(by, { action: 'log.redacted', subject, after })
  })
  for (let from: number | undefined = 0; from !== undefined; ) {
    const next: number = from
    const { result, changes } = await store.transact((write) => write.logs.redactSome(log, next))
    publishAll(changes)
    from = result
  }
  return { sha256, lines, isWiped: await store.wipe() }
}

function stepsOf({ steps }: AttemptView, name: string | undefined): number[] | undefined {
  if (name === undefined) return undefined
  const found = steps.filter((step) => step.name === name).map(({ index }) => index)
  if (found.length > 0) return found
  const names = steps.map((step) => JSON.stringify(step.name)).join(', ')
  const words = `the attempt has no step ${JSON.stringify(name)}; its steps are ${names}`
  throw new NarwhalError('not_found', words)
}

async function hashText(
  store: Uses<'logs'>,
  log: AttemptRef,
  redaction: Redaction,
): Promise<Pick<RedactedLog, 'sha256' | 'lines'>> {
  const hash = createHash('sha256')
  let lines = 0
  for await (const { chunk, content } of readContents(store, log)) {
    if (!concerns(redaction, chunk.step)) continue
    hash.update(content.text)
    lines += chunk.lineCount
  }
  return { sha256: hash.digest('hex'), lines }
}

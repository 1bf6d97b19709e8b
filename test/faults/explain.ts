import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Evidence } from './evidence.ts'

/**
 * `node test/faults/explain.ts FOLDER ID`: what happened to a job or a pipeline, and around it, from
 * the evidence that a run has kept. Times are seconds since the first commit's first webhook.
 */
const [folder = '', id = ''] = process.argv.slice(2)
const text = await readFile(join(folder, 'evidence.json'), 'utf8')
for (const line of timeline(JSON.parse(text) as Evidence, id)) console.log(line)

function timeline(evidence: Evidence, subject: string): string[] {
  const { changes, runs, owners, faults, lives, cancels, deliveries } = evidence
  const pipelineId = changes.find((change) => change.id === subject)?.pipelineId ?? subject
  const events: { at: number; what: string }[] = []
  const add = (at: number, what: string): void => void events.push({ at, what })
  for (const one of changes) {
    if (one.id !== subject && one.id !== pipelineId) continue
    const { id: who, seq, status, outcome = '', attempt = '', ends = {} } = one
    add(one.seenAt, `change ${seq}: ${who} ${status} ${outcome} ${attempt} ${JSON.stringify(ends)}`)
  }
  for (const one of runs) {
    if (one.jobId !== subject) continue
    const what = `attempt ${one.attempt} step ${one.step} on ${one.runner}`
    add(one.beganAt, `WITNESS begins: ${what}`)
    add(one.lastAt, `WITNESS ${one.ended ? 'ends' : 'is last heard'}: ${what}`)
  }
  for (const one of owners) {
    if (one.pipelineId !== pipelineId) continue
    add(one.seenAt, `owner ${one.owner ?? '?'} (${one.dispatcherId}), term ${one.term}`)
  }
  for (const one of cancels) {
    if (one.id === subject || one.id === pipelineId) add(one.answeredAt, `cancel: ${one.result}`)
  }
  if (events.length === 0) return [`nothing is known of ${subject}`]
  const [from, to] = [events.map(({ at }) => at), events.map(({ at }) => at)] as const
  const isNear = (at: number): boolean =>
    at > Math.min(...from) - 20_000 && at < Math.max(...to) + 5_000
  for (const { kind, target, at, healedAt } of faults) {
    if (!isNear(at)) continue
    add(at, `FAULT ${kind} ${target}`)
    if (healedAt - at > 20) add(healedAt, `healed: ${kind} ${target}`)
  }
  for (const { name, pid, startedAt, readyAt } of lives) {
    if (isNear(startedAt)) add(startedAt, `${name} starts (${pid})`)
    if (readyAt !== undefined && isNear(readyAt)) add(readyAt, `${name} is ready (${pid})`)
  }
  const zero = Math.min(...deliveries.map(({ sentAt }) => sentAt))
  return events
    .sort((a, b) => a.at - b.at)
    .map(({ at, what }) => `${((at - zero) / 1000).toFixed(2).padStart(8)}  ${what}`)
}

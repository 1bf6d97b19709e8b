import { followLog } from '../api/logs/follow-log.ts'
import { getJobOfLog } from '../api/lookups.ts'
import type { LiveTopic } from '../contract/live/live-protocol.ts'
import { backoff } from '../lib/async/backoff.ts'
import { NarwhalError } from '../lib/errors.ts'
import { present } from '../lib/present.ts'
import type { ChangeQuery } from '../store/ports/changes.ts'
import type { Reads } from '../store/store.ts'
import { followChanges } from './follow-changes.ts'
import type { LiveFeed } from './live-feed.ts'
import type { SocketWriter } from './socket-writer.ts'

export interface SubscriptionDeps {
  readonly store: Reads<'changes' | 'jobs' | 'logs' | 'retention'>
  readonly feed: LiveFeed
  readonly writer: SocketWriter
  /** The client's id for it. */
  readonly id: string
  /** The number of the client's last event; absent: from now on. */
  readonly after: number | undefined
  readonly signal: AbortSignal
}

/** What has been sent so far, so that a subscription continues there after an outage of the store. */
interface Progress {
  after: number | undefined
  isSubscribed: boolean
}

/**
 * Sends the events of a topic until it ends or the signal aborts. While the store is unavailable it waits,
 * then continues where it was. Rejects with `not_found` for an unknown log.
 */
export async function runSubscription(topic: LiveTopic, deps: SubscriptionDeps): Promise<void> {
  const progress: Progress = { after: deps.after, isSubscribed: false }
  using _samples = topic.kind === 'runners' ? passSamples(deps) : undefined
  for (let failures = 0; !deps.signal.aborted; failures++) {
    try {
      if (topic.kind === 'log') await sendLog(topic, deps, progress)
      else await sendChanges(scopeOf(topic), deps, progress)
      return
    } catch (err) {
      if (!(err instanceof NarwhalError && err.code === 'unavailable')) throw err
      await backoff(failures, { firstMs: 200, maxMs: 5_000 }, deps.signal).catch(() => {})
    }
  }
}

function scopeOf(topic: Exclude<LiveTopic, { kind: 'log' }>): ChangeQuery['scope'] {
  if (topic.kind === 'pipeline') return { pipelineId: topic.pipelineId }
  return topic.kind === 'runners' ? 'runners' : undefined
}

/** Samples have no numbers: they are passed on, and lost ones are not replaced. */
function passSamples({ feed, writer, id }: SubscriptionDeps): Disposable {
  return feed.listen((event) => {
    if (event.type === 'runner.sampled') writer.offer({ type: 'event', id, event })
  })
}

async function sendChanges(
  scope: ChangeQuery['scope'],
  { store, feed, writer, id, signal }: SubscriptionDeps,
  progress: Progress,
): Promise<void> {
  const { after } = progress
  const from = present({ scope, after })
  for await (const batch of followChanges({ store, feed, signal, ...from })) {
    if (batch.reset) await writer.send({ type: 'reset', id })
    for (const event of batch.changes) {
      if (signal.aborted) return
      await writer.send({ type: 'event', id, event })
      progress.after = event.seq
    }
    if (batch.live === undefined) continue
    progress.after = batch.live
    if (!progress.isSubscribed) await writer.send({ type: 'subscribed', id, seq: batch.live })
    progress.isSubscribed = true
  }
}

async function sendLog(
  topic: Extract<LiveTopic, { kind: 'log' }>,
  { store, feed, writer, id, signal }: SubscriptionDeps,
  progress: Progress,
): Promise<void> {
  const { jobId, attempt } = topic
  const job = await getJobOfLog(store, topic)
  const stored = job.attempts.find(({ number }) => number === attempt)?.lines ?? 0
  progress.after ??= stored - 1
  const from = progress.after + 1
  const log = { jobId, attempt }
  for await (const { lines, live } of followLog({ store, live: feed, log, from, signal })) {
    if (signal.aborted) return
    const last = lines.at(-1)
    if (last) {
      const event = { type: 'log.appended' as const, jobId, attempt, lines }
      await writer.send({ type: 'event', id, event })
      progress.after = last.number
    }
    if (live && !progress.isSubscribed) {
      await writer.send({ type: 'subscribed', id, seq: progress.after })
      progress.isSubscribed = true
    }
  }
  if (!signal.aborted) await writer.send({ type: 'end', id })
}

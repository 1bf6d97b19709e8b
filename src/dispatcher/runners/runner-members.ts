import { createClient } from '@connectrpc/connect'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { fromConnectError } from '../../contract/rpc/rpc.ts'
import { type RunnerReport, reportFromProto } from '../../contract/rpc/runner-report.ts'
import { mapStream } from '../../lib/async/map-stream.ts'
import { Pace } from '../../lib/async/pace.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Connector } from './connector.ts'

const INTERVAL_MS = 2_000
/** Rate limit of a member's samples, as burst and per millisecond: more than jobs start and end anywhere. */
const SAMPLE_BURST = 2_000
const SAMPLES_A_MS = 2

/** A member that is silent for longer is lost. */
const SILENCE_MS = 7_000
/** How often new members behind a balancer are searched for. */
const DISCOVERY_MS = 5_000

interface Watch {
  readonly connector: Connector
  readonly signal: AbortSignal
  readonly onSample: (report: RunnerReport) => void
  readonly onGone: (instanceId: string) => void
}

/**
 * Watches the load of the runner behind a link, or of all runners behind a balancer's URL: there it opens
 * streams until new ones only reach known members, and searches again every few seconds. Resolves or rejects
 * when no member is left, and when aborted.
 */
export async function watchMembers(watch: Watch): Promise<void> {
  const open = new Map<string, Promise<void>>()
  let lastError: unknown
  // One for all rounds: a race of the members' promises would leak in each round.
  let wake = (): void => {}
  do {
    let repeats = 0
    do {
      const stream = await openStream(watch).catch((error: unknown) => {
        lastError = error
        return undefined
      })
      if (!stream) break
      const { instanceId } = stream.first
      if (open.has(instanceId)) {
        repeats++
        stream.close()
        continue
      }
      repeats = 0
      const reading = stream.read().catch((error: unknown) => {
        lastError = error
      })
      const end = reading.then(() => {
        open.delete(instanceId)
        watch.onGone(instanceId)
        wake()
      })
      open.set(instanceId, end)
    } while (watch.connector.balanced && repeats <= 2 * open.size && !watch.signal.aborted)
    if (open.size === 0) break
    const change = Promise.withResolvers<void>()
    wake = change.resolve
    const timer = watch.connector.balanced ? setTimeout(wake, DISCOVERY_MS) : undefined
    await withSignal(change.promise, watch.signal).catch(() => undefined)
    clearTimeout(timer)
  } while ((watch.connector.balanced || open.size > 0) && !watch.signal.aborted)
  await Promise.all(open.values())
  if (lastError && !watch.signal.aborted) throw fromConnectError(lastError)
}

/** Opens a stream of one member's load; resolves with its first message, before `onSample` is called. */
async function openStream(watch: Watch): Promise<{
  first: RunnerReport
  close: () => void
  read: () => Promise<void>
}> {
  const connection = watch.connector.connect()
  const stop = new AbortController()
  const signal = AbortSignal.any([watch.signal, stop.signal])
  let timer: NodeJS.Timeout | undefined
  const restartTimer = (): void => {
    clearTimeout(timer)
    timer = setTimeout(
      () =>
        stop.abort(new NarwhalError('unavailable', 'the runner has stopped reporting its load')),
      SILENCE_MS,
    )
  }
  const close = async (): Promise<void> => {
    clearTimeout(timer)
    stop.abort()
    await connection[Symbol.asyncDispose]()
  }
  try {
    restartTimer()
    const client = createClient(RunnerService, connection.transport)
    const stream = client.watchLoad({ intervalMs: INTERVAL_MS }, { signal })
    const messages = mapStream(stream, reportFromProto)[Symbol.asyncIterator]()
    const first = await messages.next()
    if (first.done) throw new NarwhalError('unavailable', 'the runner closed the stream at once')
    const read = async (): Promise<void> => {
      try {
        const pace = new Pace(SAMPLE_BURST, SAMPLES_A_MS)
        let next: IteratorResult<RunnerReport> = first
        while (!next.done) {
          restartTimer()
          watch.onSample(receivedNow(next.value))
          await pace.take(signal)
          next = await messages.next()
        }
      } finally {
        await close()
      }
    }
    return { first: first.value, close: () => void close(), read }
  } catch (error) {
    await close()
    throw stop.signal.reason instanceof NarwhalError ? stop.signal.reason : error
  }
}

/** In our clock's time: a runner's may be wrong. */
function receivedNow(report: RunnerReport): RunnerReport {
  return { ...report, sample: { ...report.sample, at: Date.now() } }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { WebhookConnection } from './webhook-connection.ts'
import { type LoadTarget, WebhookSource } from './webhook-source.ts'

/** What the load generator is asked to do; it answers each with a `LoadResult`. */
export interface LoadOrder {
  readonly url: string
  readonly target: LoadTarget
  readonly seconds: number
  /** So many webhooks a second, whatever becomes of them; absent: as many as are answered. */
  readonly perSecond?: number
  readonly connections: number
}

export interface LoadResult {
  /** How often each status was answered; 0: no answer. */
  readonly statuses: Readonly<Record<string, number>>
  /** From when each was due to when its answer came, in milliseconds. */
  readonly latenciesMs: readonly number[]
  readonly elapsedMs: number
}

/**
 * The load generator: a process of its own, so that it takes nothing from the one that is measured
 * but its share of the machine. It sends to loopback only, and ends by itself.
 */
const LONGEST_MS = 120_000
const stop = new AbortController()
setTimeout(() => process.exit(1), LONGEST_MS).unref()
process.on('disconnect', () => process.exit(0))
process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result))
})

async function run(order: LoadOrder): Promise<LoadResult> {
  const url = new URL(order.url)
  if (url.hostname !== '127.0.0.1') throw new Error('load is only sent to 127.0.0.1')
  using stack = new DisposableStack()
  const idle: WebhookConnection[] = []
  for (let i = 0; i < order.connections; i++) {
    idle.push(stack.use(await WebhookConnection.open(url, stop.signal)))
  }
  const source = new WebhookSource(order.target)
  const statuses: Record<string, number> = {}
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + order.seconds * 1000
  const send = async (connection: WebhookConnection, dueAt: number): Promise<void> => {
    const status = await connection.send(source.next(url.host)).catch(() => 0)
    statuses[status] = (statuses[status] ?? 0) + 1
    latenciesMs.push(performance.now() - dueAt)
  }
  if (order.perSecond === undefined) {
    await Promise.all(
      idle.map(async (connection) => {
        while (performance.now() < endsAt) await send(connection, performance.now())
      }),
    )
  } else {
    await atRate(order.perSecond, { startedAt, endsAt, idle, send })
  }
  return { statuses, latenciesMs, elapsedMs: performance.now() - startedAt }
}

/** Each is due at its time, and late ones count from then: a server that stalls is not let off. */
async function atRate(
  perSecond: number,
  load: {
    readonly startedAt: number
    readonly endsAt: number
    readonly idle: WebhookConnection[]
    readonly send: (connection: WebhookConnection, dueAt: number) => Promise<void>
  },
): Promise<void> {
  const under = new Set<Promise<void>>()
  for (let sent = 0; ; ) {
    const dueAt = load.startedAt + (sent * 1000) / perSecond
    if (dueAt >= load.endsAt) break
    const connection = dueAt <= performance.now() ? load.idle.pop() : undefined
    if (!connection) {
      await sleep(1)
      continue
    }
    sent++
    const sending = load.send(connection, dueAt).then(() => {
      load.idle.push(connection)
      under.delete(sending)
    })
    under.add(sending)
  }
  await Promise.all(under)
}

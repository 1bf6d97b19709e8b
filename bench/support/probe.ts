import { setTimeout as sleep } from 'node:timers/promises'
import { WebhookConnection } from '../webhooks/webhook-connection.ts'

export interface ProbeOptions {
  readonly url: string
  readonly token: string
  /** What is asked for, in turn. */
  readonly paths: readonly string[]
  readonly perSecond: number
  readonly signal: AbortSignal
}

const CONNECTIONS = 16

/**
 * Asks at a steady rate, whatever becomes of it, until the work is done, and resolves with how long each answer
 * took: from when it was due, so that a server that stalls is not let off. Throws at another answer than 200.
 */
export async function probeDuring<Result>(
  work: () => Promise<Result>,
  { url, token, paths, perSecond, signal }: ProbeOptions,
): Promise<{ readonly tookMs: number[]; readonly result: Result }> {
  using stack = new DisposableStack()
  const to = new URL(url)
  const idle: WebhookConnection[] = []
  for (let n = 0; n < CONNECTIONS; n++) {
    idle.push(stack.use(await WebhookConnection.open(to, signal)))
  }
  const requests = paths.map(
    (path) => `GET ${path} HTTP/1.1\r\nHost: ${to.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  const tookMs: number[] = []
  const under = new Set<Promise<void>>()
  const probe = async (connection: WebhookConnection, n: number, dueAt: number): Promise<void> => {
    const status = await connection.send(requests[n % requests.length] ?? '')
    if (status !== 200) throw new Error(`${paths[n % paths.length]} was answered with ${status}`)
    tookMs.push(performance.now() - dueAt)
    idle.push(connection)
  }
  let isOver = false
  const working = work().finally(() => {
    isOver = true
  })
  const startedAt = performance.now()
  for (let n = 0; !isOver; ) {
    const dueAt = startedAt + (n * 1000) / perSecond
    const connection = dueAt <= performance.now() ? idle.pop() : undefined
    if (!connection) {
      await sleep(1, undefined, { signal })
      continue
    }
    const probing = probe(connection, n++, dueAt).finally(() => under.delete(probing))
    under.add(probing)
  }
  await Promise.all(under)
  return { tookMs, result: await working }
}

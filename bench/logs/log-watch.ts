import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import type { LiveRequest, LiveResponse } from '../../src/contract/live/live-protocol.ts'
import type { AttemptRef } from '../../src/core/ids.ts'
import type { Installation } from '../../test/support/installation.ts'
import { bearer } from '../../test/support/tokens.ts'

/**
 * Follows a log by websocket. Its lines hold the time at which they were printed, as
 * `/proc/uptime` had it, in seconds; resolves, when the log has ended, to how many milliseconds each
 * of them took to get here, but for those that were there before. The clock has steps of 10 ms.
 */
export async function watchLatencies(
  { url, token }: Pick<Installation, 'url' | 'token'>,
  log: AttemptRef,
  signal: AbortSignal,
): Promise<number[]> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, {
    headers: bearer(token),
  })
  await once(socket, 'open', { signal })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const latencies: number[] = []
  let isLive = false
  socket.on('close', () => reject(new Error('the websocket was closed')))
  signal.addEventListener('abort', () => socket.terminate())
  socket.on('message', (data: Buffer) => {
    const now = uptimeMs()
    const message = JSON.parse(data.toString()) as LiveResponse
    if (message.type === 'subscribed') isLive = true
    if (message.type === 'end') resolve()
    if (message.type === 'error') reject(new Error(message.message))
    if (message.type !== 'event' || message.event.type !== 'log.appended' || !isLive) return
    for (const { stream, text } of message.event.lines) {
      if (stream === 'stdout') latencies.push(now - Math.round(Number(text.split(' ')[0]) * 1000))
    }
  })
  const topic = { kind: 'log', ...log } as const
  const request: LiveRequest = { type: 'subscribe', id: 'bench', topic, after: -1 }
  socket.send(JSON.stringify(request))
  try {
    await promise
  } finally {
    socket.removeAllListeners('close')
    socket.terminate()
  }
  return latencies
}

function uptimeMs(): number {
  return Math.round(Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000)
}

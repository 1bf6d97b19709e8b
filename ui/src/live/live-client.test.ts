import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGNED_OUT_CODE } from '../../../src/contract/live/close-code.ts'
import type { LiveResponse } from '../../../src/contract/live/live-protocol.ts'
import { LiveClient, type SocketLike } from './live-client.ts'

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null
  onmessage: ((event: { readonly data: unknown }) => void) | null = null
  onclose: SocketLike['onclose'] = null
  readonly sent: unknown[] = []

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(code = 1006): void {
    this.onclose?.({ code })
  }

  say(response: LiveResponse): void {
    this.onmessage?.({ data: JSON.stringify(response) })
  }
}

function setUp() {
  const sockets: FakeSocket[] = []
  const delays: number[] = []
  let due: (() => void) | undefined
  let signedOut = 0
  const client = new LiveClient({
    open: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    later: (callback, delayMs) => {
      delays.push(delayMs)
      due = callback
      return () => {
        due = undefined
      }
    },
    random: () => 1,
    onSignedOut: () => signedOut++,
  })
  const newest = () => sockets.at(-1) ?? assert.fail('nothing connected')
  return { client, sockets, delays, newest, letTimePass: () => due?.(), signedOut: () => signedOut }
}

const everything = { kind: 'everything' } as const
const line = { number: 7, step: 0, at: 1, stream: 'stdout', text: 'x' } as const

test('connects only when it is told to, where somebody may have to sign in first', () => {
  const sockets: SocketLike[] = []
  const open = (): SocketLike => {
    const socket = { onopen: null, onmessage: null, onclose: null, send() {}, close() {} }
    sockets.push(socket)
    return socket
  }
  const live = new LiveClient({ open, later: () => () => {}, random: () => 0, isWaiting: true })
  live.watch(() => {})
  live.subscribe({ kind: 'everything' }, 1, { onEvent() {} })
  assert.equal(sockets.length, 0)
  live.start()
  live.start()
  assert.equal(sockets.length, 1)
})

test('subscribes as soon as the connection stands', () => {
  const { client, newest } = setUp()
  client.subscribe(everything, 5, { onEvent: () => {} })
  assert.deepEqual(newest().sent, [])
  newest().onopen?.()
  assert.deepEqual(newest().sent, [{ type: 'subscribe', id: '1', topic: everything, after: 5 }])
  assert.equal(client.state, 'online')
})

test('goes on behind the last event after a break', () => {
  const { client, newest, letTimePass } = setUp()
  const topic = { kind: 'log', jobId: 'job_1', attempt: 1 } as const
  client.subscribe(topic, -1, { onEvent: () => {} })
  newest().onopen?.()
  const event = { type: 'log.appended' as const, jobId: topic.jobId, attempt: 1, lines: [line] }
  newest().say({ type: 'event', id: '1', event })
  newest().close()
  assert.equal(client.state, 'offline')
  letTimePass()
  newest().onopen?.()
  assert.deepEqual(newest().sent, [{ type: 'subscribe', id: '1', topic, after: 7 }])
})

test('waits longer after each failure, up to a limit, and not at all when told to try now', () => {
  const { client, sockets, delays, newest, letTimePass } = setUp()
  client.watch(() => {})
  for (let i = 0; i < 7; i++) {
    newest().close()
    letTimePass()
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 10_000, 10_000])
  newest().close()
  const before = sockets.length
  client.retryNow()
  assert.equal(sockets.length, before + 1)
})

test('says when the token of the page is no longer valid, and only then', () => {
  const { client, newest, letTimePass, signedOut } = setUp()
  client.watch(() => {})
  newest().close()
  assert.equal(signedOut(), 0)
  letTimePass()
  newest().close(SIGNED_OUT_CODE)
  assert.equal(signedOut(), 1)
})

test('tells of a reset, and asks from now on after it', () => {
  const { client, newest, letTimePass } = setUp()
  let resets = 0
  client.subscribe(everything, 5, { onEvent: () => {}, onReset: () => resets++ })
  newest().onopen?.()
  newest().say({ type: 'reset', id: '1' })
  assert.equal(resets, 1)
  newest().close()
  letTimePass()
  newest().onopen?.()
  assert.deepEqual(newest().sent, [{ type: 'subscribe', id: '1', topic: everything }])
})

test('does not ask again for a log that has ended, nor hear of what was left', () => {
  const { client, newest, letTimePass } = setUp()
  let ends = 0
  const heard: unknown[] = []
  const log = { kind: 'log', jobId: 'job_1', attempt: 1 } as const
  client.subscribe(log, -1, { onEvent: () => {}, onEnd: () => ends++ })
  const stop = client.subscribe(everything, 1, { onEvent: (event) => heard.push(event) })
  newest().onopen?.()
  newest().say({ type: 'end', id: '1' })
  stop()
  assert.deepEqual(newest().sent.at(-1), { type: 'unsubscribe', id: '2' })
  const event = { type: 'log.appended' as const, jobId: log.jobId, attempt: 1, lines: [line] }
  newest().say({ type: 'event', id: '2', event })
  newest().close()
  letTimePass()
  newest().onopen?.()
  assert.deepEqual([ends, heard, newest().sent], [1, [], []])
})

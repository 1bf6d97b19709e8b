import { present } from '../../lib/present.ts'
import type { LiveEvent } from './live-event.ts'
import type { LiveRequest, LiveResponse, LiveTopic } from './live-protocol.ts'

/**
 * What one client has subscribed to, through one connection after another, without sockets and timers:
 * each function takes what happened and gives the next state with what is to be done about it.
 *
 * A subscriber misses nothing and hears nothing twice: on a new connection each subscription is made again
 * behind the last event that was handed over, and what has been handed over already is left out.
 */
export interface LiveSession {
  readonly subscriptions: ReadonlyMap<string, Subscription>
  readonly lastId: number
}

interface Subscription {
  readonly topic: LiveTopic
  /** The number of the last event that was handed over; undefined: none yet, from now on. */
  readonly after: number | undefined
}

/** What is to be done, in this order; what names a subscription is for its subscriber. */
export type LiveEffect =
  /** Where there is no connection it can be left: a new one begins with `reconnected`. */
  | { readonly type: 'send'; readonly request: LiveRequest }
  | { readonly type: 'event'; readonly id: string; readonly event: LiveEvent }
  /** `ready`: all that was missed has been told. `reset`: it can't be; `end`: a log is whole. */
  | { readonly type: 'ready' | 'reset' | 'end'; readonly id: string }
  /** `id` is absent where it is about the connection as a whole. */
  | {
      readonly type: 'refused'
      readonly id: string | undefined
      readonly code: string
      readonly message: string
    }

export type LiveStep = readonly [LiveSession, readonly LiveEffect[]]

export const NO_SESSION: LiveSession = { subscriptions: new Map(), lastId: 0 }

/** `after`: the number of the last event that the subscriber has. Its id is the session's `lastId`. */
export function subscribe(
  session: LiveSession,
  topic: LiveTopic,
  after: number | undefined,
): LiveStep {
  const lastId = session.lastId + 1
  const id = String(lastId)
  const subscription = { topic, after }
  const subscriptions = new Map(session.subscriptions).set(id, subscription)
  return [{ subscriptions, lastId }, [ask(id, subscription)]]
}

export function unsubscribe(session: LiveSession, id: string): LiveStep {
  if (!session.subscriptions.has(id)) return [session, []]
  return [without(session, id), [{ type: 'send', request: { type: 'unsubscribe', id } }]]
}

/** There is a new connection, on which nothing has been asked yet. */
export function reconnected(session: LiveSession): LiveStep {
  return [session, [...session.subscriptions].map(([id, one]) => ask(id, one))]
}

/** The server has said something. */
export function receive(session: LiveSession, response: LiveResponse): LiveStep {
  if (response.type === 'error') {
    const { id, code, message } = response
    const next = id === undefined ? session : without(session, id)
    return [next, [{ type: 'refused', id, code, message }]]
  }
  const { id } = response
  const known = session.subscriptions.get(id)
  // It crossed with the end of the subscription.
  if (!known) return [session, []]
  const { after = -1 } = known
  switch (response.type) {
    case 'subscribed':
      return [at(session, id, Math.max(after, response.seq)), [{ type: 'ready', id }]]
    case 'event': {
      const { event } = response
      const number = numberOf(event)
      if (number === undefined) return [session, [{ type: 'event', id, event }]]
      if (number <= after) return [session, []]
      return [at(session, id, number), [{ type: 'event', id, event }]]
    }
    case 'reset':
      return [at(session, id, undefined), [{ type: 'reset', id }]]
    case 'end':
      return [without(session, id), [{ type: 'end', id }]]
  }
}

function ask(id: string, { topic, after }: Subscription): LiveEffect {
  const request = { type: 'subscribe', id, topic, ...present({ after }) } as const
  return { type: 'send', request }
}

function at(session: LiveSession, id: string, after: number | undefined): LiveSession {
  const known = session.subscriptions.get(id)
  if (!known || known.after === after) return session
  return { ...session, subscriptions: new Map(session.subscriptions).set(id, { ...known, after }) }
}

function without(session: LiveSession, id: string): LiveSession {
  const subscriptions = new Map(session.subscriptions)
  return subscriptions.delete(id) ? { ...session, subscriptions } : session
}

/** By which a subscription goes on; samples have none. */
function numberOf(event: LiveEvent): number | undefined {
  if ('seq' in event) return event.seq
  return event.type === 'log.appended' ? event.lines.at(-1)?.number : undefined
}

import { present } from '../../lib/present.ts'
import type { LiveEvent } from './live-event.ts'
import type { LiveRequest, LiveResponse, LiveTopic } from './live-protocol.ts'

/**
 * One client's subscriptions across reconnects, without sockets and timers: each function takes what happened
 * and returns the next state with the effects to perform.
 *
 * Delivery is exactly once: on a new connection each subscription resumes after the last delivered event, and
 * duplicates are dropped.
 */
export interface LiveSession {
  readonly subscriptions: ReadonlyMap<string, Subscription>
  readonly lastId: number
}

interface Subscription {
  readonly topic: LiveTopic
  /** The number of the last delivered event; undefined: none yet, only new events. */
  readonly after: number | undefined
}

/** To be performed in order; effects with a subscription's id are for its subscriber. */
export type LiveEffect =
  /** May be dropped without a connection: a new one begins with `reconnected`. */
  | { readonly type: 'send'; readonly request: LiveRequest }
  | { readonly type: 'event'; readonly id: string; readonly event: LiveEvent }
  /** `ready`: everything missed has been delivered. `reset`: it can't be. `end`: a log is complete. */
  | { readonly type: 'ready' | 'reset' | 'end'; readonly id: string }
  /** `id` undefined: about the connection itself. */
  | {
      readonly type: 'refused'
      readonly id: string | undefined
      readonly code: string
      readonly message: string
    }

export type LiveStep = readonly [LiveSession, readonly LiveEffect[]]

export const NO_SESSION: LiveSession = { subscriptions: new Map(), lastId: 0 }

/** `after`: the number of the subscriber's last event. The new id is the session's `lastId`. */
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

/** To be called for each new connection. */
export function reconnected(session: LiveSession): LiveStep {
  return [session, [...session.subscriptions].map(([id, one]) => ask(id, one))]
}

/** To be called for each message from the server. */
export function receive(session: LiveSession, response: LiveResponse): LiveStep {
  if (response.type === 'error') {
    const { id, code, message } = response
    const next = id === undefined ? session : without(session, id)
    return [next, [{ type: 'refused', id, code, message }]]
  }
  const { id } = response
  const subscription = session.subscriptions.get(id)
  // It was in flight when the subscription ended.
  if (!subscription) return [session, []]
  const { after = -1 } = subscription
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
  const { subscriptions } = session
  const subscription = subscriptions.get(id)
  if (!subscription || subscription.after === after) return session
  return { ...session, subscriptions: new Map(subscriptions).set(id, { ...subscription, after }) }
}

function without(session: LiveSession, id: string): LiveSession {
  const subscriptions = new Map(session.subscriptions)
  return subscriptions.delete(id) ? { ...session, subscriptions } : session
}

/** The number to resume after; samples have none. */
function numberOf(event: LiveEvent): number | undefined {
  if ('seq' in event) return event.seq
  return event.type === 'log.appended' ? event.lines.at(-1)?.number : undefined
}

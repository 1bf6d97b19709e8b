import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  AttemptEvent,
  NumberedEvent,
  ReceivedEvent,
} from '../../core/attempt/attempt-event.ts'
import { soundImages } from '../../core/attempt/image-run.ts'
import { present } from '../../lib/present.ts'
import type { RunAttemptResponse, RunAttemptResponseSchema } from '../gen/narwhal/v1/runner_pb.js'
import { outputsFromProto, outputsToProto } from './outputs-message.ts'
import {
  chunkFromProto,
  chunkToProto,
  faultFromProto,
  faultToProto,
  outcomeFromProto,
  outcomeToProto,
  phaseFromProto,
  phaseToProto,
} from './rpc.ts'

/** Messages from the runner on the stream of an attempt. */

/** A request for id tokens of these names; at most one is outstanding. */
export interface IdTokenAsk {
  /** Incremented with every request of the attempt. */
  readonly ask: number
  readonly names: readonly string[]
}

/** Times are the runner's, in epoch milliseconds. */
export type AttemptMessage<Event = NumberedEvent> =
  | { readonly type: 'event'; readonly event: Event }
  /** Renews the lease; `sentMs` is by a monotonic clock of the runner. */
  | { readonly type: 'heartbeat'; readonly at: number; readonly sentMs: number }
  | { readonly type: 'ask'; readonly at: number; readonly ask: IdTokenAsk }

type Message = MessageInitShape<typeof RunAttemptResponseSchema>

export function messageToProto(message: AttemptMessage): Message {
  switch (message.type) {
    case 'event':
      return eventToProto(message.event)
    case 'heartbeat': {
      const value = { sentMs: BigInt(message.sentMs) }
      return { seq: 0n, atMs: BigInt(message.at), event: { case: 'heartbeat', value } }
    }
    case 'ask': {
      const value = { ask: message.ask.ask, names: [...message.ask.names] }
      return { seq: 0n, atMs: BigInt(message.at), event: { case: 'idTokensWanted', value } }
    }
  }
}

/** Throws `invalid` for anything that no runner of this version sends. */
export function messageFromProto(message: RunAttemptResponse): AttemptMessage<ReceivedEvent> {
  const { event } = message
  const at = Number(message.atMs)
  if (event.case === 'heartbeat')
    return { type: 'heartbeat', at, sentMs: Number(event.value.sentMs) }
  if (event.case === 'idTokensWanted') {
    const { ask, names } = event.value
    return { type: 'ask', at, ask: { ask, names } }
  }
  return { type: 'event', event: eventFromProto(message) }
}

export function eventToProto({ seq, at, event }: NumberedEvent): Message {
  return { seq: BigInt(seq), atMs: BigInt(at), event: caseOf(event) }
}

export function eventFromProto({ seq, atMs, event }: RunAttemptResponse): ReceivedEvent {
  return { seq: Number(seq), at: Number(atMs), ...present({ event: eventOf(event) }) }
}

function caseOf(event: AttemptEvent): NonNullable<Message['event']> {
  switch (event.type) {
    case 'started':
      return { case: 'started', value: { instanceId: event.instanceId } }
    case 'phase': {
      const { durationMs, images = [] } = event
      const phase = phaseToProto(event.phase)
      return { case: 'phase', value: { phase, durationMs, images: [...images] } }
    }
    case 'step_started':
      return { case: 'stepStarted', value: { step: event.step } }
    case 'log':
      return { case: 'log', value: chunkToProto(event.chunk) }
    case 'step_finished': {
      const { step, exitCode, reason = '' } = event
      const outcome = outcomeToProto(event.outcome)
      return { case: 'stepFinished', value: { step, outcome, reason, ...present({ exitCode }) } }
    }
    case 'finished': {
      const { reason = '' } = event
      const outcome = outcomeToProto(event.outcome)
      const fault = faultToProto(event.fault)
      const outputs = outputsToProto(event.outputs)
      return { case: 'finished', value: { outcome, reason, fault, outputs } }
    }
  }
}

/** Undefined: a kind that only newer runners know. */
function eventOf(event: RunAttemptResponse['event']): AttemptEvent | undefined {
  switch (event.case) {
    case 'started':
      return { type: 'started', instanceId: event.value.instanceId }
    case 'phase': {
      const { phase, durationMs } = event.value
      const images = soundImages(event.value.images)
      const ofSandbox = images.length > 0 ? { images } : {}
      return { type: 'phase', phase: phaseFromProto(phase), durationMs, ...ofSandbox }
    }
    case 'stepStarted':
      return { type: 'step_started', step: event.value.step }
    case 'log':
      return { type: 'log', chunk: chunkFromProto(event.value) }
    case 'stepFinished': {
      const { step, outcome, exitCode, reason } = event.value
      return {
        type: 'step_finished',
        step,
        outcome: outcomeFromProto(outcome),
        ...present({ exitCode, reason: reason || undefined }),
      }
    }
    case 'finished': {
      const { outcome, reason, outputs } = event.value
      const fault = faultFromProto(event.value.fault)
      return {
        type: 'finished',
        outcome: outcomeFromProto(outcome),
        ...present({ reason: reason || undefined, fault }),
        ...outputsFromProto(outputs),
      }
    }
    case 'heartbeat':
    case 'idTokensWanted':
    case undefined:
      return undefined
  }
}

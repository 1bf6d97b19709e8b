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

/** What a runner says on the stream of an attempt. */

/** A job's steps want id tokens of these names; nothing else is asked for before it is answered. */
export interface IdTokenAsk {
  /** Grows with every ask of the attempt. */
  readonly ask: number
  readonly names: readonly string[]
}

/** Times are the runner's, in epoch milliseconds. */
export type AttemptMessage<Event = NumberedEvent> =
  | { readonly type: 'event'; readonly event: Event }
  /** Asks for the lease to be extended; `sentMs` is of a clock of the runner that never jumps. */
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

/** Throws `invalid` for what no runner of this version sends. */
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
  const known = eventOf(event)
  return { seq: Number(seq), at: Number(atMs), ...present({ event: known }) }
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
      const code = exitCode === undefined ? {} : { exitCode }
      return { case: 'stepFinished', value: { step, outcome, reason, ...code } }
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

/** Undefined: of a kind that only newer runners know. */
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
        ...present({ exitCode }),
        ...(reason === '' ? {} : { reason }),
      }
    }
    case 'finished': {
      const { outcome, reason, outputs } = event.value
      const fault = faultFromProto(event.value.fault)
      return {
        type: 'finished',
        outcome: outcomeFromProto(outcome),
        ...(reason === '' ? {} : { reason }),
        ...present({ fault }),
        ...outputsFromProto(outputs),
      }
    }
    case 'heartbeat':
    case 'idTokensWanted':
    case undefined:
      return undefined
  }
}

import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import type { AttemptFault, RunnerPhase } from '../../core/attempt/attempt-event.ts'
import { type LogChunk, MOST_CHUNK_BYTES, MOST_CHUNK_LINES } from '../../core/attempt/log-chunk.ts'
import type { Outcome } from '../../core/outcome.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'
import {
  type LogAppended as LogAppendedMessage,
  type LogAppendedSchema,
  Fault as ProtoFault,
  Outcome as ProtoOutcome,
  Packing as ProtoPacking,
  Phase as ProtoPhase,
} from '../gen/narwhal/v1/runner_pb.js'

/**
 * Translates errors and enums between the generated messages and the domain. Nothing generated leaves
 * `contract/`, except the service itself, where it is bound.
 */

const RPC_CODE = {
  invalid: Code.InvalidArgument,
  unauthenticated: Code.Unauthenticated,
  forbidden: Code.PermissionDenied,
  not_found: Code.NotFound,
  conflict: Code.FailedPrecondition,
  // Never sent by gRPC, but every code needs an entry.
  gone: Code.DataLoss,
  stale: Code.Aborted,
  too_large: Code.OutOfRange,
  exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  cancelled: Code.Canceled,
  internal: Code.Internal,
} as const satisfies Record<ErrorCode, Code>

const ERROR_CODE = new Map<Code, ErrorCode>(
  Object.entries(RPC_CODE).map(([code, rpc]) => [rpc, code as ErrorCode]),
)

/** The error that a service throws to its caller. */
export function toConnectError(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason
  const error = NarwhalError.from(reason)
  return new ConnectError(error.message, RPC_CODE[error.code], undefined, undefined, error)
}

/** The meaning of a failed call; a broken connection is `unavailable`. */
export function fromConnectError(reason: unknown): NarwhalError {
  if (reason instanceof NarwhalError) return reason
  const error = ConnectError.from(reason, Code.Unavailable)
  // Connect reports a broken connection as "aborted" or "internal", as if the other side had said so.
  const isVague = error.code === Code.Aborted || error.code === Code.Internal
  const code = isVague && isBrokenLink(error) ? 'unavailable' : ERROR_CODE.get(error.code)
  return new NarwhalError(code ?? 'unavailable', error.rawMessage, { cause: reason })
}

/** Whether a call failed because the connection broke or was refused, not by a response. */
export function isBrokenLink(failure: Error): boolean {
  for (let error: unknown = failure; error instanceof Error; error = error.cause) {
    if (!(error instanceof NarwhalError) && 'code' in error && isNodeCode(error.code)) return true
  }
  return false
}

function isNodeCode(code: unknown): boolean {
  return typeof code === 'string' && /^(?:ERR_|E[A-Z]+$)/.test(code)
}

const OUTCOMES: Record<Outcome, ProtoOutcome> = {
  success: ProtoOutcome.SUCCESS,
  failure: ProtoOutcome.FAILURE,
  error: ProtoOutcome.ERROR,
  cancelled: ProtoOutcome.CANCELLED,
  timeout: ProtoOutcome.TIMEOUT,
  skipped: ProtoOutcome.SKIPPED,
}
const PACKINGS: Record<LogChunk['packing'], ProtoPacking> = {
  plain: ProtoPacking.PLAIN,
  zstd: ProtoPacking.ZSTD,
}
const PHASES: Record<RunnerPhase, ProtoPhase> = {
  fetch: ProtoPhase.FETCH,
  checkout: ProtoPhase.CHECKOUT,
  sandbox: ProtoPhase.SANDBOX,
}
const FAULTS: Record<AttemptFault | 'none', ProtoFault> = {
  none: ProtoFault.UNSPECIFIED,
  runner: ProtoFault.RUNNER,
  handed_back: ProtoFault.HANDED_BACK,
  no_engine: ProtoFault.NO_ENGINE,
}

export const outcomeToProto = (outcome: Outcome): ProtoOutcome => OUTCOMES[outcome]
export const outcomeFromProto = (outcome: ProtoOutcome): Outcome =>
  lookUp(OUTCOMES, outcome, 'outcome')
export const phaseToProto = (phase: RunnerPhase): ProtoPhase => PHASES[phase]
export const phaseFromProto = (phase: ProtoPhase): RunnerPhase => lookUp(PHASES, phase, 'phase')
export const faultToProto = (fault?: AttemptFault): ProtoFault => FAULTS[fault ?? 'none']
export const faultFromProto = (fault: ProtoFault): AttemptFault | undefined => {
  const word = lookUp(FAULTS, fault, 'fault')
  return word === 'none' ? undefined : word
}

export function chunkToProto(chunk: LogChunk): MessageInitShape<typeof LogAppendedSchema> {
  const { step, lineCount, size, content } = chunk
  return { step, lineCount, size, packing: PACKINGS[chunk.packing], content }
}

/** Throws `invalid` for anything that no runner of this version sends; the content is not checked. */
export function chunkFromProto(log: LogAppendedMessage): LogChunk {
  const { step, lineCount, size, content } = log
  const isPossible =
    lineCount <= MOST_CHUNK_LINES && size <= MOST_CHUNK_BYTES && content.length <= size
  if (!isPossible) {
    const words = `${lineCount} lines in ${content.length} bytes that are ${size} unpacked`
    throw new NarwhalError('invalid', `the runner sent an invalid log chunk: ${words}`)
  }
  return {
    step,
    lineCount,
    size,
    packing: lookUp(PACKINGS, log.packing, 'packing'),
    content,
    clockOffsetMs: 0,
  }
}

export function lookUp<Word extends string>(
  table: Record<Word, number>,
  value: number,
  what: string,
): Word {
  for (const word in table) if (table[word] === value) return word
  throw new NarwhalError('invalid', `the other side sent ${what} ${value}, which is unknown here`)
}

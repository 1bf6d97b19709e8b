import {
  MOST_OUTPUT_BYTES,
  MOST_OUTPUTS,
  OUTPUT_NAME,
  type Outputs,
} from '../../core/plan/outputs.ts'
import { NarwhalError } from '../../lib/errors.ts'

export function outputsToProto(outputs: Outputs | undefined): { [name: string]: string } {
  return { ...outputs }
}

/** Throws `invalid` for anything that no runner of this version sends. */
export function outputsFromProto(outputs: Outputs): { outputs?: Outputs } {
  const entries = Object.entries(outputs)
  if (entries.length === 0) return {}
  const bytes = entries.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0)
  const isPossible =
    entries.length <= MOST_OUTPUTS &&
    bytes <= MOST_OUTPUT_BYTES &&
    entries.every(([name]) => OUTPUT_NAME.test(name))
  if (isPossible) return { outputs: { ...outputs } }
  throw new NarwhalError('invalid', 'the runner sent invalid outputs of a job')
}

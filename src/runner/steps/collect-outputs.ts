import {
  MOST_OUTPUT_BYTES,
  type ReadOutputs,
  readOutputLines,
  TOO_MANY_OUTPUT_BYTES,
} from '../../core/plan/outputs.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Sandbox } from '../executor/executor.ts'
import type { JobMask } from '../masking/job-mask.ts'

/** Where steps write their job's outputs, relative to the workspace. */
export const OUTPUT_FILE = '.narwhal-output'
/** Reading so little is fast, unless a step has made sure that it isn't. */
const LONGEST_MS = 10_000

/** The variable with the path of the file inside the sandbox. */
export function outputEnv({ workspace }: Pick<Sandbox, 'workspace'>): { NARWHAL_OUTPUT: string } {
  return { NARWHAL_OUTPUT: `${workspace}/${OUTPUT_FILE}` }
}

/** Which outputs a job may have, and what must not be in them. */
export interface OutputsOf {
  readonly declared: readonly string[]
  readonly mask?: Pick<JobMask, 'text' | 'holderOf'>
}

/** `holdsSecret`: they contain a secret, but outputs are readable by everyone. */
export type CollectedOutputs = ReadOutputs & { readonly holdsSecret?: true }

/**
 * Reads what the steps wrote, with the rights that they have. Rejects with the signal's reason, and
 * as `Sandbox.read` does if the error says nothing about the file.
 */
export async function collectOutputs(
  sandbox: Pick<Sandbox, 'read'>,
  { declared, mask }: OutputsOf,
  signal: AbortSignal,
): Promise<CollectedOutputs> {
  const late = AbortSignal.timeout(LONGEST_MS)
  let text: string
  try {
    const either = AbortSignal.any([signal, late])
    const bytes = await sandbox.read(OUTPUT_FILE, MOST_OUTPUT_BYTES, either)
    text = Buffer.from(bytes ?? []).toString('utf8')
  } catch (error) {
    if (late.aborted && !signal.aborted) {
      return { ok: false, problem: `${OUTPUT_FILE} took more than ${LONGEST_MS / 1000} s to read` }
    }
    return withoutText(NarwhalError.from(error))
  }
  // With a line end, a text that is only the beginning of a secret is not masked.
  const read = readOutputLines(text, declared)
  if (!mask || mask.text(`${text}\n`) === `${text}\n`) return read
  return { ok: false, problem: secretIn(read, mask), holdsSecret: true }
}

/** The result when the file can't be read; rethrows errors that say nothing about it. */
function withoutText(error: NarwhalError): CollectedOutputs {
  if (error.code === 'too_large') return { ok: false, problem: TOO_MANY_OUTPUT_BYTES }
  if (error.code === 'forbidden') return { ok: false, problem: `${OUTPUT_FILE} can't be read` }
  // A folder or a pipe by this name has no outputs.
  if (error.code === 'conflict') return { ok: true, outputs: {} }
  throw error
}

/** Which output holds which secret, and what to do instead. */
function secretIn(read: ReadOutputs, mask: Pick<JobMask, 'holderOf'>): string {
  const found = Object.entries(read.ok ? read.outputs : {}).flatMap(([name, value]) => {
    const holder = mask.holderOf(`${value}\n`)
    return holder === undefined ? [] : [`${name} contains the secret of ${holder}`]
  })
  const what = found[0] ?? 'they hold a secret'
  return `${what}, and outputs are readable by everyone: name the secret in the job that needs it`
}

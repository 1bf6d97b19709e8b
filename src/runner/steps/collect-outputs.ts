import { MOST_OUTPUT_BYTES, type ReadOutputs, readOutputLines } from '../../core/plan/outputs.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Sandbox } from '../executor/executor.ts'
import type { JobMask } from '../masking/job-mask.ts'

/** Where steps write what their job tells the jobs that need it, below the workspace. */
export const OUTPUT_FILE = '.narwhal-output'
/** The first line of the script that reads it; the fake executor knows it by that. */
export const COLLECT_COMMENT = '# Narwhal reads the outputs of the job'
/** Reading so little takes no time, unless a step has seen to it that it does. */
const LONGEST_MS = 10_000

/** The variable with the path of the file, as the steps see it. */
export function outputEnv({ workspace }: Pick<Sandbox, 'workspace'>): { NARWHAL_OUTPUT: string } {
  return { NARWHAL_OUTPUT: `${workspace}/${OUTPUT_FILE}` }
}

/** Where a job's outputs are, which there may be, and what must not be in them. */
export interface OutputsOf {
  readonly env: { readonly NARWHAL_OUTPUT: string }
  readonly declared: readonly string[]
  readonly mask?: Pick<JobMask, 'text' | 'holderOf'>
}

/** `holdsSecret`: nobody may read what they hold, and everybody reads outputs. */
export type CollectedOutputs = ReadOutputs & { readonly holdsSecret?: true }

/**
 * Reads what the steps wrote. It is read in the sandbox, with no more rights than they have: the
 * file may be a link to anything, or one that nobody but them may read. Rejects as `run` does, and
 * with the signal's reason.
 */
export async function collectOutputs(
  sandbox: Pick<Sandbox, 'run'>,
  { env, declared, mask }: OutputsOf,
  signal: AbortSignal,
): Promise<CollectedOutputs> {
  const chunks: Uint8Array[] = []
  const file = '"$NARWHAL_OUTPUT"'
  // A pipe or a device would never end.
  const script = `${COLLECT_COMMENT}\nif [ -f ${file} ]; then head -c ${MOST_OUTPUT_BYTES + 1} ${file}; fi`
  const late = AbortSignal.timeout(LONGEST_MS)
  const either = AbortSignal.any([signal, late])
  try {
    const take = (stream: 'stdout' | 'stderr', chunk: Uint8Array): void => {
      if (stream === 'stdout') chunks.push(Buffer.from(chunk))
    }
    const { exitCode } = await sandbox.run({ script, env: { ...env } }, take, either)
    if (exitCode !== 0) return { ok: false, problem: `${OUTPUT_FILE} can't be read` }
  } catch (error) {
    if (!late.aborted || signal.aborted) throw NarwhalError.from(error)
    return { ok: false, problem: `${OUTPUT_FILE} took more than ${LONGEST_MS / 1000} s to read` }
  }
  const text = Buffer.concat(chunks).toString('utf8')
  // The line end tells the beginning of a secret from a text that only begins alike.
  const read = readOutputLines(text, declared)
  if (!mask || mask.text(`${text}\n`) === `${text}\n`) return read
  return { ok: false, problem: secretIn(read, mask), holdsSecret: true }
}

/** Which output holds which secret, and what to do instead. */
function secretIn(read: ReadOutputs, mask: Pick<JobMask, 'holderOf'>): string {
  const found = Object.entries(read.ok ? read.outputs : {}).flatMap(([name, value]) => {
    const holder = mask.holderOf(`${value}\n`)
    return holder === undefined ? [] : [`${name} holds the secret of ${holder}`]
  })
  const what = found[0] ?? 'they hold a secret'
  return `${what}, and everybody may read them: name the secret in the job that needs it`
}

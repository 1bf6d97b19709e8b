import { NarwhalError } from '../../lib/errors.ts'
import type { SandboxStep } from './executor.ts'

/** Anything longer is data, and belongs in the repository. */
const MAX_SCRIPT_BYTES = 4 * 1024 * 1024

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Throws `invalid` or `too_large` for a step that no executor can run as intended. */
export function checkStep({ script, env }: SandboxStep): void {
  if (Buffer.byteLength(script) > MAX_SCRIPT_BYTES) {
    throw new NarwhalError('too_large', "a step's script is larger than 4 MiB")
  }
  // A shell would end the script there and run the first part of it.
  if (script.includes('\0'))
    throw new NarwhalError('invalid', 'the script contains a NUL character')
  for (const [name, value] of Object.entries(env)) {
    if (!ENV_NAME.test(name)) {
      throw new NarwhalError(
        'invalid',
        `${JSON.stringify(name)} can't name an environment variable: use letters, digits and _`,
      )
    }
    if (value.includes('\0')) {
      throw new NarwhalError('invalid', `the value of ${name} contains a NUL character`)
    }
  }
}

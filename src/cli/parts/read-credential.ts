import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { NewCredentials } from '../../contract/rest/rest-repositories.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { CliIo } from '../terminal/cli-io.ts'

/** Of `--credentials-file`. */
export const CREDENTIALS_HELP =
  'a file with user:password or a token, for a private repository; - reads standard input'

interface Asked {
  /** `the token`, for errors. */
  readonly what: string
  /** On a terminal. */
  readonly prompt: string
}

/** A credential from a file, or for `-` from standard input, without blanks at its ends. */
export async function readCredential(file: string, asked: Asked, io: CliIo): Promise<string> {
  if (file === '-') return (await io.readInput(asked.prompt)).trim()
  try {
    return (await readFile(resolve(io.cwd, file), 'utf8')).trim()
  } catch (cause) {
    const words = `${asked.what} can't be read from ${file}: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
}

/** `user:password`, or a token. */
export async function readGitCredentials(file: string, io: CliIo): Promise<NewCredentials> {
  const asked = { what: 'the credentials', prompt: 'user:password, or a token: ' }
  const text = await readCredential(file, asked, io)
  const colon = text.indexOf(':')
  if (colon === -1) return { password: text }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { describeFileError } from '../../lib/describe-file-error.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { checkSecret } from '../../vault/secret-values.ts'

/** The names and values of secrets. */
export type Secrets = Readonly<Record<string, string>>

/**
 * Reads secrets from a file: a YAML or JSON mapping of names to strings, by its extension, otherwise
 * `NAME=value` lines as in a `.env`. Rejects with `invalid`, naming the file but never a value.
 */
export async function readSecretFile(path: string): Promise<Secrets> {
  const wrong = (words: string, cause?: unknown) =>
    new NarwhalError('invalid', `invalid secret file ${path}: ${words}`, { cause })
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw wrong(describeFileError(cause), cause)
  })
  const read = /\.(ya?ml|json)$/.test(path) ? await parseYaml(text) : parseEnv(text)
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw wrong('it must be a mapping of names to strings')
  }
  for (const [name, value] of Object.entries(read)) {
    if (typeof value !== 'string')
      throw wrong(`${JSON.stringify(name)} must be a string, in quotes`)
    try {
      checkSecret(name, value)
    } catch (cause) {
      throw wrong(`${JSON.stringify(name.slice(0, 100))}: ${describeError(cause)}`, cause)
    }
  }
  return read as Secrets
}

async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { stringKeys: true })
  const [error] = document.errors
  // The library's message would quote the line.
  if (error)
    throw new NarwhalError('invalid', `it is not valid YAML (at character ${error.pos[0] + 1})`)
  return document.toJS({ maxAliasCount: 0 }) as unknown
}

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { NarwhalError } from '../../../../../lib/errors.ts'
import type { AccountTexts } from './container-user.ts'
import { findInLayers } from './layered-path.ts'

/** Larger ones are of no image that people use. */
const MOST_BYTES = 4 * 1024 * 1024

const MOST_KEPT = 100
const MOST_KEPT_LENGTH = 64 * 1024
/** By the layers, which never change; the latest last. */
const kept = new Map<string, Promise<AccountTexts>>()

/**
 * Reads /etc/passwd and /etc/group from an image's layers (top first). What is no regular file counts as
 * absent. Rejects with `invalid` for one of more than 4 MB. Those of the latest images are kept in memory.
 */
export async function readAccountTexts(layers: readonly string[]): Promise<AccountTexts> {
  const key = layers.join(':')
  const found = kept.get(key) ?? readBoth(layers)
  kept.delete(key)
  kept.set(key, found)
  found.catch(() => kept.delete(key))
  const [oldest] = kept.keys()
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
  const texts = await found
  if (lengthOf(texts) > MOST_KEPT_LENGTH) kept.delete(key)
  return texts
}

function lengthOf({ passwd = '', group = '' }: AccountTexts): number {
  return passwd.length + group.length
}

async function readBoth(layers: readonly string[]): Promise<AccountTexts> {
  const [passwd, group] = await Promise.all([
    readText(layers, '/etc/passwd'),
    readText(layers, '/etc/group'),
  ])
  return { passwd, group }
}

async function readText(layers: readonly string[], path: string): Promise<string | undefined> {
  const found = await findInLayers(layers, path)
  if (!found?.stats.isFile()) return undefined
  if (found.stats.size > MOST_BYTES) {
    throw new NarwhalError(
      'invalid',
      `${path} of the image has more than 4 MB: it is no list of accounts`,
    )
  }
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  await using file = await open(found.place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  return await file.readFile('utf8')
}

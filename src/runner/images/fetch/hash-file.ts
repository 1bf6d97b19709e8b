import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { hasCode } from '../../../lib/errors.ts'

/** The digest of a file; undefined if it is not there. */
export async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer)
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  return `sha256:${hash.digest('hex')}`
}

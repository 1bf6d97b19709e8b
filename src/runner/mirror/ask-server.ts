import { NarwhalError } from '../../lib/errors.ts'
import { readAdvertisement, type ServerFacts } from '../../lib/git/advertisement.ts'
import type { Found } from '../../lib/git/git-way.ts'
import { packets } from '../../lib/git/pkt-line.ts'
import { present } from '../../lib/present.ts'
import { askOnce } from '../../lib/reach/ask-once.ts'
import type { Remote } from './smart-http.ts'

const ANSWER_MS = 20_000
const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement'

/** What a server can do; `files`: it knows nothing of git, and has a repository's files. */
export type ServerKind = ServerFacts | 'files'

/**
 * Asks a server what it can do; of a long answer, in version 0, the beginning is read. Rejects with
 * `unavailable` if it is no answer of one, which may need credentials or redirect: git(1) handles those.
 */
export async function askServer(
  { url, authorization }: Omit<Remote, 'hosts'>,
  found: Found,
  signal: AbortSignal,
): Promise<ServerKind> {
  const asked = new URL(`${url.replace(/\/$/, '')}/info/refs?service=git-upload-pack`)
  const headers = {
    accept: '*/*',
    'git-protocol': 'version=2',
    'user-agent': 'git/2.40.0 (narwhal)',
    ...present({ authorization }),
  }
  const ends = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  const question = { url: asked, method: 'GET', headers, signal: ends }
  const { status, headers: given, text } = await askOnce(question, found)
  const type = given.get('content-type')
  if (status !== 200) {
    throw new NarwhalError('unavailable', `${url} answered ${status} with ${type}`)
  }
  // As git distinguishes them.
  if (type !== ADVERTISEMENT) return 'files'
  return (await readAdvertisement(packets(once(text)))).facts
}

async function* once(text: string): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from(text)
}

import { broken, refused } from './pkt-line.ts'

/** What a git server can do, by its first answer: gitprotocol-v2(5), gitprotocol-capabilities(5). */
export interface ServerFacts {
  /** 0 includes 1, which differs by one line. */
  readonly version: 0 | 2
  readonly objectFormat: 'sha1' | 'sha256'
}

export interface RemoteRef {
  readonly ref: string
  readonly id: string
}

export interface Advertisement {
  readonly facts: ServerFacts
  /** The branch that HEAD names, in version 0. */
  readonly head: string | undefined
  /** In version 0 all refs, of which the caller reads as many as it wants; in version 2 none. */
  readonly refs: AsyncGenerator<RemoteRef, void, undefined>
}

const MOST_CAPABILITIES = 200

/**
 * Reads the first answer of a git server, over HTTP or directly. Rejects with `unavailable` if it is none, or
 * is the server's error.
 */
export async function readAdvertisement(
  packets: AsyncIterator<Buffer, void, undefined>,
): Promise<Advertisement> {
  let line = await nextLine(packets)
  // Only over HTTP, and in version 2 not by every server.
  if (line?.startsWith('# service=')) {
    await nextLine(packets)
    line = await nextLine(packets)
  }
  if (line === 'version 1') line = await nextLine(packets)
  if (line === undefined) throw broken('it is empty')
  if (line === 'version 2') {
    const capabilities: string[] = []
    for (let one = await nextLine(packets); one; one = await nextLine(packets)) {
      if (capabilities.push(one) > MOST_CAPABILITIES) throw broken('it has no end')
    }
    return { facts: factsOf(2, capabilities), head: undefined, refs: refsFrom(packets, '') }
  }
  const [first = '', words = ''] = line.split('\0')
  const capabilities = words.split(' ')
  const head = valueOf(capabilities, 'symref', 'HEAD:')
  return { facts: factsOf(0, capabilities), head, refs: refsFrom(packets, first) }
}

/** The next packet as a line; empty for a special packet, undefined at the end. */
export async function nextLine(
  packets: AsyncIterator<Buffer, void, undefined>,
): Promise<string | undefined> {
  const { value } = await packets.next()
  if (!value) return undefined
  const line = value.toString('utf8').replace(/\n$/, '')
  if (line.startsWith('ERR ')) throw refused(line.slice(4, 304).trim())
  return line
}

async function* refsFrom(
  packets: AsyncIterator<Buffer, void, undefined>,
  first: string,
): AsyncGenerator<RemoteRef, void, undefined> {
  for (let line: string | undefined = first; line; line = await nextLine(packets)) {
    const [, id, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (.+)$/.exec(line) ?? []
    // An empty repository has this line in place of refs.
    if (ref === 'capabilities^{}' || line.startsWith('shallow ')) continue
    if (!id || !ref) throw broken("it isn't in git's protocol")
    yield { ref, id }
  }
}

function factsOf(version: 0 | 2, capabilities: readonly string[]): ServerFacts {
  return {
    version,
    objectFormat: valueOf(capabilities, 'object-format') === 'sha256' ? 'sha256' : 'sha1',
  }
}

/** The rest of `name=prefix…`. */
function valueOf(capabilities: readonly string[], name: string, prefix = ''): string | undefined {
  const begin = `${name}=${prefix}`
  return capabilities.find((one) => one.startsWith(begin))?.slice(begin.length)
}

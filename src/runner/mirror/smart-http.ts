import * as http from 'node:http'
import * as https from 'node:https'
import { NarwhalError } from '../../lib/errors.ts'
import type { ServerFacts } from '../../lib/git/advertisement.ts'
import { broken, DELIMITER, FLUSH, packet, packets, refused } from '../../lib/git/pkt-line.ts'
import { present } from '../../lib/present.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'

/** A server that is silent for a minute is given up. */
const SILENCE_MS = 60_000
const LONGEST_LIST = 8 * 1024 * 1024
const IDLE_CONNECTION_MS = 60_000
const RESULT = 'application/x-git-upload-pack-result'

const options = { keepAlive: true, maxFreeSockets: 4, timeout: IDLE_CONNECTION_MS } as const
/** By the hosts that may be reached: connections are not reused for callers with fewer rights. */
const agents = new WeakMap<Hosts, { readonly http: http.Agent; readonly https: https.Agent }>()

/** A repository, and where its host may be. */
export interface Remote {
  readonly url: string
  readonly hosts: Hosts
  /** The header of this name, for the server of the URL. */
  readonly authorization?: string
}

/** A tag of a remote repository. */
export interface RemoteTag {
  readonly ref: string
  /** The object that it names; for an annotated tag, the tag object. */
  readonly id: string
}

/** A server that has said that it speaks version 2. */
export interface QuickRemote extends Remote {
  readonly facts: ServerFacts & { readonly version: 2 }
}

/**
 * Requests one pack, with what the commit reaches and `haves` do not, in one request and without
 * listing the refs first. In version 2 of the protocol over HTTP (gitprotocol-v2(5)) each request is
 * independent; git(1) itself needs two or three, and a process for them. It follows no
 * redirect: rejects with `unavailable` for any response other than a pack, and the caller
 * then falls back to git(1). `write` receives the pack's bytes, with backpressure.
 */
export async function requestPack(
  remote: QuickRemote,
  wanted: { readonly sha: string; readonly haves: readonly string[] },
  write: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const lines = [
    packet('command=fetch\n'),
    ...formatLine(remote),
    DELIMITER,
    ...['thin-pack', 'no-progress', 'ofs-delta'].map((word) => packet(`${word}\n`)),
    packet(`want ${wanted.sha}\n`),
    ...wanted.haves.map((sha) => packet(`have ${sha}\n`)),
    packet('done\n'),
    FLUSH,
  ]
  let isPack = false
  for await (const bytes of packets(await post(remote, lines.join(''), signal))) {
    if (!isPack) {
      const line = bytes.toString('utf8', 0, 300).trim()
      if (line.startsWith('ERR ')) throw refused(line.slice(4))
      if (line !== 'packfile') throw broken(line)
      isPack = true
    } else if (bytes[0] === 1) {
      await write(bytes.subarray(1))
    } else if (bytes[0] === 3) {
      throw refused(bytes.toString('utf8', 1, 300).trim())
    }
  }
  if (!isPack) throw broken('it has no pack')
}

/** The tags of a remote repository, in one request as above. */
export async function listRemoteTags(
  remote: QuickRemote,
  signal: AbortSignal,
): Promise<RemoteTag[]> {
  const lines = [
    packet('command=ls-refs\n'),
    ...formatLine(remote),
    DELIMITER,
    packet('ref-prefix refs/tags/\n'),
    FLUSH,
  ]
  const tags: RemoteTag[] = []
  let size = 0
  for await (const bytes of packets(await post(remote, lines.join(''), signal))) {
    size += bytes.length
    if (size > LONGEST_LIST) throw broken('it lists more tags than are read')
    const line = bytes.toString('utf8').trimEnd()
    if (line === '') continue
    const [, id, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/tags\/\S+)$/.exec(line) ?? []
    if (!id || !ref) throw broken(line.slice(0, 300))
    tags.push({ ref, id })
  }
  return tags
}

function agentsOf(hosts: Hosts) {
  const known = agents.get(hosts)
  if (known) return known
  const made = { http: new http.Agent(options), https: new https.Agent(options) }
  agents.set(hosts, made)
  return made
}

/** Servers from before other formats know no such line. */
function formatLine({ facts }: QuickRemote): string[] {
  return facts.objectFormat === 'sha1' ? [] : [packet(`object-format=${facts.objectFormat}`)]
}

async function post(
  remote: Remote,
  body: string,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const { url, hosts, authorization } = remote
  const target = new URL(`${url.replace(/\/$/, '')}/git-upload-pack`)
  const isTls = target.protocol === 'https:'
  hosts.check(target)
  const answered = Promise.withResolvers<http.IncomingMessage>()
  const request = (isTls ? https : http).request(target, {
    method: 'POST',
    agent: agentsOf(hosts)[isTls ? 'https' : 'http'],
    lookup: hosts.lookup,
    signal,
    timeout: SILENCE_MS,
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: RESULT,
      'git-protocol': 'version=2',
      'user-agent': 'git/2.40.0 (narwhal)',
      'content-length': Buffer.byteLength(body),
      ...present({ authorization }),
    },
  })
  request.on('response', answered.resolve)
  request.on('error', answered.reject)
  request.on('timeout', () => request.destroy(new Error('the server is silent')))
  request.end(body)
  let response: http.IncomingMessage
  try {
    response = await answered.promise
  } catch (error) {
    // The server closed a kept-alive connection just as it was reused.
    if (request.reusedSocket && !signal.aborted) return await post(remote, body, signal)
    throw error
  }
  const type = response.headers['content-type']
  if (response.statusCode === 200 && type === RESULT) return response
  response.destroy()
  throw new NarwhalError('unavailable', `${url} answered ${response.statusCode} with ${type}`)
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type ChildEnd, childError } from '../child-error.ts'
import { NarwhalError } from '../errors.ts'
import { shellQuote } from '../shell-quote.ts'
import { nextLine, readAdvertisement } from './advertisement.ts'
import {
  type CloneUrl,
  type GitOptions,
  type GitWay,
  processEnv,
  SSH_OPTIONS,
  startGit,
} from './git.ts'
import { gitReason } from './git-reason.ts'
import { broken, DELIMITER, FLUSH, packet, packets } from './pkt-line.ts'
import { sshPlace } from './ssh-place.ts'

/** No repository, whose settings git would read. */
const NOWHERE = '/'
const LONGEST_MS = 60_000
/** A server of version 0 sends all its refs: 3 million. */
const MOST_BYTES = 256 * 1024 * 1024
const MOST_ERRORS = 64 * 1024

export interface ListedRef {
  /** Of an annotated tag there are two: the tag's, and with `^{}` at its end that of what it points to. */
  readonly ref: string
  /** Absent where HEAD names a branch that has no commit yet, or that is told apart from it. */
  readonly id?: string
  /** The ref that HEAD names, where the server says so. */
  readonly target?: string
}

interface Options extends Pick<GitOptions, 'env' | 'signal'> {
  readonly way: GitWay
}

/**
 * The refs of a remote repository that begin with one of the prefixes; in version 0 of the protocol, and over
 * HTTP without a git server, all refs. It talks to the server itself, over git's own connection, since git
 * ls-remote asks for all refs unless it is for branches and tags only. Rejects with `unavailable` and the
 * reason of a failure, with `too_large`, or with the signal's reason.
 */
export async function* listRefsOf(
  clone: CloneUrl,
  prefixes: readonly string[],
  options: Options,
): AsyncGenerator<ListedRef, void, undefined> {
  options.signal?.throwIfAborted()
  const late = AbortSignal.timeout(LONGEST_MS)
  const ends = options.signal ? AbortSignal.any([options.signal, late]) : late
  const { what, child, isHelper } = connect(clone, options)
  const stop = (): unknown => child.kill('SIGKILL')
  ends.addEventListener('abort', stop)
  const ended = endOf(child)
  child.stdin.on('error', () => {})
  try {
    yield* isHelper
      ? throughHelper(child, prefixes)
      : refsOf(child, limited(child.stdout), prefixes)
    child.stdin.end()
  } catch (error) {
    child.stdin.end()
    // An answer that we do not read on has no end to wait for.
    if (child.pid !== undefined && !child.stdout.readableEnded) throw error
    const { end, stderr } = await ended
    options.signal?.throwIfAborted()
    if (end.code === 0) throw error
    throw childError(
      what,
      { ...end, trouble: late.aborted ? 'late' : undefined },
      stderr,
      gitReason,
    )
  } finally {
    ends.removeEventListener('abort', stop)
    stop()
  }
}

interface Connection {
  /** What runs, for errors. */
  readonly what: string
  readonly child: ChildProcessWithoutNullStreams
  /** Whether it is git's helper for HTTP, with a protocol of its own around git's: gitremote-helpers(7). */
  readonly isHelper: boolean
}

function connect({ url, local }: CloneUrl, { env, way }: Options): Connection {
  const version = 'version=2'
  if (local) {
    const child = startGit(['upload-pack', url], { env, way, cwd: NOWHERE, protocol: version })
    return { what: 'git upload-pack', child, isHelper: false }
  }
  if (/^https?:/.test(url)) {
    const helper = `remote-${new URL(url).protocol.slice(0, -1)}`
    const child = startGit([helper, url, url], { env, way, cwd: NOWHERE })
    return { what: `git ${helper}`, child, isHelper: true }
  }
  const { target, port, path } = sshPlace(url)
  const program = `git-upload-pack ${shellQuote(path.replace(/^\/~/, '~'))}`
  const where = [...(port === '' ? [] : ['-p', port]), '--', target, program]
  const args = [...SSH_OPTIONS, ...way.ssh, '-oSendEnv=GIT_PROTOCOL', ...where]
  const child = spawn('ssh', args, { env: { ...processEnv(env), GIT_PROTOCOL: version } })
  return { what: 'ssh git-upload-pack', child, isHelper: false }
}

/** Ends with the first answer, or with that to our question. */
async function* refsOf(
  child: ChildProcessWithoutNullStreams,
  chunks: AsyncIterable<Buffer>,
  prefixes: readonly string[],
): AsyncGenerator<ListedRef, void, undefined> {
  const lines = packets(chunks)
  const { facts, head, refs } = await readAdvertisement(lines)
  if (facts.version === 0) {
    if (head !== undefined) yield { ref: 'HEAD', target: head }
    yield* refs
    return
  }
  const format = facts.objectFormat === 'sha1' ? [] : [packet('object-format=sha256')]
  const wanted = prefixes.map((prefix) => packet(`ref-prefix ${prefix}\n`))
  const asked = [
    packet('command=ls-refs\n'),
    ...format,
    DELIMITER,
    packet('peel\n'),
    packet('symrefs\n'),
  ]
  child.stdin.write([...asked, ...wanted, FLUSH].join(''))
  for (;;) {
    const line = await nextLine(lines)
    if (line === undefined) throw broken('it ended too early')
    if (line === '') return
    yield* refsIn(line)
  }
}

/** A line of `ls-refs`, gitprotocol-v2(5). */
function* refsIn(line: string): Generator<ListedRef> {
  const [id = '', ref = '', ...attributes] = line.split(' ')
  const valueOf = (name: string): string | undefined =>
    attributes.find((one) => one.startsWith(`${name}:`))?.slice(name.length + 1)
  const target = valueOf('symref-target')
  const peeled = valueOf('peeled')
  yield { ref, ...(id === 'unborn' ? {} : { id }), ...(target === undefined ? {} : { target }) }
  if (peeled !== undefined) yield { ref: `${ref}^{}`, id: peeled }
}

/**
 * Git's helper connects us with a server of version 2. Any other it reads itself, also one that serves only
 * files, and gives us a list.
 */
async function* throughHelper(
  child: ChildProcessWithoutNullStreams,
  prefixes: readonly string[],
): AsyncGenerator<ListedRef, void, undefined> {
  const chunks = limited(child.stdout)
  child.stdin.write('stateless-connect git-upload-pack\n')
  const lines = textLines(chunks)
  const { value: answer } = await lines.next()
  if (answer === undefined) throw broken('it is empty')
  if (answer.line === '') return yield* refsOf(child, joined(answer.rest, chunks), prefixes)
  child.stdin.write('list\n\n')
  for await (const { line } of lines) {
    if (line === '') return
    const [what = '', ref = ''] = line.split(' ')
    if (what.startsWith('@')) yield { ref, target: what.slice(1) }
    else if (/^[0-9a-f]{40,64}$/.test(what)) yield { ref, id: what }
  }
  throw broken('it ended too early')
}

/** Lines, each with what has arrived after it. */
async function* textLines(
  chunks: AsyncIterator<Buffer, void, undefined>,
): AsyncGenerator<{ readonly line: string; readonly rest: Buffer }, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for (;;) {
    let at = 0
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', at)) {
      const line = rest.toString('utf8', at, end)
      at = end + 1
      yield { line, rest: rest.subarray(at) }
    }
    const { value } = await chunks.next()
    if (!value) return
    rest = Buffer.concat([rest.subarray(at), value])
  }
}

async function* joined(first: Buffer, others: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* others
}

async function* limited(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > MOST_BYTES)
      throw new NarwhalError('too_large', 'the server lists more refs than are read')
    yield chunk
  }
}

/** How it ended, and the end of what it wrote about it. */
async function endOf(
  child: ChildProcessWithoutNullStreams,
): Promise<{ readonly end: ChildEnd; readonly stderr: string }> {
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-MOST_ERRORS)
  })
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return { end: { code, signal }, stderr }
  } catch (error) {
    return { end: error as NodeJS.ErrnoException, stderr }
  }
}

import {
  type ChildProcessWithoutNullStreams,
  type ExecFileException,
  execFile,
  spawn,
} from 'node:child_process'
import { NarwhalError } from './errors.ts'

/**
 * The one way to call git. Arguments are never a shell's text; the configuration of the machine
 * and its users is left out, hooks and external protocols are off, and git never asks questions.
 * See git-config(1). It is Node's execFile and not a library, because that passes on exactly the
 * environment it is given (a GIT_DIR or GIT_SSH of ours must not reach git) and bounds the output.
 */
const SETTINGS: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'protocol.allow=never',
  'protocol.https.allow=always',
  'protocol.http.allow=always',
  'protocol.ssh.allow=always',
  'protocol.ext.allow=never',
  'submodule.recurse=false',
  // Whoever needs it follows them within the host: see git-redirects.ts.
  'http.followRedirects=false',
  // A server that says nothing for a minute: even while it counts objects it says so all the time.
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'gc.auto=0',
  'advice.detachedHead=false',
  'safe.directory=*',
]

/** With these ssh asks nobody anything, and notices that the other side is away. */
export const SSH_OPTIONS = ['-oBatchMode=yes', '-oConnectTimeout=20', '-oServerAliveInterval=20']

/** Goes over `GitEnv`; nothing else of the process's environment reaches git. */
const FIXED_ENV = {
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_SSH_COMMAND: `ssh ${SSH_OPTIONS.join(' ')}`,
}

/** All that git learns of this process's environment. */
export interface GitEnv {
  readonly PATH?: string
  /** Where ssh finds its keys and known hosts. */
  readonly HOME?: string
  readonly SSH_AUTH_SOCK?: string
}

export interface GitOptions {
  readonly env: GitEnv
  /** The folder that git runs in. */
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Local paths may be read: only for repositories that the operator registered as such. */
  readonly allowLocal?: boolean
  /** Where hosts are, for http: `HOST:PORT:ADDRESS`. Git before 2.37 looks them up itself. */
  readonly pins?: readonly string[]
  /** Milliseconds until git is killed; five minutes unless told. */
  readonly timeoutMs?: number
  /** More output than this is refused; 16 MiB unless told. */
  readonly maxBytes?: number
}

/**
 * Runs git and returns its standard output. Rejects with `unavailable` (git's own last words) when
 * it fails or takes too long, with `too_large` when it says more than `maxBytes`, and with the
 * signal's reason when it was aborted.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  options.signal?.throwIfAborted()
  const { promise, resolve } = Promise.withResolvers<{
    error: ExecFileException | null
    stdout: string
    stderr: string
  }>()
  const child = execFile(
    'git',
    [...settings(options.allowLocal, options.pins), ...args],
    {
      ...(options.cwd ? { cwd: options.cwd } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      env: { ...options.env, ...FIXED_ENV },
      timeout: options.timeoutMs ?? 300_000,
      maxBuffer: options.maxBytes ?? 16 * 1024 * 1024,
    },
    (error, stdout, stderr) => resolve({ error, stdout, stderr }),
  )
  child.stdin?.end()
  const { error, stdout, stderr } = await promise
  if (error === null) return stdout
  options.signal?.throwIfAborted()
  throw explain(commandOf(args), error, stderr)
}

/**
 * Starts a git that is talked to by its standard input and output, in the same way as `git`. Whoever
 * starts it listens to `error` (git is missing) and ends it; it inherits nothing else.
 */
export function startGit(
  args: readonly string[],
  options: Pick<GitOptions, 'env' | 'cwd'>,
): ChildProcessWithoutNullStreams {
  return spawn('git', [...settings(false), ...args], {
    ...(options.cwd ? { cwd: options.cwd } : {}),
    env: { ...options.env, ...FIXED_ENV },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function settings(allowLocal = false, pins: readonly string[] = []): string[] {
  const all = [
    ...SETTINGS,
    `protocol.file.allow=${allowLocal ? 'always' : 'never'}`,
    ...pins.map((pin) => `http.curloptResolve=${pin}`),
  ]
  return all.flatMap((setting) => ['-c', setting])
}

/** Made anew: Node's error has the whole command in it, with the URL and whatever stands in that. */
function explain(command: string, error: ExecFileException, stderr: string): NarwhalError {
  // Node gives its own trouble a word as its code and git's exit status a number; its types don't.
  const code: unknown = error.code
  if (code === 'ENOENT') {
    return new NarwhalError('unavailable', 'git could not be started: install it, or mend PATH')
  }
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new NarwhalError('too_large', `git ${command} said more than is allowed`)
  }
  const why = error.killed ? 'it took longer than its limit and was ended' : lastWords(stderr)
  const end = typeof code === 'number' || typeof code === 'string' ? code : error.signal
  return new NarwhalError('unavailable', `git ${command} failed: ${why}`, {
    cause: new Error(`git ${command} ended with ${end ?? 'no code'}`),
  })
}

/** The command among the arguments, behind the options that are git's own. */
function commandOf(args: readonly string[]): string {
  const at = args.findIndex((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-c')
  return args[at] ?? ''
}

function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('hint:'))
  const words = [...new Set(lines)].slice(-4).join(' | ')
  return withoutCredentials(words).slice(0, 1000) || 'no message'
}

/** URLs without users, passwords and queries: git repeats those that it was given. */
function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]*@/gi, '$1***@')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?'"]*)\?[^\s'"]*/gi, '$1?***')
}

/** Where a repository may be cloned from. */
export interface CloneUrl {
  /** As git takes it. */
  readonly url: string
  readonly local: boolean
}

const SCP_LIKE =
  /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[A-Za-z0-9_~./][^\s]*$/

/**
 * Checks a clone URL: https, http, ssh (also `git@host:path`), or an absolute local path. Throws
 * `invalid` for everything else: other protocols and helpers, options in disguise, passwords in
 * the URL, control characters.
 */
export function parseCloneUrl(text: string): CloneUrl {
  const refuse = (why: string): never => {
    throw new NarwhalError(
      'invalid',
      `${JSON.stringify(text.slice(0, 200))} is no URL to clone from: ${why}`,
    )
  }
  if (text.length === 0 || text.length > 2048) return refuse('it must have 1 to 2048 characters')
  if (/[\0-\x20\x7f\\]/.test(text)) return refuse('it has spaces or control characters') // oxlint-disable-line no-control-regex
  if (text.startsWith('/')) return { url: text, local: true }
  if (/^(?:https?|ssh):\/\//.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : refuse('it can not be parsed')
    if (url.password || (url.protocol !== 'ssh:' && url.username)) {
      return refuse('leave user and password out; they would end up in logs')
    }
    if (url.search || url.hash)
      return refuse('leave out what is behind ? or #; it would end up in logs')
    if (!/^[A-Za-z0-9[]/.test(url.hostname) || url.username.startsWith('-')) {
      return refuse('its host is not one')
    }
    return { url: text, local: false }
  }
  if (!text.includes('::') && SCP_LIKE.test(text)) return { url: text, local: false }
  return refuse('use https://…, ssh://…, git@host:path or an absolute path')
}

import {
  type ChildProcessWithoutNullStreams,
  type ExecFileException,
  execFile,
  spawn,
} from 'node:child_process'
import { childError } from '../child-error.ts'
import { NarwhalError } from '../errors.ts'
import { present } from '../present.ts'
import type { Hosts } from '../reach/hosts.ts'
import { shellQuote } from '../shell-quote.ts'
import { quoteUrl } from '../without-credentials.ts'

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
  // Whoever has it reach something says the way.
  'protocol.allow=never',
  // Whatever the repository's own settings say.
  'protocol.ext.allow=never',
  'protocol.file.allow=never',
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
}

/** What git works with: all that it learns of this process's environment, and where hosts may be. */
export interface GitEnv {
  readonly PATH?: string
  /** Where ssh finds its keys and known hosts. */
  readonly HOME?: string
  readonly SSH_AUTH_SOCK?: string
  /** Anywhere but where nobody is asked unless told. */
  readonly hosts?: Hosts
}

/** How git gets to a URL, and to nothing else: without one it reaches no other machine. */
export interface GitWay {
  /** Settings of git-config(1). */
  readonly settings: readonly string[]
  /** Options of ssh. */
  readonly ssh: readonly string[]
}

export interface GitOptions {
  readonly env: GitEnv
  /** The folder that git runs in. */
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** How it gets to the one URL that it is to ask; absent: it asks no other machine, and reads no other folder. */
  readonly way?: GitWay
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
    [...settings(options), ...args],
    {
      ...(options.cwd ? { cwd: options.cwd } : {}),
      ...present({ signal: options.signal }),
      env: environment(options),
      timeout: options.timeoutMs ?? 300_000,
      maxBuffer: options.maxBytes ?? 16 * 1024 * 1024,
    },
    (error, stdout, stderr) => resolve({ error, stdout, stderr }),
  )
  child.stdin?.end()
  const { error, stdout, stderr } = await promise
  if (error === null) return stdout
  options.signal?.throwIfAborted()
  throw childError(`git ${commandOf(args)}`, error, stderr)
}

/**
 * Starts a git that is talked to by its standard input and output, in the same way as `git`. Whoever
 * starts it listens to `error` (git is missing) and ends it; it inherits nothing else.
 */
export function startGit(
  args: readonly string[],
  options: Pick<GitOptions, 'env' | 'cwd'>,
): ChildProcessWithoutNullStreams {
  return spawn('git', [...settings({}), ...args], {
    ...(options.cwd ? { cwd: options.cwd } : {}),
    env: environment({ env: options.env }),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function settings({ way }: Pick<GitOptions, 'way'>): string[] {
  return [...SETTINGS, ...(way?.settings ?? [])].flatMap((setting) => ['-c', setting])
}

function environment({ env, way }: Pick<GitOptions, 'env' | 'way'>): NodeJS.ProcessEnv {
  const options = [...SSH_OPTIONS, ...(way?.ssh ?? [])]
  // A shell takes it apart.
  const ssh = ['ssh', ...options.map(shellQuote)]
  return { ...processEnv(env), ...FIXED_ENV, GIT_SSH_COMMAND: ssh.join(' ') }
}

/** What git and ssh learn of this process's environment. */
export function processEnv({ PATH, HOME, SSH_AUTH_SOCK }: GitEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries({ PATH, HOME, SSH_AUTH_SOCK }).filter(([, value]) => value !== undefined),
  )
}

/** The command among the arguments, behind the options that are git's own. */
function commandOf(args: readonly string[]): string {
  const at = args.findIndex((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-c')
  return args[at] ?? ''
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
    throw new NarwhalError('invalid', `${quoteUrl(text)} is no URL to clone from: ${why}`)
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

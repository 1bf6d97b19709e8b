import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { childError } from '../child-error.ts'
import { NarwhalError } from '../errors.ts'
import { present } from '../present.ts'
import { runToEnd } from '../programs/run-program.ts'
import { startProgram } from '../programs/start-program.ts'
import { OPEN_PIPE, type StartedProgram } from '../programs/started-program.ts'
import type { Hosts } from '../reach/hosts.ts'
import { shellQuote } from '../shell-quote.ts'
import { quoteUrl } from '../without-credentials.ts'
import type { GitCredentials } from './git-credentials.ts'
import { gitReason } from './git-reason.ts'

/**
 * The one way to call git. Arguments never pass through a shell; the configuration of the machine and its
 * users is ignored, hooks and external protocols are off, and git never prompts. See git-config(1). It
 * gets exactly the environment it is given (a GIT_DIR or GIT_SSH of ours must not reach git), and its output is
 * limited.
 */
const SETTINGS: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  // Callers that use the network allow one protocol: see `GitWay`.
  'protocol.allow=never',
  // Overrides the repository's own settings.
  'protocol.ext.allow=never',
  'protocol.file.allow=never',
  'submodule.recurse=false',
  // Followed within the host by git-redirects.ts.
  'http.followRedirects=false',
  // Ends a transfer from a server that is silent for a minute: while it counts objects it reports progress.
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'gc.auto=0',
  'advice.detachedHead=false',
  'safe.directory=*',
]

/** Never prompt, and notice when the peer is gone. */
export const SSH_OPTIONS = ['-oBatchMode=yes', '-oConnectTimeout=20', '-oServerAliveInterval=20']

/** Takes precedence over `GitEnv`; nothing else of the process's environment reaches git. */
const FIXED_ENV = {
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
}

/** Everything that git gets of this process's environment, and which hosts it may reach. */
export interface GitEnv {
  readonly PATH?: string
  /** Where ssh finds its keys and known hosts. */
  readonly HOME?: string
  readonly SSH_AUTH_SOCK?: string
  /** All that may be reached by default: see `ANY_HOSTS`. */
  readonly hosts?: Hosts
}

/** How git reaches a URL, and nothing else: without one it reaches no other machine. */
export interface GitWay {
  /** Settings of git-config(1). */
  readonly settings: readonly string[]
  readonly ssh: readonly string[]
  /** Credentials, as environment variables: every user of the machine can read arguments. */
  readonly env?: Readonly<Record<string, string>>
}

export interface GitOptions {
  readonly env: GitEnv
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** The way to the one URL that git may use; if absent, it reaches no other machine and no other folder. */
  readonly way?: GitWay
  /** Milliseconds until git is killed; five minutes by default. */
  readonly timeoutMs?: number
  /** Standard input; empty by default. */
  readonly input?: string
  /** Limit of the output; 16 MiB by default. */
  readonly maxBytes?: number
}

/**
 * Runs git and returns its standard output. Rejects with `unavailable` (git's last lines) on failure or
 * timeout, with `too_large` when it writes more than `maxBytes`, and with the signal's reason when aborted.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { cwd, signal, input, timeoutMs = 300_000, maxBytes = 16 * 1024 * 1024 } = options
  const result = await runToEnd(['git', ...settings(options), ...args], {
    ...present({ cwd, signal, input }),
    env: environment(options),
    timeoutMs,
    maxBytes,
  })
  if (result.code === 0 && !result.trouble) return result.stdout
  throw childError(`git ${commandOf(args)}`, result, result.stderr, gitReason)
}

/**
 * Starts a git process for a dialogue over standard input and output, configured as by `git`. The caller
 * handles `error` (git is missing) and ends it; it inherits no other descriptor.
 */
export function startGit(
  args: readonly string[],
  options: Pick<GitOptions, 'env' | 'cwd' | 'way'> & {
    /** What is asked of a git server that it starts as: GIT_PROTOCOL in git(1). */
    readonly protocol?: string
  },
): ChildProcessWithoutNullStreams {
  const { protocol } = options
  return spawn('git', [...settings(options), ...args], {
    ...present({ cwd: options.cwd }),
    env: { ...environment(options), ...(protocol !== undefined && { GIT_PROTOCOL: protocol }) },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Starts git to read what is written to its standard input, configured as by `git`. */
export async function feedGit(
  args: readonly string[],
  options: Pick<GitOptions, 'env' | 'cwd' | 'way'>,
): Promise<StartedProgram & { readonly stdin: Writable }> {
  const { stdin, ...git } = await startProgram(['git', ...settings(options), ...args], {
    ...present({ cwd: options.cwd }),
    env: environment(options),
    input: OPEN_PIPE,
  })
  if (stdin) return { ...git, stdin }
  throw new NarwhalError('internal', 'git was started without a standard input')
}

function settings({ way }: Pick<GitOptions, 'way'>): string[] {
  return [...SETTINGS, ...(way?.settings ?? [])].flatMap((setting) => ['-c', setting])
}

function environment({ env, way }: Pick<GitOptions, 'env' | 'way'>): NodeJS.ProcessEnv {
  const options = [...SSH_OPTIONS, ...(way?.ssh ?? [])]
  // A shell splits it.
  const ssh = ['ssh', ...options.map(shellQuote)]
  return { ...processEnv(env), ...FIXED_ENV, ...way?.env, GIT_SSH_COMMAND: ssh.join(' ') }
}

/** What git and ssh get of this process's environment. */
export function processEnv({ PATH, HOME, SSH_AUTH_SOCK }: GitEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries({ PATH, HOME, SSH_AUTH_SOCK }).filter(([, value]) => value !== undefined),
  )
}

/** The subcommand, which follows git's own options. */
function commandOf(args: readonly string[]): string {
  const at = args.findIndex((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-c')
  return args[at] ?? ''
}

/** Where a repository may be cloned from. */
export interface CloneUrl {
  /** As git expects it. */
  readonly url: string
  readonly local: boolean
  /** Of the repository, for the server of its URL alone. */
  readonly credentials?: GitCredentials
}

const SCP_LIKE =
  /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[A-Za-z0-9_~./][^\s]*$/

/**
 * Checks a clone URL: https, http, ssh (also `git@host:path`), or an absolute local path. Throws `invalid`
 * for everything else: other protocols, options in disguise, passwords in the URL, control characters.
 */
export function parseCloneUrl(text: string): CloneUrl {
  const refuse = (why: string): never => {
    throw new NarwhalError('invalid', `${quoteUrl(text)} is not a clone URL: ${why}`)
  }
  if (text.length === 0 || text.length > 2048) return refuse('it must have 1 to 2048 characters')
  if (/[\0-\x20\x7f\\]/.test(text)) return refuse('it has spaces or control characters') // oxlint-disable-line no-control-regex
  if (text.startsWith('/')) return { url: text, local: true }
  if (/^(?:https?|ssh):\/\//.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : refuse("it can't be parsed")
    if (url.password || (url.protocol !== 'ssh:' && url.username)) {
      return refuse('leave user and password out; they would end up in logs')
    }
    if (url.search || url.hash)
      return refuse('leave out what follows ? or #; it would end up in logs')
    if (!/^[A-Za-z0-9[]/.test(url.hostname) || url.username.startsWith('-')) {
      return refuse('its host is invalid')
    }
    return { url: text, local: false }
  }
  if (!text.includes('::') && SCP_LIKE.test(text)) return { url: text, local: false }
  return refuse('use https://…, ssh://…, git@host:path or an absolute path')
}

import { constants } from 'node:os'
import { posix } from 'node:path'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What an image, or who uses it, says of the process to start. */
export interface Command {
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
}

/**
 * What to run, as Docker combines it: the entry point with the command as its arguments; an entry point of
 * one's own replaces the image's command, too.
 */
export function argsOf(image: Required<Command>, own: Command): readonly string[] {
  const command = own.command ?? (own.entrypoint ? [] : image.command)
  return [...(own.entrypoint ?? image.entrypoint), ...command]
}

export interface EnvParts {
  /** The image's, as `NAME=value`. */
  readonly image: readonly string[]
  readonly own: Readonly<Record<string, string>>
  readonly hostname: string
  /** Of the user, unless the image or one's own variables have a HOME. */
  readonly home: string
}

/** The variables of a container, each once; later ones replace earlier ones. Nothing is the runner's. */
export function envOf({ image, own, hostname, home }: EnvParts): readonly string[] {
  const all = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', hostname],
    ['HOME', home],
  ])
  for (const entry of image) {
    const separator = entry.indexOf('=')
    if (separator > 0) all.set(entry.slice(0, separator), entry.slice(separator + 1))
  }
  for (const [name, value] of Object.entries(own)) all.set(name, value)
  return [...all].map(([name, value]) => `${name}=${value}`)
}

/** The absolute working folder; the image's may be empty or relative to the root. */
export function folderOf(image: string, own?: string): string {
  return posix.resolve('/', own ?? image)
}

const LAST_SIGNAL = 64

/** The number of an image's stop signal: `SIGQUIT`, `quit`, `3`; SIGTERM if there is none or it is unknown. */
export function stopSignalOf(word = ''): number {
  const number = Number(word)
  if (Number.isInteger(number) && number >= 1 && number <= LAST_SIGNAL) return number
  const name = word.toUpperCase()
  const full = name.startsWith('SIG') ? name : `SIG${name}`
  const { signals } = constants
  return full in signals ? signals[full as keyof typeof signals] : realTime(full)
}

const FIRST_REAL_TIME = 34

/** `SIGRTMIN+3`, by which systemd is stopped. */
function realTime(name: string): number {
  const above = /^SIGRTMIN(?:\+(\d{1,2}))?$/.exec(name)
  const number = above ? FIRST_REAL_TIME + Number(above[1] ?? 0) : constants.signals.SIGTERM
  return number <= LAST_SIGNAL ? number : constants.signals.SIGTERM
}

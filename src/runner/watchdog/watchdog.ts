import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import { monotonicMs, type WatchdogLine } from './watchdog-line.ts'

export interface WatchdogOptions {
  readonly log: Logger
  /** The code of the process; for tests. */
  readonly entry?: URL
  /** For how many failures in a row another is started; 20 unless told. */
  readonly mostFailures?: number
}

/**
 * Ends sandboxes whose runner can't: a small process beside this one, which hears which sandboxes
 * there are and until when each may run. It ends all of them when this process has ended, however
 * that happened, and each whose moment has passed, as when this process was stopped.
 *
 * It is started with the first sandbox. If it ends, another is started and told everything anew.
 * It does not keep this process alive. Disposing it ends it; what it still watches then, it ends first.
 */
export interface Watchdog extends AsyncDisposable {
  /** `name` is for messages. */
  watch(name: string, handle: SandboxHandle): Watch
}

/** One sandbox that is watched. */
export interface Watch {
  /**
   * When to end the sandbox, in milliseconds of this process's `performance.now()`; undefined: only
   * with this process.
   */
  endAt(atMs: number | undefined): void
  /** The sandbox has ended. */
  release(): void
}

/**
 * Beside this file, with the same ending: as it is written, or bundled as an entry point of its own
 * (`src/runner/watchdog/watchdog-process.ts` → `watchdog-process.js` in the folder of the main bundle).
 */
const ENTRY = new URL(`./watchdog-process${extname(import.meta.url)}`, import.meta.url)

/** It needs little, and is never to take more. */
const FLAGS = ['--max-old-space-size=32', '--max-semi-space-size=1']

const FIRST_RESTART_MS = 50
const LONGEST_RESTART_MS = 5_000
/** One that has lived so long has not failed at its start. */
const SETTLED_MS = 30_000
/** One that leaves so many bytes unread hangs. */
const MOST_UNREAD = 256 * 1024
/** How long the disposal waits for its end, in milliseconds; it ends by itself later. */
const END_GRACE_MS = 3_000

interface Entry {
  readonly name: string
  readonly handle: SandboxHandle
  atMs: number | null
}

export function startWatchdog(options: WatchdogOptions): Watchdog {
  return new WatchdogProcess(options)
}

/**
 * States: *not needed* yet, *running*, *waiting* to be started again, *given up* until the next sandbox
 * comes, *closed*. What it must know is kept here, so that a new one can be told.
 */
class WatchdogProcess implements Watchdog {
  readonly #log: Logger
  readonly #entry: URL
  readonly #mostFailures: number
  readonly #entries = new Map<number, Entry>()
  #lastId = 0
  #child: ChildProcess | undefined
  #restart: NodeJS.Timeout | undefined
  #failures = 0
  #isClosed = false

  constructor({ log, entry = ENTRY, mostFailures = 20 }: WatchdogOptions) {
    this.#log = log
    this.#entry = entry
    this.#mostFailures = mostFailures
  }

  watch(name: string, handle: SandboxHandle): Watch {
    this.#lastId += 1
    const id = this.#lastId
    const entry: Entry = { name, handle, atMs: null }
    this.#entries.set(id, entry)
    if (this.#child) this.#tell({ type: 'watch', id, name, handle })
    else if (!this.#restart) this.#start()
    return {
      endAt: (atMs) => {
        entry.atMs = atMs === undefined ? null : sharedClock(atMs)
        if (this.#entries.has(id)) this.#tell({ type: 'until', id, atMs: entry.atMs })
      },
      release: () => {
        if (this.#entries.delete(id)) this.#tell({ type: 'release', id })
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#restart)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = Promise.withResolvers<void>()
    child.once('exit', () => ended.resolve())
    child.stdin?.end()
    child.ref()
    await Promise.race([ended.promise, sleep(END_GRACE_MS, undefined, { ref: false })])
    child.unref()
  }

  #start(): void {
    this.#restart = undefined
    if (this.#isClosed) return
    const startedAt = performance.now()
    const over = once((reason: string) => this.#replace(reason, performance.now() - startedAt))
    let child: ChildProcess
    try {
      child = this.#spawn()
    } catch (error) {
      // No memory for another process, or no room for its pipe.
      return over(describeError(error))
    }
    this.#child = child
    child.on('error', (error) => over(error.message))
    child.on('exit', (code, signal) => over(signal ?? `exit code ${code}`))
    child.stdin?.on('error', () => {})
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
    for (const [id, { name, handle, atMs }] of this.#entries) {
      this.#tell({ type: 'watch', id, name, handle })
      this.#tell({ type: 'until', id, atMs })
    }
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, [...FLAGS, fileURLToPath(this.#entry)], {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'ignore', 'inherit'],
      // In a group of its own: a terminal stops and ends the whole group of the runner.
      detached: true,
    })
  }

  #replace(reason: string, livedMs: number): void {
    this.#child = undefined
    if (this.#isClosed) return
    this.#failures = livedMs > SETTLED_MS ? 0 : this.#failures + 1
    if (this.#failures > this.#mostFailures) {
      this.#failures = 0
      const words = 'no watchdog stays: sandboxes may outlive this process if it is killed'
      this.#log.error({ reason }, words)
      return
    }
    const facts = { reason, sandboxes: this.#entries.size }
    this.#log.warn(facts, 'the watchdog has ended; another is started')
    const delay = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** this.#failures)
    this.#restart = setTimeout(() => this.#start(), delay)
    this.#restart.unref()
  }

  #tell(line: WatchdogLine): void {
    const stdin = this.#child?.stdin
    if (!stdin?.writable) return
    stdin.write(`${JSON.stringify(line)}\n`)
    // What it has not read, another is told anew.
    if (stdin.writableLength > MOST_UNREAD) this.#child?.kill('SIGKILL')
  }
}

/** A process that could not be started may tell of its end twice. */
function once(tell: (reason: string) => void): (reason: string) => void {
  let isTold = false
  return (reason) => {
    if (isTold) return
    isTold = true
    tell(reason)
  }
}

/** What the clock of all processes shows when `performance.now()` shows `atMs` here. */
function sharedClock(atMs: number): number {
  return atMs + CLOCK_OFFSET_MS
}

/** If this process is stopped between the two readings, a difference is too small: the largest is right. */
const CLOCK_OFFSET_MS = Math.max(
  ...Array.from({ length: 5 }, () => {
    const shared = monotonicMs()
    return shared - performance.now()
  }),
)

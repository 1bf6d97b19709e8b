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
  /** Its messages are not shown; false by default. */
  readonly isQuiet?: boolean
  /** After more failures in a row than this it is not restarted; 20 by default. */
  readonly mostFailures?: number
}

/**
 * Ends sandboxes whose runner can't: a small separate process that receives which sandboxes exist and
 * until when each may run. It ends all of them when this process has ended, for whatever reason, and
 * each whose deadline has passed, as when this process is frozen.
 *
 * The first sandbox starts it. If it ends, another is started and receives the whole state again. It
 * does not keep this process alive. Disposing it first ends the sandboxes that it still watches.
 */
export interface Watchdog extends AsyncDisposable {
  /** `name` is for messages. */
  watch(name: string, handle: SandboxHandle): Watch
}

/** A watched sandbox. */
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
 * Next to this file, with the same extension: the source, or a bundle of its own
 * (`src/runner/watchdog/watchdog-process.ts` → `watchdog-process.js` in the folder of the main bundle).
 */
const ENTRY = new URL(`./watchdog-process${extname(import.meta.url)}`, import.meta.url)

/** It needs little memory, and must never use more. */
const FLAGS = ['--max-old-space-size=32', '--max-semi-space-size=1']

const FIRST_RESTART_MS = 50
const LONGEST_RESTART_MS = 5_000
/** After this long, its end does not count as a failure to start. */
const SETTLED_MS = 30_000
/** With this many unread bytes it counts as hung. */
const MOST_UNREAD = 256 * 1024
/** How long the disposal waits for its end; it ends on its own later. */
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
 * States: *not started*, *running*, *waiting* for a restart, *given up* until the next sandbox, *closed*.
 * The state of the sandboxes is kept here, for the next process.
 */
class WatchdogProcess implements Watchdog {
  readonly #log: Logger
  readonly #entry: URL
  readonly #mostFailures: number
  readonly #isQuiet: boolean
  readonly #entries = new Map<number, Entry>()
  #lastId = 0
  #child: ChildProcess | undefined
  #restart: NodeJS.Timeout | undefined
  #failures = 0
  #isClosed = false

  constructor({ log, entry = ENTRY, mostFailures = 20, isQuiet = false }: WatchdogOptions) {
    this.#log = log
    this.#entry = entry
    this.#mostFailures = mostFailures
    this.#isQuiet = isQuiet
  }

  watch(name: string, handle: SandboxHandle): Watch {
    this.#lastId += 1
    const id = this.#lastId
    const entry: Entry = { name, handle, atMs: null }
    this.#entries.set(id, entry)
    if (this.#child) this.#send({ type: 'watch', id, name, handle })
    else if (!this.#restart) this.#start()
    return {
      endAt: (atMs) => {
        entry.atMs = atMs === undefined ? null : sharedClock(atMs)
        if (this.#entries.has(id)) this.#send({ type: 'until', id, atMs: entry.atMs })
      },
      release: () => {
        if (this.#entries.delete(id)) this.#send({ type: 'release', id })
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
      // Out of memory, processes or descriptors.
      return over(describeError(error))
    }
    this.#child = child
    child.on('error', (error) => over(error.message))
    child.on('exit', (code, signal) => over(signal ?? `exit code ${code}`))
    child.stdin?.on('error', () => {})
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
    for (const [id, { name, handle, atMs }] of this.#entries) {
      this.#send({ type: 'watch', id, name, handle })
      this.#send({ type: 'until', id, atMs })
    }
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, [...FLAGS, fileURLToPath(this.#entry)], {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'ignore', this.#isQuiet ? 'ignore' : 'inherit'],
      // In its own process group: a terminal signals the whole group of the runner.
      detached: true,
    })
  }

  #replace(reason: string, livedMs: number): void {
    this.#child = undefined
    if (this.#isClosed) return
    this.#failures = livedMs > SETTLED_MS ? 0 : this.#failures + 1
    if (this.#failures > this.#mostFailures) {
      this.#failures = 0
      const message = 'watchdog given up: sandboxes may outlive this process if it is killed'
      this.#log.error({ reason }, message)
      return
    }
    const facts = { reason, sandboxes: this.#entries.size }
    this.#log.warn(facts, 'watchdog ended: restarting it')
    const delay = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** this.#failures)
    this.#restart = setTimeout(() => this.#start(), delay)
    this.#restart.unref()
  }

  #send(line: WatchdogLine): void {
    const stdin = this.#child?.stdin
    if (!stdin?.writable) return
    stdin.write(`${JSON.stringify(line)}\n`)
    // A new one receives the whole state again.
    if (stdin.writableLength > MOST_UNREAD) this.#child?.kill('SIGKILL')
  }
}

/** A process that failed to start may emit both `error` and `exit`. */
function once(listener: (reason: string) => void): (reason: string) => void {
  let isCalled = false
  return (reason) => {
    if (isCalled) return
    isCalled = true
    listener(reason)
  }
}

/** A time of `performance.now()` in this process on the clock that all processes share. */
function sharedClock(atMs: number): number {
  return atMs + CLOCK_OFFSET_MS
}

/** A suspension between the two readings makes the difference too small: the largest is right. */
const CLOCK_OFFSET_MS = Math.max(
  ...Array.from({ length: 5 }, () => {
    const shared = monotonicMs()
    return shared - performance.now()
  }),
)

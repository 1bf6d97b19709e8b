import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../src/lib/errors.ts'
import type { ProcessLife } from './evidence.ts'
import type { Role } from './kinds.ts'
import { machineMs } from './machine-clock.ts'

export interface SupervisedOptions {
  readonly name: string
  readonly role: Role
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** All that it says is appended to this file. */
  readonly outputFile: string
  /** Where it answers /readyz and /metrics. */
  readonly healthUrl: string
  /** How long to wait before it is started again, in milliseconds. */
  readonly restartDelayMs: () => number
}

type Life = { -readonly [Key in keyof ProcessLife]: ProcessLife[Key] }

const READY_POLL_MS = 50
/** On a machine that is far too busy. */
const READY_ANSWER_MS = 10_000
const STOP_WITHIN_MS = 20_000

/** A process that is started again whenever it ends, as a service manager does, until `end`. */
export class SupervisedProcess {
  readonly name: string
  readonly role: Role
  readonly healthUrl: string
  readonly lives: ProcessLife[] = []
  readonly #options: SupervisedOptions
  readonly #stop = new AbortController()
  #output: FileHandle | undefined
  #child: ChildProcess | undefined
  #life: Life | undefined
  #loop: Promise<void> = Promise.resolve()
  #paused = false

  constructor(options: SupervisedOptions) {
    this.#options = options
    this.name = options.name
    this.role = options.role
    this.healthUrl = options.healthUrl
  }

  async start(): Promise<void> {
    this.#output = await open(this.#options.outputFile, 'a')
    this.#loop = this.#keepAlive(this.#output.fd)
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Kills it at once; false when it is down. */
  kill(): boolean {
    if (!this.#child || !this.#life) return false
    this.#life.end = 'killed'
    this.#paused = false
    return this.#child.kill('SIGKILL')
  }

  /** Asks it to end, as a service manager does that starts it anew; false when it is down. */
  stop(): boolean {
    if (!this.#child || !this.#life) return false
    this.#life.end ??= 'stopped'
    return this.#child.kill('SIGTERM')
  }

  /** Stops it in its place; false when it is down. */
  pause(): boolean {
    this.#paused = this.#child?.kill('SIGSTOP') ?? false
    return this.#paused
  }

  /** Lets it go on. */
  resume(): void {
    this.#paused = false
    this.#child?.kill('SIGCONT')
  }

  /** Why it can't do its work now, in its own words if it has any; undefined when it is ready. */
  async findTrouble(): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(READY_ANSWER_MS)
      const answer = await fetch(`${this.healthUrl}/readyz`, { signal })
      const text = await answer.text()
      return answer.ok ? undefined : `${answer.status} ${text}`
    } catch (error) {
      return describeError(error instanceof Error ? (error.cause ?? error) : error)
    }
  }

  /** Ends it for good; by SIGKILL it has no time to clean up. */
  async end(by: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#stop.abort()
    if (this.#child && this.#life) {
      this.#life.end ??= 'stopped'
      this.#child.kill('SIGCONT')
      this.#child.kill(by)
    }
    const patience = new AbortController()
    const impatient = sleep(STOP_WITHIN_MS, undefined, { signal: patience.signal }).then(
      () => this.#child?.kill('SIGKILL'),
      () => undefined,
    )
    await this.#loop
    patience.abort()
    await impatient
    await this.#output?.close()
  }

  /** Ends when the process has ended after `#stop`. */
  async #keepAlive(output: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#live(output)
      await sleep(this.#options.restartDelayMs(), undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      )
    }
  }

  async #live(output: number): Promise<void> {
    const { name, role, command, args, env } = this.#options
    const child = spawn(command, args, { env, stdio: ['ignore', output, output] })
    const ended = once(child, 'exit')
    const life: Life = {
      name,
      role,
      pid: child.pid ?? 0,
      startedAt: machineMs(),
    }
    this.lives.push(life)
    this.#life = life
    this.#child = child
    void this.#untilReady(life)
    const [exitCode, exitSignal] = (await ended) as [number | null, string | null]
    this.#child = undefined
    this.#paused = false
    life.endedAt = machineMs()
    life.end ??= 'itself'
    life.exitCode = exitCode ?? undefined
    life.exitSignal = exitSignal ?? undefined
  }

  async #untilReady(life: Life): Promise<void> {
    while (life.endedAt === undefined && !this.#stop.signal.aborted) {
      if ((await this.findTrouble()) === undefined && life.endedAt === undefined) {
        life.readyAt = machineMs()
        return
      }
      await sleep(READY_POLL_MS)
    }
  }
}

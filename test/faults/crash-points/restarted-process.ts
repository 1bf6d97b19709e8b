import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from '../../support/eventually.ts'
import { FIRST_TOKEN, RUNNER_TOKEN } from '../../support/tokens.ts'

const START_WITHIN_MS = 60_000

/** The point at which a process ends, and where it tells of those that it passes. */
export interface CrashPlan {
  readonly pointsFile: string
  /** Counting from 1; undefined: it only tells. */
  readonly at?: number | undefined
}

/**
 * A Narwhal command as a process that is started again when it was killed, then without a plan. One
 * that ends by itself stays down. It listens wherever the system likes, anew in each life.
 */
export class RestartedProcess implements AsyncDisposable {
  readonly #programs: string
  readonly #args: readonly string[]
  readonly #said: string[] = []
  #child: ChildProcess | undefined
  #url: string | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #deaths = 0
  #isOver = false

  /** `programs` has the compiled Narwhal, and the `crash-at.js` that a plan takes. */
  constructor(programs: string, args: readonly string[], plan?: CrashPlan) {
    this.#programs = programs
    this.#args = args
    this.#start(plan)
  }

  /** Where it listens; undefined while it is down or not ready. */
  get url(): string | undefined {
    return this.#url
  }

  /** Where it listens, once it does. */
  async ready(): Promise<string> {
    const waited = { message: 'a process of Narwhal', timeoutMs: START_WITHIN_MS }
    return await eventually(() => this.#url ?? null, waited).catch((cause: unknown) => {
      throw new Error(`${this.#args[0]} is not ready: ${this.said}`, { cause })
    })
  }

  /** How often it was killed. */
  get deaths(): number {
    return this.#deaths
  }

  /** All that it has said, in all its lives. */
  get said(): string {
    return this.#said.join('')
  }

  #start(plan: CrashPlan | undefined): void {
    const { PATH, HOME, TMPDIR } = process.env
    const preload = plan ? ['--import', `${this.#programs}/crash-at.js`] : []
    const child = spawn(
      process.execPath,
      [...preload, `${this.#programs}/main.js`, ...this.#args],
      {
        env: {
          PATH,
          HOME,
          NARWHAL_FIRST_TOKEN: FIRST_TOKEN,
          NARWHAL_RUNNER_TOKEN: RUNNER_TOKEN,
          ...(TMPDIR ? { TMPDIR } : {}),
          ...(plan ? { CRASH_POINTS_FILE: plan.pointsFile } : {}),
          ...(plan?.at === undefined ? {} : { CRASH_AT: String(plan.at) }),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    this.#child = child
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said.push(text)
        if (this.#url !== undefined || this.#child !== child) return
        said += text
        this.#url = /is up: (http:\S+)/.exec(said)?.[1] ?? readyUrl(said)
      })
    }
    this.#ended = once(child, 'exit').then(([, signal]) => {
      this.#url = undefined
      this.#child = undefined
      if (this.#isOver || signal !== 'SIGKILL') return
      this.#deaths++
      this.#start(undefined)
    })
  }

  /** Ends it; SIGKILL unless told, which is no crash then. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#isOver = true
    this.#child?.kill(signal)
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Of the line in the log that says so. */
function readyUrl(said: string): string | undefined {
  const line = said.split('\n').find((one) => / is ready"/.test(one))
  return line && /"url":"([^"]+)"/.exec(line)?.[1]
}

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { backoff } from '../../../lib/async/backoff.ts'

export interface ChangeWatchDeps {
  /** The name of our table. */
  readonly table: string
  readonly onChange: () => void
}

/** Changes come in bursts; they are reported this long after the first, in milliseconds. */
const REST_MS = 10_000
const JOBS = /\bn[wt][0-9a-f]{6}|narwhal_/
const MONITORS = [
  ['nft', 'monitor'],
  ['ip', '-o', 'monitor', 'address', 'route'],
] as const

/** Calls back when somebody changes the machine's firewall, addresses or routes. */
export class ChangeWatch implements Disposable {
  readonly #deps: ChangeWatchDeps
  readonly #closing = new AbortController()
  readonly #children = new Set<ChildProcess>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: ChangeWatchDeps) {
    this.#deps = deps
    for (const command of MONITORS) void this.#follow(command)
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
    for (const child of this.#children) child.kill('SIGKILL')
  }

  /** Until disposal: a monitor that ends is restarted. */
  async #follow(command: readonly string[]): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted; failures++) {
      await this.#listen(command)
      await backoff(failures, { firstMs: 1_000, maxMs: 60_000 }, signal).catch(() => {})
      // Changes in between went unnoticed.
      if (!signal.aborted) this.#deps.onChange()
    }
  }

  async #listen(command: readonly string[]): Promise<void> {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
    // It must not outlive this process, however that ends.
    const args = ['--pdeathsig', 'KILL', '--', ...command]
    const child = spawn('setpriv', args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
    this.#children.add(child)
    const ended = Promise.withResolvers<void>()
    child.once('error', () => ended.resolve())
    child.once('close', () => ended.resolve())
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line))
    child.unref()
    await ended.promise
    this.#children.delete(child)
  }

  #hear(line: string): void {
    const { table, onChange } = this.#deps
    if (line.includes(table) && line.startsWith('delete')) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      onChange()
      return
    }
    // Changes that runners make for their jobs are ignored.
    if (JOBS.test(line) || line.startsWith('#')) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      onChange()
    }, REST_MS)
    this.#timer.unref()
  }
}

import { mkdir, readdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { within } from '../../lib/async/within.ts'
import { hasCode } from '../../lib/errors.ts'
import { PROGRAM_ENV } from '../../lib/programs/machine-programs.ts'
import { runToEnd } from '../../lib/programs/run-program.ts'
import { removeFolder } from '../../lib/remove-folder.ts'

/** How long a runner that stops waits for it, in milliseconds. */
const LAST_MS = 500
/** Of the complaints of `rm`. */
const MAX_BYTES = 1024 * 1024

/**
 * Folders that are to be removed when nothing better is to be done. Throwing one away is a rename; a process at the
 * lowest priority removes one after the other, and nobody waits for it. What is left when this process ends
 * is removed after the next start.
 */
export class Trash implements AsyncDisposable {
  readonly #folder: string
  readonly #enter: () => readonly string[]
  #emptying: Promise<void> | undefined
  readonly #stop = new AbortController()
  #number = 0

  /**
   * On the file system of what is thrown away. `enter` is the command prefix for a program that may remove what the
   * root of a container may: an ordinary user may not, whose containers have further ids.
   */
  constructor(folder: string, enter: () => readonly string[] = () => []) {
    this.#folder = folder
    this.#enter = enter
  }

  /** Nothing happens if there is no such folder; one of another file system is removed at once. */
  async throwAway(path: string): Promise<void> {
    const name = `${basename(path)}-${process.pid}-${this.#number++}`
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    try {
      await rename(path, join(this.#folder, name))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return
      if (!hasCode(error, 'EXDEV')) throw error
      await removeFolder(path)
    }
    this.empty()
  }

  /** Removes in the background what is in it. */
  empty(): void {
    this.#emptying ??= this.#empty().finally(() => {
      this.#emptying = undefined
    })
  }

  /** Waits a moment for the removal that is in progress, and ends it; the rest stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = new Error('the rest is removed after the next start')
    if (this.#emptying) await within(LAST_MS, this.#emptying, late).catch(() => {})
    this.#stop.abort()
    await this.#emptying
  }

  async #empty(): Promise<void> {
    const failed = new Set<string>()
    for (;;) {
      const names = await readdir(this.#folder).catch(() => [])
      const paths = names.filter((one) => !failed.has(one)).map((one) => join(this.#folder, one))
      if (paths.length === 0 || this.#stop.signal.aborted) return
      if (await this.#removeSlowly(paths)) continue
      for (const path of paths) {
        if (this.#stop.signal.aborted) return
        // Folders that are closed to their owner.
        await removeFolder(path).catch(() => failed.add(basename(path)))
      }
    }
  }

  async #removeSlowly(paths: readonly string[]): Promise<boolean> {
    const rm = ['nice', '-n', '19', 'rm', '-rf', '--', ...paths]
    const [program = '', ...args] = [...this.#enter(), ...rm]
    const { signal } = this.#stop
    const options = { env: PROGRAM_ENV, signal, maxBytes: MAX_BYTES }
    const ended = await runToEnd([program, ...args], options).catch(() => undefined)
    return ended?.code === 0
  }
}

import type { Sandbox } from '../executor/executor.ts'
import { LearnedValues } from './learned-values.ts'
import { MaskedStream, SecretMask } from './secret-mask.ts'

/** The variable with the path of the file, as the steps see it. */
export function maskEnv({ maskFile }: Pick<Sandbox, 'maskFile'>): { NARWHAL_MASK?: string } {
  return maskFile ? { NARWHAL_MASK: maskFile.path } : {}
}

/** So many can be looked for without keeping the runner busy. */
const MOST_HIDDEN = 40

/**
 * All that a job must not show: its secrets, and, from the moment they are in its file, the values that it
 * learned itself. Whoever gives out what the job has written calls `look` after reading and before
 * giving: what the job added first is known by then.
 */
export class JobMask implements Disposable {
  readonly #secrets: SecretMask | undefined
  readonly #named: Readonly<Record<string, string>>
  #file: LearnedValues | undefined
  #learned: SecretMask | undefined
  /** What was told here, until when. */
  readonly #hidden = new Map<string, number>()
  #hasMore = false

  /** The values by the variables that hold them. */
  constructor(secrets: Readonly<Record<string, string>>) {
    this.#named = secrets
    this.#secrets = SecretMask.of(Object.values(secrets))
  }

  /** From now on also what is, or comes to be, in this file. Throws where it can't be opened. */
  learnFrom({ maskFile }: Pick<Sandbox, 'maskFile'>): void {
    this.#file?.[Symbol.dispose]()
    this.#file = maskFile && new LearnedValues(maskFile.runnerPath)
  }

  /**
   * From now on also these values, until so many milliseconds have passed, when they open nothing any more; the
   * oldest are forgotten earlier when there are many.
   */
  hide(values: Iterable<string>, forMs: number): void {
    const now = performance.now()
    for (const [value, until] of this.#hidden) if (until <= now) this.#hidden.delete(value)
    for (const value of values) this.#hidden.set(value, now + forMs)
    for (const value of this.#hidden.keys()) {
      if (this.#hidden.size <= MOST_HIDDEN) break
      this.#hidden.delete(value)
    }
    this.#hasMore = true
  }

  /** Whether there is nothing to hide so far. */
  get isEmpty(): boolean {
    return this.#secrets === undefined && this.look() === undefined
  }

  /** What was learned by now; the same object as long as it is the same. */
  look(): SecretMask | undefined {
    const hasLearned = this.#file?.look() ?? false
    if (hasLearned || this.#hasMore) {
      this.#hasMore = false
      this.#learned = SecretMask.of([...(this.#file?.values ?? []), ...this.#hidden.keys()])
    }
    return this.#learned
  }

  /** What is to be said of values that can't be masked; once. */
  takeNotes(): readonly string[] {
    return this.#file?.takeNotes() ?? []
  }

  /** Takes out of a stream what is known by now; the stream's owner tells it what comes to it. */
  openStream(): MaskedStream {
    const stream = this.#secrets?.openStream() ?? new MaskedStream([])
    const learned = this.look()
    if (learned) stream.hideAlso(learned)
    return stream
  }

  /** Takes it out of a text that is there as a whole. */
  text(text: string): string {
    const stream = this.openStream()
    return Buffer.concat([stream.write(Buffer.from(text)), stream.end()]).toString()
  }

  /** Whose value is in a text: the variable's name; that of the file where the job has learned it. */
  holderOf(text: string): string | undefined {
    const isIn = (mask: SecretMask | undefined): boolean =>
      mask !== undefined && mask.text(text) !== text
    for (const [name, value] of Object.entries(this.#named)) {
      if (isIn(SecretMask.of([value]))) return name
    }
    return isIn(this.look()) ? 'NARWHAL_MASK' : undefined
  }

  /** Reads no more; what is known stays so. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }
}

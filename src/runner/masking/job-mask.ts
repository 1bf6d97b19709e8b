import type { Sandbox } from '../executor/executor.ts'
import { GrowingMask } from './growing-mask.ts'
import { LearnedValues } from './learned-values.ts'
import { notesOnSecrets } from './notes-on-secrets.ts'
import { MaskedStream, SecretMask } from './secret-mask.ts'

/** The variable with the path of the file inside the sandbox. */
export function maskEnv({ maskFile }: Pick<Sandbox, 'maskFile'>): { NARWHAL_MASK?: string } {
  return maskFile ? { NARWHAL_MASK: maskFile.path } : {}
}

/** This many can be searched for without slowing the runner down. */
const MOST_HIDDEN = 40

/**
 * All that a job must not show: its secrets, and the values that it has added to its mask file. Code
 * that forwards a job's output calls `refresh` between reading and forwarding it, so that values which
 * the job added before printing them are known.
 */
export class JobMask implements Disposable {
  readonly #secrets: SecretMask | undefined
  readonly #named: Readonly<Record<string, string>>
  #file: LearnedValues | undefined
  readonly #learned = new GrowingMask()
  /** Values from `hide`, until they expire. */
  readonly #hidden = new GrowingMask()
  #masks: readonly SecretMask[] = []
  /** What `#masks` was made of. */
  #parts: readonly (readonly SecretMask[])[] = []
  #notes: readonly string[]

  /** The secrets by variable name; those in `notMasked` may be shown. */
  constructor(secrets: Readonly<Record<string, string>>, notMasked: readonly string[] = []) {
    const named = Object.entries(secrets).filter(([name]) => !notMasked.includes(name))
    this.#named = Object.fromEntries(named)
    this.#secrets = SecretMask.of(Object.values(this.#named))
    this.#notes = notesOnSecrets(this.#named, notMasked)
  }

  /** From now on also masks the values in this file, which may grow. Throws if it can't be opened. */
  learnFrom({ maskFile }: Pick<Sandbox, 'maskFile'>): void {
    this.#file?.[Symbol.dispose]()
    this.#file = maskFile && new LearnedValues(maskFile.open())
  }

  /**
   * From now on also masks these values, for `forMs` milliseconds, after which they have expired; the
   * oldest are dropped earlier if there are many.
   */
  hide(values: Iterable<string>, forMs: number): void {
    const now = performance.now()
    this.#hidden.add(values, now + forMs)
    this.#hidden.forget(now, MOST_HIDDEN)
  }

  /** Whether there is nothing to mask so far. */
  get isEmpty(): boolean {
    return this.#secrets === undefined && this.refresh().length === 0
  }

  /** The masks of the values learned by now; the same array while nothing has changed. */
  refresh(): readonly SecretMask[] {
    const learned = this.#file?.refresh() ?? []
    if (learned.length > 0) this.#learned.add(learned)
    const parts = [this.#learned.masks, this.#hidden.masks]
    if (parts.some((part, index) => part !== this.#parts[index])) {
      this.#parts = parts
      this.#masks = parts.flat()
    }
    return this.#masks
  }

  /** Notes about values that can't be masked, each once. */
  takeNotes(): readonly string[] {
    const own = this.#notes
    this.#notes = []
    const learned = this.#file?.takeNotes() ?? []
    return own.length === 0 ? learned : [...own, ...learned]
  }

  /** Masks a stream with what is known by now; the caller adds what is learned later. */
  openStream(): MaskedStream {
    const stream = this.#secrets?.openStream() ?? new MaskedStream([])
    const learned = this.refresh()
    if (learned.length > 0) stream.hideAlso(learned)
    return stream
  }

  /** Masks a complete text. */
  text(text: string): string {
    const stream = this.openStream()
    return Buffer.concat([stream.write(Buffer.from(text)), stream.end()]).toString()
  }

  /** The variable whose value a text contains; `NARWHAL_MASK` for a value that the job has added. */
  holderOf(text: string): string | undefined {
    const isIn = (mask: SecretMask | undefined): boolean =>
      mask !== undefined && mask.text(text) !== text
    for (const [name, value] of Object.entries(this.#named)) {
      if (isIn(SecretMask.of([value]))) return name
    }
    return this.refresh().some(isIn) ? 'NARWHAL_MASK' : undefined
  }

  /** Stops reading the file; what is known stays masked. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }
}

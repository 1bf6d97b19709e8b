import type { Sandbox } from '../executor/executor.ts'
import { GrowingMask } from './growing-mask.ts'
import { LearnedValues } from './learned-values.ts'
import { notesOnSecrets } from './notes-on-secrets.ts'
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
  readonly #learned = new GrowingMask()
  /** What was told here, until when. */
  readonly #hidden = new GrowingMask()
  #masks: readonly SecretMask[] = []
  /** Of what `#masks` was made. */
  #parts: readonly (readonly SecretMask[])[] = []
  #notes: readonly string[]

  /** The values by the variables that hold them; those of some may be shown. */
  constructor(secrets: Readonly<Record<string, string>>, notMasked: readonly string[] = []) {
    const named = Object.entries(secrets).filter(([name]) => !notMasked.includes(name))
    this.#named = Object.fromEntries(named)
    this.#secrets = SecretMask.of(Object.values(this.#named))
    this.#notes = notesOnSecrets(this.#named, notMasked)
  }

  /** From now on also what is, or comes to be, in this file. Throws where it can't be opened. */
  learnFrom({ maskFile }: Pick<Sandbox, 'maskFile'>): void {
    this.#file?.[Symbol.dispose]()
    this.#file = maskFile && new LearnedValues(maskFile.open())
  }

  /**
   * From now on also these values, until so many milliseconds have passed, when they open nothing any more; the
   * oldest are forgotten earlier when there are many.
   */
  hide(values: Iterable<string>, forMs: number): void {
    const now = performance.now()
    this.#hidden.add(values, now + forMs)
    this.#hidden.forget(now, MOST_HIDDEN)
  }

  /** Whether there is nothing to hide so far. */
  get isEmpty(): boolean {
    return this.#secrets === undefined && this.look().length === 0
  }

  /** What was learned by now; the same object as long as it is the same. */
  look(): readonly SecretMask[] {
    const learned = this.#file?.look() ?? []
    if (learned.length > 0) this.#learned.add(learned)
    const parts = [this.#learned.masks, this.#hidden.masks]
    if (parts.some((part, index) => part !== this.#parts[index])) {
      this.#parts = parts
      this.#masks = parts.flat()
    }
    return this.#masks
  }

  /** What is to be said of values that can't be masked; once. */
  takeNotes(): readonly string[] {
    const own = this.#notes
    this.#notes = []
    const learned = this.#file?.takeNotes() ?? []
    return own.length === 0 ? learned : [...own, ...learned]
  }

  /** Takes out of a stream what is known by now; the stream's owner tells it what comes to it. */
  openStream(): MaskedStream {
    const stream = this.#secrets?.openStream() ?? new MaskedStream([])
    const learned = this.look()
    if (learned.length > 0) stream.hideAlso(learned)
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
    return this.look().some(isIn) ? 'NARWHAL_MASK' : undefined
  }

  /** Reads no more; what is known stays so. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }
}

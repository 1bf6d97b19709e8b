/**
 * Lines for a job's log while its sandbox is being opened, in order. It is *open* until `end`: a preparation that was
 * given up may go on for a while, and nothing of it may follow what the steps say.
 */
export class EarlyNotes {
  readonly #write: (line: string) => Promise<void>
  #written: Promise<void> = Promise.resolve()
  #isOpen = true

  constructor(write: (line: string) => Promise<void>) {
    this.#write = write
  }

  readonly say = (line: string): void => {
    if (this.#isOpen) this.#written = this.#written.then(() => this.#write(line))
  }

  /** Resolves when everything that was said is in the log. */
  async end(): Promise<void> {
    this.#isOpen = false
    await this.#written
  }
}

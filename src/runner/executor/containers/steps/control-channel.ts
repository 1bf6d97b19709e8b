import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { openReader } from '../../../../lib/pipes/open-fifo.ts'
import type { StepEnd } from './step-end.ts'
import { COMMANDS, ENDS } from './supervisor.ts'

export interface ControlledStep {
  /** Resolves once its streams are open. */
  readonly began: Promise<void>
  readonly ended: Promise<StepEnd>
}

/** A supervisor's lines are shorter; steps that find the FIFO may write there as well. */
const MAX_LINE = 200

/**
 * The runner's side of a supervisor (supervisor.ts): *waiting* until *ready*, and then, at any time,
 * *gone* for good. Only lines with the key count, which no step has seen.
 */
export class ControlChannel implements Disposable {
  /** Resolves when steps can be run. */
  readonly ready: Promise<void>
  readonly #key = randomBytes(16).toString('hex')
  readonly #ready = Promise.withResolvers<void>()
  readonly #commands: number
  readonly #ends: ReturnType<typeof openReader>
  /** Without a writer, the reader would see the end of the stream before the supervisor opens it. */
  #ownEnds: number | undefined
  #current: { number: number; began: () => void; end: (end: StepEnd) => void } | undefined
  #held = ''
  #isGone = false
  #isClosed = false

  /** The FIFOs in this folder are new; `onGone` is called once. */
  constructor(folder: string, onGone: () => void) {
    const { O_RDWR, O_NONBLOCK } = constants
    // O_RDWR: opening it doesn't wait for the supervisor, and writing never fails without one.
    this.#commands = openSync(join(folder, COMMANDS), O_RDWR | O_NONBLOCK)
    this.#ends = openReader(join(folder, ENDS))
    this.#ownEnds = openSync(join(folder, ENDS), O_RDWR | O_NONBLOCK)
    this.ready = this.#ready.promise
    this.#ends.setEncoding('latin1').on('data', (text: string) => this.#receive(text))
    this.#ends.on('error', () => {})
    this.#ends.on('close', () => {
      this.#isGone = true
      this.#current?.end({ kind: 'gone' })
      if (!this.#isClosed) onGone()
    })
    this.#ends.resume()
    writeSync(this.#commands, `${this.#key}\n`)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /**
   * Tells the supervisor to run a step, and whether background steps are running; throws `unavailable` when
   * it takes no more commands.
   */
  start(number: number, isBackground = false): ControlledStep {
    const began = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<StepEnd>()
    this.#current = { number, began: began.resolve, end: ended.resolve }
    if (this.#isGone) ended.resolve({ kind: 'gone' })
    try {
      // On a line of its own, whatever others have written there.
      writeSync(this.#commands, `\n${this.#key} ${number}${isBackground ? ' background' : ''}\n`)
    } catch (cause) {
      const words = 'the container takes no more commands: a process in it has filled their pipe'
      throw new NarwhalError('unavailable', words, { cause })
    }
    return { began: began.promise, ended: ended.promise }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closeOwnEnds()
    this.#ends.destroy()
    closeSync(this.#commands)
  }

  #receive(text: string): void {
    const lines = (this.#held + text).split('\n')
    this.#held = (lines.pop() ?? '').slice(-MAX_LINE)
    for (const line of lines) {
      const [key, word, ...numbers] = line.split(' ')
      if (key === this.#key) this.#onWord(word, numbers.map(Number))
    }
  }

  #onWord(
    word: string | undefined,
    [number, exitCode = 0, oomKills = 0, forks = 0]: number[],
  ): void {
    if (word === 'ready') {
      this.#closeOwnEnds()
      this.#ready.resolve()
    }
    if (number === undefined || number !== this.#current?.number) return
    if (word === 'began') this.#current.began()
    if (word !== 'ended') return
    this.#current.end({ kind: 'exited', exitCode, refusals: { oomKills, forks } })
  }

  #closeOwnEnds(): void {
    if (this.#ownEnds !== undefined) closeSync(this.#ownEnds)
    this.#ownEnds = undefined
  }
}

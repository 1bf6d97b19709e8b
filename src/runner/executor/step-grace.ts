import type { SandboxStep } from './executor.ts'
import { type LastMoment, lastMoment } from './last-moment.ts'
import type { PauseGate } from './pause-gate.ts'

export interface StepGraceParts {
  /** How long an aborted step may take to end, in milliseconds. */
  readonly graceMs: number
  readonly gate: PauseGate
  /** Aborts when the sandbox is closed. */
  readonly closing: AbortSignal
}

/** The time that the aborted steps of one sandbox have to clean up. */
export class StepGrace {
  readonly #parts: StepGraceParts
  /** Steps in the background, with what aborts them. */
  readonly #inBackground = new Map<Promise<unknown>, AbortSignal>()

  constructor(parts: StepGraceParts) {
    this.#parts = parts
  }

  /** As `lastMoment`; `ask` never rejects. */
  lastMoment(
    { atOnce }: SandboxStep,
    asked: AbortSignal,
    ask: (over: AbortSignal) => Promise<void>,
  ): LastMoment {
    return lastMoment({ ...this.#parts, asked, atOnce, ask: (over) => void ask(over) })
  }

  /** Remembers a step in the background until it has ended; resolves as it does. */
  async inBackground<End>(running: Promise<End>, asked: AbortSignal): Promise<End> {
    this.#inBackground.set(running, asked)
    try {
      return await running
    } finally {
      this.#inBackground.delete(running)
    }
  }

  /** Before a step is killed: those in the background that are cleaning up, too, might be killed with it. */
  async untilOthersEnd(): Promise<void> {
    const asked = [...this.#inBackground].filter(([, signal]) => signal.aborted)
    await Promise.allSettled(asked.map(([running]) => running))
  }
}

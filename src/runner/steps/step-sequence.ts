import type { JobSpec, StepSpec } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Sandbox } from '../executor/executor.ts'
import type { JobLog } from '../log/job-log.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import { HeldLog } from './held-log.ts'
import { type End, runStep, type StepRun } from './run-step.ts'
import { StepLog } from './step-log.ts'

export interface StepSequenceDeps extends Pick<StepRun, 'explain' | 'startLimit' | 'signal'> {
  readonly events: EventSpool
  readonly log: JobLog
  readonly env: Readonly<Record<string, string>>
  /** What is said in the log of the first step that runs. */
  readonly notes?: readonly string[]
  /** How much memory the log of each step in the background may take. */
  readonly maxLogBytes: number
  /** Resolves when the next step may begin; rejects with the signal's reason. */
  readonly untilNext: () => Promise<void>
  /** How long steps in the background may take to end when they are asked to, in milliseconds; else ten seconds. */
  readonly endMs?: number
}

const END_MS = 10_000

interface Beside {
  readonly index: number
  readonly log: HeldLog
  readonly ended: Promise<End>
}

/**
 * The steps of a job, one after the other, up to the first that does not succeed; those in the
 * background begin at their turn, run beside the others and end with them. One of them that ends by itself and
 * not well counts like any other: no step begins after it that is for success.
 */
export class StepSequence {
  readonly #job: JobSpec
  readonly #deps: StepSequenceDeps
  readonly #beside: Beside[] = []
  readonly #over = new AbortController()
  /** Ends what does not end when it is asked to. */
  readonly #kill = new AbortController()
  #result: End = { outcome: 'success' }
  /** Set when nothing more can be said of the job. */
  #broken: End | undefined
  #failed: StepSpec | undefined
  #next = 0
  #env: Readonly<Record<string, string>> = {}
  #freshEnv: StepRun['freshEnv']
  readonly #notes: string[]

  constructor(job: JobSpec, deps: StepSequenceDeps) {
    this.#job = job
    this.#deps = deps
    this.#notes = [...(deps.notes ?? [])]
  }

  /** How many steps have had their turn. */
  get begun(): number {
    return this.#next
  }

  /** The first step that did not succeed by its own doing, with its environment. */
  get failed(): { readonly step: StepSpec; readonly env: StepRun['env'] } | undefined {
    const step = this.#failed
    return step && { step, env: this.#envOf(step) }
  }

  /**
   * Runs them all and resolves to how the job ended; rejects as `untilNext` does. `env` and `freshEnv`
   * win over theirs.
   */
  async run(
    sandbox: Pick<Sandbox, 'run'>,
    env: Readonly<Record<string, string>> = {},
    freshEnv?: StepRun['freshEnv'],
  ): Promise<End> {
    this.#env = env
    this.#freshEnv = freshEnv
    for (const [index, step] of this.#job.steps.entries()) {
      if (this.#broken) break
      if (!isDue(step, this.#result)) {
        this.#deps.events.append({ type: 'step_finished', step: index, outcome: 'skipped' })
        this.#next = index + 1
        continue
      }
      await this.#deps.untilNext()
      this.#next = index + 1
      if (step.background) this.#startBeside(sandbox, index, step)
      else this.#judge(step, await this.#runStep(sandbox, index, step))
    }
    return this.#broken ?? this.#result
  }

  /** Says something at the end of the log of the step that began last. */
  async say(text: string): Promise<void> {
    const last = Math.max(0, this.#next - 1)
    const beside = this.#beside.find(({ index }) => index === last)
    if (beside) return beside.log.say(text)
    const log = new StepLog(this.#deps.log, last)
    log.say(text)
    await log.end()
  }

  /** Ends what still runs beside the steps, and tells its log. Never rejects. */
  async end(): Promise<void> {
    if (this.#beside.length === 0) return
    const { log: jobLog, endMs = END_MS } = this.#deps
    this.#over.abort()
    const late = setTimeout(() => {
      this.#kill.abort(new NarwhalError('cancelled', 'it did not end when it was asked to'))
    }, endMs)
    for (const { log, ended } of this.#beside) {
      const end = await ended
      if (end.reason !== undefined) log.say(end.reason)
      await log.release(jobLog)
    }
    clearTimeout(late)
  }

  async #runStep(sandbox: Pick<Sandbox, 'run'>, index: number, step: StepSpec): Promise<End> {
    const { events } = this.#deps
    events.append({ type: 'step_started', step: index })
    const log = new StepLog(this.#deps.log, index)
    const end = await runStep(this.#runOf(sandbox, step, log))
    if (end.reason !== undefined) log.say(end.reason)
    await log.end()
    this.#tellEnd(index, end)
    return end
  }

  #startBeside(sandbox: Pick<Sandbox, 'run'>, index: number, step: StepSpec): void {
    const { events, signal, maxLogBytes } = this.#deps
    events.append({ type: 'step_started', step: index })
    const log = new HeldLog(index, maxLogBytes, events.mask)
    const run = this.#runOf(sandbox, step, log)
    const ended = runStep({
      ...run,
      signal: AbortSignal.any([signal, this.#kill.signal]),
      end: this.#over.signal,
    }).then((told) => {
      const isAskedTo = this.#over.signal.aborted && !signal.aborted
      const end: End = isAskedTo ? { outcome: 'success' } : told
      if (!isAskedTo) this.#judge(step, end)
      this.#tellEnd(index, end)
      return end
    })
    this.#beside.push({ index, log, ended })
  }

  #runOf(sandbox: Pick<Sandbox, 'run'>, step: StepSpec, log: StepRun['log']): StepRun {
    for (const note of this.#notes.splice(0)) log.say(note)
    const { signal, explain, startLimit } = this.#deps
    return {
      sandbox,
      step,
      log,
      env: this.#envOf(step),
      freshEnv: this.#freshEnv,
      signal,
      explain,
      startLimit,
    }
  }

  #envOf(step: StepSpec): StepRun['env'] {
    return { ...this.#deps.env, ...step.env, ...this.#env }
  }

  #tellEnd(index: number, end: End): void {
    const { fault: _, ...told } = end
    this.#deps.events.append({ type: 'step_finished', step: index, ...told })
  }

  #judge(step: StepSpec, end: End): void {
    const named = { ...end, reason: `step "${step.name}": ${end.reason}` }
    if (this.#deps.signal.aborted || !isOfTheStep(end)) this.#broken ??= named
    else if (
      end.outcome !== 'success' &&
      !step.allowFailure &&
      this.#result.outcome === 'success'
    ) {
      this.#result = named
      this.#failed = step
    }
  }
}

/** Whether a step runs after what came before it has ended so. */
function isDue({ runsOn }: StepSpec, { outcome }: End): boolean {
  if (runsOn === 'always') return true
  return (outcome === 'success') === (runsOn === undefined)
}

/** Whether the step's own script came to this end, so that others may follow. */
export function isOfTheStep({ outcome, fault }: End): boolean {
  if (fault !== undefined) return false
  return outcome === 'success' || outcome === 'failure' || outcome === 'timeout'
}

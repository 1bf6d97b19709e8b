import type { JobSpec, StepSpec } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Sandbox } from '../executor/executor.ts'
import type { JobLog } from '../log/job-log.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import { HeldLog } from './held-log.ts'
import { type End, runStep, type StepRun } from './run-step.ts'
import { StepLog } from './step-log.ts'

export interface StepSequenceDeps
  extends Pick<StepRun, 'explain' | 'startLimit' | 'signal' | 'atOnce'> {
  readonly events: EventSpool
  readonly log: JobLog
  readonly env: Readonly<Record<string, string>>
  /** Lines at the beginning of the log of the first step that runs. */
  readonly notes?: readonly string[]
  /** Memory limit for the log of each background step. */
  readonly maxLogBytes: number
  /** When it aborts, nothing may run any more. After `signal` alone, steps that always run still may. */
  readonly cleanupSignal: AbortSignal
  /** Resolves when the next step may start; rejects with the signal's reason. */
  readonly untilNext: (signal: AbortSignal) => Promise<void>
  /** How long background steps may take to stop when asked to; ten seconds by default. */
  readonly endMs?: number
}

const END_MS = 10_000

/** Further variables for a step, made when it starts; `isCleanup`: the job was stopped. */
type FreshEnv = (isCleanup: boolean) => Promise<Readonly<Record<string, string>>>

interface BackgroundStep {
  readonly index: number
  readonly log: HeldLog
  readonly ended: Promise<End>
}

/**
 * The steps of a job, one after the other, up to the first that does not succeed. Background steps
 * start at their turn, run concurrently with the others and are stopped after them. One that fails
 * before that counts like any other: after it, no step starts that requires success.
 */
export class StepSequence {
  readonly #job: JobSpec
  readonly #deps: StepSequenceDeps
  readonly #background: BackgroundStep[] = []
  readonly #over = new AbortController()
  /** Kills background steps that don't stop when asked to. */
  readonly #kill = new AbortController()
  #result: End = { outcome: 'success' }
  /** Set when the job was stopped; only cleanup steps follow. */
  #stopped: End | undefined
  /** Set when the job can't continue, whatever its steps say. */
  #broken: End | undefined
  #failed: StepSpec | undefined
  #next = 0
  #env: Readonly<Record<string, string>> = {}
  #freshEnv: FreshEnv | undefined
  #isBusy = false
  readonly #notes: string[]

  constructor(job: JobSpec, deps: StepSequenceDeps) {
    this.#job = job
    this.#deps = deps
    this.#notes = [...(deps.notes ?? [])]
  }

  /** How many steps were started or skipped. */
  get begun(): number {
    return this.#next
  }

  /** The first step whose own script did not succeed, with its environment. */
  get failed(): { readonly step: StepSpec; readonly env: StepRun['env'] } | undefined {
    const step = this.#failed
    return step && { step, env: this.#envOf(step) }
  }

  /** Whether a stop now would leave cleanup to do: a step has begun, and one that always runs is left. */
  get mayCleanUp(): boolean {
    const from = this.#next - 1
    return from >= 0 && this.#job.steps.some((step, index) => index >= from && isCleanup(step))
  }

  /**
   * Runs the steps and resolves to how the job ended; rejects as `untilNext` does. `env` and
   * `freshEnv` override the steps' own variables.
   */
  async run(
    sandbox: Pick<Sandbox, 'run'>,
    env: Readonly<Record<string, string>> = {},
    freshEnv?: FreshEnv,
  ): Promise<End> {
    this.#env = env
    this.#freshEnv = freshEnv
    for (const [index, step] of this.#job.steps.entries()) {
      if (this.#broken) break
      const isDue = await this.#untilDue(step)
      if (!isDue)
        this.#deps.events.append({ type: 'step_finished', step: index, outcome: 'skipped' })
      this.#next = index + 1
      if (!isDue) continue
      if (step.background) this.#startInBackground(sandbox, index, step)
      else this.#judge(step, await this.#runStep(sandbox, index, step))
    }
    return this.#broken ?? this.#stopped ?? this.#result
  }

  /** Resolves when the step may start, or to false if it is left out. */
  async #untilDue(step: StepSpec): Promise<boolean> {
    const { signal, cleanupSignal, untilNext } = this.#deps
    if (!signal.aborted && !isDueAfter(this.#result, step)) return false
    try {
      if (!signal.aborted) await untilNext(isCleanup(step) ? cleanupSignal : signal)
    } catch (error) {
      if (!signal.aborted || cleanupSignal.aborted || !this.mayCleanUp) throw error
    }
    if (!signal.aborted) return true
    if (!this.#stopped) {
      // Nothing was running.
      this.#stopped = this.#deps.explain(signal.reason)
      if (this.#stopped.reason !== undefined) await this.say(this.#stopped.reason)
    }
    if (!isCleanup(step) || cleanupSignal.aborted || this.#isBusy || this.#next === 0) return false
    await untilNext(cleanupSignal)
    return true
  }

  /** Adds a line to the end of the log of the step that started last; nowhere without steps. */
  async say(text: string): Promise<void> {
    if (this.#job.steps.length === 0) return
    const last = Math.max(0, this.#next - 1)
    const background = this.#background.find(({ index }) => index === last)
    if (background) return background.log.say(text)
    const log = new StepLog(this.#deps.log, last)
    log.say(text)
    await log.end()
  }

  /** Stops the background steps that still run, and releases their logs. Never rejects. */
  async end(): Promise<void> {
    if (this.#background.length === 0) return
    const { log: jobLog, endMs = END_MS } = this.#deps
    this.#over.abort()
    const late = setTimeout(() => {
      this.#kill.abort(new NarwhalError('cancelled', 'it did not stop when asked to'))
    }, endMs)
    for (const { log, ended } of this.#background) {
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
    const own = isCleanup(step) ? { signal: this.#deps.cleanupSignal } : {}
    const end = await runStep({ ...this.#runOf(this.#watched(sandbox), step, log), ...own })
    if (end.reason !== undefined) log.say(end.reason)
    await log.end()
    this.#appendEnd(index, end)
    return end
  }

  /** A sandbox that has not ended a step, though it was aborted, can't run another. */
  #watched(sandbox: Pick<Sandbox, 'run'>): Pick<Sandbox, 'run'> {
    return {
      run: async (...args) => {
        this.#isBusy = true
        try {
          return await sandbox.run(...args)
        } finally {
          this.#isBusy = false
        }
      },
    }
  }

  #startInBackground(sandbox: Pick<Sandbox, 'run'>, index: number, step: StepSpec): void {
    const { events, signal, maxLogBytes } = this.#deps
    events.append({ type: 'step_started', step: index })
    const log = new HeldLog(index, maxLogBytes, events.mask)
    const run = this.#runOf(sandbox, step, log)
    const ended = runStep({
      ...run,
      signal: AbortSignal.any([signal, this.#kill.signal]),
      end: this.#over.signal,
    }).then((result) => {
      const wasAsked = this.#over.signal.aborted && !signal.aborted
      const end: End = wasAsked ? { outcome: 'success' } : result
      if (!wasAsked) this.#judge(step, end)
      this.#appendEnd(index, end)
      return end
    })
    this.#background.push({ index, log, ended })
  }

  #runOf(sandbox: Pick<Sandbox, 'run'>, step: StepSpec, log: StepRun['log']): StepRun {
    for (const note of this.#notes.splice(0)) log.say(note)
    const { signal, atOnce, explain, startLimit } = this.#deps
    const [env, fresh] = [this.#envOf(step), this.#freshEnv]
    const freshEnv = fresh && (() => fresh(signal.aborted))
    return { sandbox, step, log, env, freshEnv, signal, atOnce, explain, startLimit }
  }

  #envOf(step: StepSpec): StepRun['env'] {
    const NARWHAL_JOB_STATUS = (this.#stopped ?? this.#result).outcome
    return { ...this.#deps.env, ...step.env, NARWHAL_JOB_STATUS, ...this.#env }
  }

  #appendEnd(index: number, end: End): void {
    const { fault: _, ...reported } = end
    this.#deps.events.append({ type: 'step_finished', step: index, ...reported })
  }

  #judge(step: StepSpec, end: End): void {
    const named = { ...end, reason: `step "${step.name}": ${end.reason}` }
    const { signal, explain } = this.#deps
    // A cleanup step may have been running, and ended well.
    if (signal.aborted) this.#stopped ??= isOfTheStep(end) ? explain(signal.reason) : named
    else if (!isOfTheStep(end)) this.#broken ??= named
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

/** A step that runs also after a cancel and after the job's timeout. */
function isCleanup({ runsOn, background }: StepSpec): boolean {
  return runsOn === 'always' && !background
}

/** Whether a step runs after this result of the steps before it. */
function isDueAfter({ outcome }: End, { runsOn }: StepSpec): boolean {
  if (runsOn === 'always') return true
  return (outcome === 'success') === (runsOn === undefined)
}

/** Whether this end is the script's own, so that further steps may follow. */
export function isOfTheStep({ outcome, fault }: End): boolean {
  if (fault !== undefined) return false
  return outcome === 'success' || outcome === 'failure' || outcome === 'timeout'
}

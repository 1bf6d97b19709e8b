import type { AttemptFault } from '../../core/attempt/attempt-event.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Outputs } from '../../core/plan/outputs.ts'
import type { StepSpec } from '../../core/plan/plan.ts'
import { stepScript } from '../../core/plan/step-script.ts'
import { withGrace } from '../../lib/async/with-grace.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { OutputListener, Sandbox, StepExit } from '../executor/executor.ts'
import { durationText } from '../lease/time-limit.ts'
import { installScript, NO_PACKAGE_MANAGER } from './packages.ts'

/** How a step or an attempt ended. */
export interface End {
  readonly outcome: Outcome
  /** Why it is not a success. */
  readonly reason?: string
  readonly exitCode?: number
  /** Set if the end says nothing about the job. */
  readonly fault?: AttemptFault
  /** Of an attempt: the outputs for the jobs that need it. */
  readonly outputs?: Outputs
}

export interface StepRun {
  readonly sandbox: Pick<Sandbox, 'run'>
  readonly step: StepSpec
  readonly env: Readonly<Record<string, string>>
  /** Further variables, made when each script starts: short-lived tokens. */
  readonly freshEnv?: (() => Promise<Readonly<Record<string, string>>>) | undefined
  readonly log: PartLog
  readonly signal: AbortSignal
  /** When it aborts, a step that is stopped gets no time to end by itself. */
  readonly atOnce: AbortSignal
  /** What an error means: only the one who aborted knows why. */
  readonly explain: (error: unknown) => End
  /** Starts the step's own timeout, which is paused with the attempt. */
  readonly startLimit: (ms: number, onOver: () => void) => Disposable
  /** Of a background step: aborts when it should stop because the job is over. */
  readonly end?: AbortSignal
}

/** Where a step's output goes, and Narwhal's own lines about it. */
export interface PartLog {
  readonly write: OutputListener
  say(text: string): void
}

/** How long a sandbox may take to end a step after an abort. */
const GRACE_MS = 15_000

/** Runs one step; only failures and timeouts of the user's script are retried. Never rejects. */
export async function runStep(run: StepRun): Promise<End> {
  const { retries = 0 } = run.step
  for (let tries = 1; ; tries++) {
    const end = await runOnce(run)
    if (tries > retries || (end.outcome !== 'failure' && end.outcome !== 'timeout')) return end
    if (run.signal.aborted || run.end?.aborted) return end
    run.log.say(`${end.reason}: retrying (${tries} of ${retries})`)
  }
}

async function runOnce(run: StepRun): Promise<End> {
  const { timeoutMs } = run.step
  const overtime = new AbortController()
  const over = (): void => overtime.abort(new NarwhalError('cancelled', 'the step took too long'))
  using _limit = timeoutMs === undefined ? undefined : run.startLimit(timeoutMs, over)
  const signal = AbortSignal.any([run.signal, overtime.signal])
  // A sandbox that did not end the step must not be used for the next one.
  let isRunning = false
  const script = async (text: string, installs?: readonly string[]): Promise<StepExit> => {
    signal.throwIfAborted()
    const env = run.freshEnv ? { ...run.env, ...(await run.freshEnv()) } : run.env
    signal.throwIfAborted()
    isRunning = true
    const { sandbox, log, end, atOnce } = run
    const { image } = run.step
    const step = {
      script: text,
      env,
      interleaved: true as const,
      atOnce,
      ...present({ installs, image, background: end && { end } }),
    }
    const exit = sandbox.run(step, log.write, signal).finally(() => {
      isRunning = false
    })
    return withGrace(exit, signal, GRACE_MS)
  }
  try {
    return await runScripts(run.step, script)
  } catch (error) {
    if (!overtime.signal.aborted || run.signal.aborted) return run.explain(error)
    const reason = `it took longer than its limit of ${durationText(timeoutMs ?? 0)}`
    if (!isRunning) return { outcome: 'timeout', reason }
    return { outcome: 'error', reason: `${reason}, and could not be ended`, fault: 'runner' }
  }
}

async function runScripts(
  step: StepSpec,
  script: (text: string, installs?: readonly string[]) => Promise<StepExit>,
): Promise<End> {
  if (step.dependencies.length > 0) {
    const exit = await script(installScript(step.dependencies), step.dependencies)
    if (exit.exitCode === NO_PACKAGE_MANAGER) {
      const what = step.dependencies.join(', ')
      return { outcome: 'error', reason: `can't install ${what}: see the log` }
    }
    if (exit.exitCode !== 0) {
      const what = `installing ${step.dependencies.join(', ')} failed`
      return { outcome: 'failure', exitCode: exit.exitCode, reason: `${what}: ${reasonOf(exit)}` }
    }
  }
  const exit = await script(stepScript(step))
  return exit.exitCode === 0
    ? { outcome: 'success', exitCode: 0 }
    : { outcome: 'failure', exitCode: exit.exitCode, reason: reasonOf(exit) }
}

function reasonOf({ exitCode, note }: StepExit): string {
  return note === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}: ${note}`
}

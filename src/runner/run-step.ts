import type { AttemptFault } from '../contract/rpc.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Outputs } from '../core/outputs.ts'
import type { StepSpec } from '../core/plan.ts'
import { stepScript } from '../core/step-script.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { EventSpool } from './event-spool.ts'
import type { Sandbox, StepExit } from './executor/executor.ts'
import { installScript, NO_PACKAGE_MANAGER } from './packages.ts'
import { StepLog } from './step-log.ts'
import { inWords } from './time-limit.ts'
import { withGrace } from './with-grace.ts'

/** How a step or an attempt ended. */
export interface End {
  readonly outcome: Outcome
  /** Why, in words, where it is not a success. */
  readonly reason?: string
  readonly exitCode?: number
  /** Set where the end says nothing about the job. */
  readonly fault?: AttemptFault
  /** What it tells the jobs that need it, of a whole attempt. */
  readonly outputs?: Outputs
}

export interface StepRun {
  readonly sandbox: Pick<Sandbox, 'run'>
  /** The step's place in the job, from 0. */
  readonly index: number
  readonly step: StepSpec
  readonly env: Readonly<Record<string, string>>
  readonly events: EventSpool
  readonly signal: AbortSignal
  /** What an error means: an abort's cause is known only to who aborted. */
  readonly explain: (error: unknown) => End
  /** Starts a time-out of its own, which stands still with the attempt. */
  readonly startLimit: (ms: number, onOver: () => void) => Disposable
}

/** How long a sandbox may take to end a step after the abort, in milliseconds. */
const GRACE_MS = 15_000

/** Runs one step and tells of it in events: its start, its log, its end. Never rejects. */
export async function runStep(run: StepRun): Promise<End> {
  const { index, events } = run
  events.append({ type: 'step_started', step: index })
  const log = new StepLog(events, index)
  const end = await runTries(run, log)
  if (end.reason !== undefined) log.say(end.reason)
  await log.end()
  const { fault: _, ...told } = end
  events.append({ type: 'step_finished', step: index, ...told })
  return end
}

/** Tries the step again as often as it asks for; only what the user's own script did is tried again. */
async function runTries(run: StepRun, log: StepLog): Promise<End> {
  const { retries = 0 } = run.step
  for (let tries = 1; ; tries++) {
    const end = await runOnce(run, log)
    if (tries > retries || (end.outcome !== 'failure' && end.outcome !== 'timeout')) return end
    if (run.signal.aborted) return end
    log.say(`${end.reason}: trying again (${tries} of ${retries})`)
  }
}

async function runOnce(run: StepRun, log: StepLog): Promise<End> {
  const { timeoutMs } = run.step
  const overtime = new AbortController()
  const over = (): void => overtime.abort(new NarwhalError('cancelled', 'the step took too long'))
  using _limit = timeoutMs === undefined ? undefined : run.startLimit(timeoutMs, over)
  const signal = AbortSignal.any([run.signal, overtime.signal])
  // Of a sandbox that did not end the step nobody may ask for the next one.
  let isRunning = false
  const script = async (text: string): Promise<StepExit> => {
    signal.throwIfAborted()
    isRunning = true
    const { sandbox, env } = run
    const exit = sandbox.run({ script: text, env }, log.write, signal).finally(() => {
      isRunning = false
    })
    return withGrace(exit, signal, GRACE_MS)
  }
  try {
    return await runScripts(run.step, script)
  } catch (error) {
    if (!overtime.signal.aborted || run.signal.aborted) return run.explain(error)
    const reason = `it took longer than its limit of ${inWords(timeoutMs ?? 0)}`
    if (!isRunning) return { outcome: 'timeout', reason }
    return { outcome: 'error', reason: `${reason}, and could not be ended`, fault: 'runner' }
  }
}

async function runScripts(
  step: StepSpec,
  script: (text: string) => Promise<StepExit>,
): Promise<End> {
  if (step.dependencies.length > 0) {
    const exit = await script(installScript(step.dependencies))
    if (exit.exitCode === NO_PACKAGE_MANAGER) {
      const what = step.dependencies.join(', ')
      return { outcome: 'error', reason: `cannot install ${what}: the log says why` }
    }
    if (exit.exitCode !== 0) {
      const what = `installing ${step.dependencies.join(', ')} failed`
      return { outcome: 'failure', exitCode: exit.exitCode, reason: `${what}: ${words(exit)}` }
    }
  }
  const exit = await script(stepScript(step))
  return exit.exitCode === 0
    ? { outcome: 'success', exitCode: 0 }
    : { outcome: 'failure', exitCode: exit.exitCode, reason: words(exit) }
}

function words({ exitCode, note }: StepExit): string {
  return note === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}: ${note}`
}

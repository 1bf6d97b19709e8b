import type { AttemptFault } from '../contract/rpc.ts'
import type { Outcome } from '../core/outcome.ts'
import type { StepSpec } from '../core/plan.ts'
import type { EventSpool } from './event-spool.ts'
import type { Sandbox, StepExit } from './executor/executor.ts'
import { installScript, NO_PACKAGE_MANAGER } from './packages.ts'
import { StepLog } from './step-log.ts'
import { withGrace } from './with-grace.ts'

/** How a step or an attempt ended. */
export interface End {
  readonly outcome: Outcome
  /** Why, in words, where it is not a success. */
  readonly reason?: string
  readonly exitCode?: number
  /** Set where the end says nothing about the job. */
  readonly fault?: AttemptFault
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
}

/** How long a sandbox may take to end a step after the abort, in milliseconds. */
const GRACE_MS = 15_000

/** Runs one step and tells of it in events: its start, its log, its end. Never rejects. */
export async function runStep(run: StepRun): Promise<End> {
  const { index, events } = run
  events.append({ type: 'step_started', step: index })
  const log = new StepLog(events, index)
  let end: End
  try {
    end = await runScripts(run, log)
  } catch (error) {
    end = run.explain(error)
  }
  if (end.reason !== undefined) log.say(end.reason)
  log.end()
  const { fault: _, ...told } = end
  events.append({ type: 'step_finished', step: index, ...told })
  return end
}

async function runScripts(run: StepRun, log: StepLog): Promise<End> {
  const { sandbox, step, env, signal } = run
  const script = async (text: string): Promise<StepExit> => {
    signal.throwIfAborted()
    return withGrace(sandbox.run({ script: text, env }, log.write, signal), signal, GRACE_MS)
  }
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
  const exit = await script(step.command)
  return exit.exitCode === 0
    ? { outcome: 'success', exitCode: 0 }
    : { outcome: 'failure', exitCode: exit.exitCode, reason: words(exit) }
}

function words({ exitCode, note }: StepExit): string {
  return note === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}: ${note}`
}

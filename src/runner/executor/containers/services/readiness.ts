import type { ServiceSpec } from '../../../../core/plan/plan.ts'
import { describeError } from '../../../../lib/errors.ts'
import { exposedPorts } from '../../../network/segments/forwards.ts'
import type { ContainerEngine } from '../container-engine.ts'
import { execOnce } from '../steps/exec-once.ts'
import { untilHealthy } from './health-check.ts'
import { type ReadyProbe, type ReadyTries, untilReady, type WantedCheck } from './ready-check.ts'

export interface ReadinessParts {
  readonly engine: ContainerEngine
  readonly id: string
  readonly service: ServiceSpec
  /** Receives lines for the job's log. */
  readonly onProgress: (line: string) => void
  /** Runs a script until it exits with 0, in the network of this container. */
  readonly watch: (container: string, script: string, signal: AbortSignal) => Promise<void>
}

/** How long an image's port is waited for, in milliseconds: it may expose what it never listens on. */
const LISTEN_MS = 30_000

/** What a service did not do; its message follows the service's name. */
export class NotReady extends Error {}

/**
 * Resolves when a service is ready: by the job's own check, or else as its image says it. Rejects with `NotReady`,
 * and with the signal's reason, also when the service has ended.
 */
export async function untilServiceReady(
  parts: ReadinessParts,
  over: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  const either = AbortSignal.any([signal, over])
  const { ready } = parts.service
  if (ready) return await untilPassed(parts, ready, either)
  const facts = await parts.engine.serviceFactsOf(parts.id)
  if (facts?.check) await untilImageIsHealthy(parts, facts.check, either)
  const exposed = exposedPorts(facts?.exposedPorts ?? [])
  const ports = exposed.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port)
  if (ports.length === 0 || over.aborted) return
  const listens = { anyOf: ports, timeoutMs: LISTEN_MS }
  try {
    await untilPassed(parts, listens, either)
  } catch {
    signal.throwIfAborted()
    // It may end on purpose, and then it is not waited for.
    if (over.aborted) return
    const { name } = parts.service
    parts.onProgress(
      `service ${name} does not listen on ${ports.join(' or ')}, which its image exposes: going on; \`ready\` says what to wait for`,
    )
  }
}

async function untilPassed(
  parts: ReadinessParts,
  check: WantedCheck,
  signal: AbortSignal,
): Promise<void> {
  const tries: ReadyTries = { last: '' }
  const late = AbortSignal.timeout(check.timeoutMs)
  try {
    await untilReady(check, probeOf(parts), tries, AbortSignal.any([signal, late]))
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) {
      const why = tries.last === '' ? '' : ` (${tries.last})`
      throw new NotReady(`was not ready within ${check.timeoutMs / 1000} s${why}`)
    }
    throw new NotReady(`can't be checked for readiness: ${describeError(error)}`)
  }
}

async function untilImageIsHealthy(
  { engine, id }: ReadinessParts,
  check: Parameters<typeof untilHealthy>[0],
  signal: AbortSignal,
): Promise<void> {
  const run = (command: readonly string[], until: AbortSignal) =>
    execOnce(engine, id, command, until)
  try {
    await untilHealthy(check, { run, signal })
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw new NotReady(`is not healthy: ${describeError(error)}`)
  }
}

function probeOf({ engine, id, watch }: ReadinessParts): ReadyProbe {
  return {
    run: (script, until) => execOnce(engine, id, ['/bin/sh', '-c', script], until),
    watch: (script, until) => watch(id, script, until),
  }
}

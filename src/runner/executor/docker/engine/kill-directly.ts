import { inContainer } from '../../processes/process-search.ts'
import { killTree } from '../../processes/process-tree.ts'

/** An engine that takes longer to end a container gets help, in milliseconds. */
const SLOW_ENGINE_MS = 1_000

/**
 * Waits until the engine has ended a container. If that fails or is slow, the processes in the container are
 * killed without it: a job must not run on because its engine is down. That works for root, and for an engine
 * on this machine; otherwise nothing is found, or nothing may be killed.
 */
export async function orKillDirectly(container: string, ended: Promise<void>): Promise<void> {
  const killDirectly = () => killTree(inContainer(container)).catch(() => 0)
  const timer = setTimeout(() => void killDirectly(), SLOW_ENGINE_MS)
  try {
    await ended
  } catch (error) {
    await killDirectly()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

import { inContainer } from '../processes/process-search.ts'
import { killTree } from '../processes/process-tree.ts'

/** How long an engine may take to end a container, before this process lends a hand; milliseconds. */
const SLOW_ENGINE_MS = 1_000

/**
 * Waits until the engine has ended a container. If it can't or is slow, what runs in the container is
 * killed without it: a job must not run on because its engine is away. That works for root, and for
 * an engine on this machine; else there is nothing to find or nothing that may be killed.
 */
export async function orByHand(container: string, ended: Promise<void>): Promise<void> {
  const byHand = () => killTree(inContainer(container)).catch(() => 0)
  const timer = setTimeout(() => void byHand(), SLOW_ENGINE_MS)
  try {
    await ended
  } catch (error) {
    await byHand()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

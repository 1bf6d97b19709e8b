import { NarwhalError } from '../../lib/errors.ts'
import { parseEngineAddress } from '../executor/docker/engine/docker-address.ts'
import { callEngine, type EngineCall } from '../executor/docker/engine/docker-http.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import { killGroups } from '../executor/oci/cgroups/kill-groups.ts'
import { inTree } from '../executor/oci/trees/container-tree.ts'
import { inContainer, withMark } from '../executor/processes/process-search.ts'
import { killTree } from '../executor/processes/process-tree.ts'

const SILENCE_MS = 10_000

/**
 * Ends all processes of a sandbox, paused or not, and resolves once they are gone. Idempotent. Rejects
 * with `unavailable` if the container engine is unreachable or refuses.
 *
 * It doesn't use DockerApi, whose schema library would be the larger part of the watchdog.
 */
export async function endSandbox(handle: SandboxHandle): Promise<void> {
  if (handle.kind === 'processes') {
    await killTree(withMark((mark) => mark === handle.mark))
    return
  }
  if (handle.kind === 'groups') return await killGroups(handle.folders)
  if (handle.kind === 'trees') {
    await Promise.all(handle.trees.map((tree) => killTree(inTree(tree))))
    return
  }
  // Concurrently, in case the engine is unreachable; for an engine on another machine no process is found.
  const ids = [handle.id, ...(handle.others ?? [])]
  const others = Promise.all(
    ids.slice(1).map((id) => endContainer({ ...handle, id, remove: true })),
  )
  const main = async (): Promise<void> => {
    // Podman removes no container before those that share its network.
    if (handle.remove) await others.catch(() => {})
    await endContainer(handle)
  }
  await Promise.all([...ids.map((id) => killTree(inContainer(id))), others, main()])
}

type ContainerHandle = Extract<SandboxHandle, { readonly kind: 'container' }>

async function endContainer({ host, id, remove }: ContainerHandle): Promise<void> {
  const container = `/containers/${id}`
  const unpause: EngineCall = { method: 'POST', path: `${container}/unpause` }
  if (remove) {
    const removal: EngineCall = { method: 'DELETE', path: `${container}?force=1&v=1` }
    // 409: its removal is already in progress; 500: with Podman, it is paused.
    if ((await call(host, removal, [200, 204, 404, 409, 500])) !== 500) return
    await call(host, unpause, [204, 404, 409, 500])
    await call(host, removal, [200, 204, 404, 409])
    return
  }
  const kill: EngineCall = { method: 'POST', path: `${container}/kill?signal=KILL` }
  // 409: it is not running, or with Podman, it is paused.
  if ((await call(host, kill, [204, 404, 409])) !== 409) return
  await call(host, unpause, [204, 404, 409, 500])
  await call(host, kill, [204, 404, 409])
}

async function call(host: string, what: EngineCall, fine: readonly number[]): Promise<number> {
  const answer = await callEngine(parseEngineAddress(host), { ...what, silenceMs: SILENCE_MS })
  if (fine.includes(answer.status)) return answer.status
  const details = `${what.method} ${what.path}: ${answer.status} ${answer.text.trim().slice(0, 300)}`
  throw new NarwhalError('unavailable', `the container engine at ${host} refused ${details}`)
}

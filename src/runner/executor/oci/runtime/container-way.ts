import type { ContainerWay } from '../../../../core/container-way.ts'
import type { IdMap } from '../spec/id-map.ts'
import type { FoundRuntime } from './find-runtime.ts'

/** What people are told of how containers are started here; `found` is the result of `findRuntime`. */
export function containerWay(found: FoundRuntime | string): ContainerWay {
  if (typeof found === 'string') return { how: `none can be started: ${found}`, better: [] }
  const { runtime, version, idMap, notes } = found
  const program = [runtime.name, version].filter(Boolean).join(' ')
  return { how: `${program}, ${describeMap(idMap)}`, better: notes }
}

function describeMap(idMap: IdMap | undefined): string {
  if (!idMap) return 'without a user namespace: with few rights, as for strangers'
  const { firstId, count } = idMap
  const from = firstId === 0 ? "of this user's subordinate ids" : `from ${firstId}`
  return `with a user namespace of ${count} ids ${from}`
}

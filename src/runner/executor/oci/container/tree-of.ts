import { join } from 'node:path'
import type { ContainerTree } from '../trees/container-tree.ts'
import type { ContainerRecord } from './container-record.ts'

export function treeOf({
  id,
  runtime,
  stateRoot,
}: Pick<ContainerRecord, 'id' | 'runtime' | 'stateRoot'>): ContainerTree {
  const file = runtime.name === 'crun' ? 'status' : 'state.json'
  return { mark: id, stateFile: join(stateRoot, id, file) }
}

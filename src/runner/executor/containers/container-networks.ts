import type { Audience } from '../../network/routed/rules.ts'
import type { SandboxSpec } from '../executor.ts'
import type { ContainerConnection } from './container-spec.ts'

/** What a network is wanted for. */
export type PlaceSpec = Pick<SandboxSpec, 'name' | 'network' | 'isStranger' | 'services'>

/** How the containers of one job are connected; released once all of them are removed. */
export interface JobPlace {
  readonly connection: ContainerConnection
  /** For the job's log. */
  readonly notes: readonly string[]
  /** The connection of one of the job's services, which the others find by its name. */
  ofService(name: string): Promise<ContainerConnection>
  /** Never rejects: what can't be removed now is retried by `removeLeft`. */
  release(): Promise<void>
}

/** The networks of an engine's jobs: no job reaches another. */
export interface ContainerNetworks {
  /** Resolves if such a job may be started; else rejects with the reason. */
  check(spec: PlaceSpec): Promise<void>
  /** Rejects as `check` does, and with `invalid` for what there can't be here. */
  take(spec: PlaceSpec): Promise<JobPlace>
  /** Makes a network ready for the next job, unless there is one. */
  prepare(): Promise<void>
  /** Removes what a previous process of this runner left behind; its containers are gone by now. */
  reap(): Promise<void>
  /** Retries removals that failed; rejects if they fail again. */
  removeLeft(): Promise<void>
  /** Removes idle networks; from now on each is removed with its job. */
  close(): Promise<void>
}

export function audienceOf(isStranger: boolean): Audience {
  return isStranger ? 'strangers' : 'own'
}

import type { Executor, SandboxSpec } from '../executor.ts'

/** Starts containers without an engine. All but `probe` is for when that has found out that it can. */
export interface OwnContainers extends Executor {
  /** Whether its containers have a user namespace, without which it refuses strangers' jobs. */
  readonly hasUserNamespace: boolean
  /** Whether it has an image by its full reference. */
  hasImage(reference: string): Promise<boolean>
  /** Whether it can connect a job as narwhal.yml says; false: it would have no network, or its services none. */
  canConnect(spec: Pick<SandboxSpec, 'network' | 'services'>): Promise<boolean>
  /** Removes what a previous process left behind; resolves to the number of containers. */
  reap(): Promise<number>
}

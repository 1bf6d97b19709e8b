import type { Refusals } from '../../local/bounds/sandbox-cgroups.ts'

/** How a step's script ended, as far as the container reported it. */
export type StepEnd =
  | {
      readonly kind: 'exited'
      readonly exitCode: number
      /** Since the start of its container. */
      readonly refusals: Refusals
    }
  /** The shell around the script is gone without reporting the script's end. */
  | { readonly kind: 'lost'; readonly exitCode: number | undefined; readonly tail: string }
  | { readonly kind: 'not_running' }
  /** The container's supervisor is gone, and the container is about to end. */
  | { readonly kind: 'gone' }

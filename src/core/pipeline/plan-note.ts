import type { Phase } from '../attempt/attempt.ts'

/** What people should know about the latest plan of a pipeline, on one line; may be hostile text. */
export function planNote({
  phases,
}: {
  readonly phases: readonly (Pick<Phase, 'name'> & { readonly note?: string | undefined })[]
}): string | undefined {
  return phases.findLast(({ name }) => name === 'plan')?.note
}

/** What `--open` can make available without a credential. */
export const OPENINGS = ['metrics'] as const
export type Opening = (typeof OPENINGS)[number]

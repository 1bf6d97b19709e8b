/** What an operator can open by `--open`, so that it asks nobody for a credential. */
export const OPENINGS = ['metrics'] as const
export type Opening = (typeof OPENINGS)[number]

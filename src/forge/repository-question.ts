import type { ForgeTarget } from '../core/forges.ts'

/** One GET that a forge answers to whom it lets see the repository; nothing is sent. */
export type RepositoryQuestion = (
  target: ForgeTarget,
  token: string,
) => { readonly url: string; readonly headers: Readonly<Record<string, string>> }

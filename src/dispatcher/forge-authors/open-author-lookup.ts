import type { GitEnv } from '../../lib/git/git.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { openForgeToken } from '../../vault/forge-tokens.ts'
import type { Vault } from '../../vault/vault.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { AuthorLookup, type AuthorLookupDeps } from './author-lookup.ts'

/** The author lookup of a dispatcher, until the signal aborts. */
export function openAuthorLookup(
  deps: Pick<AuthorLookupDeps, 'store' | 'log'> & { vault: Vault; gitEnv: GitEnv },
  recorder: Recorder,
  signal: AbortSignal,
): AuthorLookup {
  return new AuthorLookup({
    ...deps,
    noteMerged: async (merged) => {
      await recorder.record((write) => write.accounts.noteMerged({ ...merged, at: Date.now() }))
    },
    openToken: (link) => openForgeToken(deps.vault, link),
    hosts: deps.gitEnv.hosts ?? ANY_HOSTS,
    signal,
  })
}

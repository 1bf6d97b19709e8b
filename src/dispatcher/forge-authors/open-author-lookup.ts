import type { GitEnv } from '../../lib/git.ts'
import { ANY_HOSTS } from '../../lib/hosts.ts'
import type { Logger } from '../../lib/log.ts'
import { openForgeToken } from '../../store/forge-tokens.ts'
import type { Store } from '../../store/store.ts'
import type { Vault } from '../../store/vault.ts'
import type { Recorder } from '../recorder.ts'
import { AuthorLookup } from './author-lookup.ts'

/** The author lookup of a dispatcher, until the signal aborts. */
export function openAuthorLookup(
  deps: { store: Store; vault: Vault; gitEnv: GitEnv; log: Logger },
  recorder: Recorder,
  signal: AbortSignal,
): AuthorLookup {
  return new AuthorLookup({
    ...deps,
    noteMerged: async (merged) => {
      await recorder.record((write) => write.noteMerged({ ...merged, at: Date.now() }))
    },
    openToken: (link) => openForgeToken(deps.vault, link),
    hosts: deps.gitEnv.hosts ?? ANY_HOSTS,
    signal,
  })
}

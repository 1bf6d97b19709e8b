import type { RepositoryId } from '../core/ids.ts'
import type { ForgeLinkRecord } from '../store/records.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/** The sealed place of the token that reports a repository's statuses. */
export function forgeTokenPlace(id: RepositoryId): SealedPlace {
  return ['forge token', id]
}

/** Throws as `Vault.open` does. */
export function openForgeToken(vault: Vault, { repositoryId, token }: ForgeLinkRecord): string {
  return vault.open(token, forgeTokenPlace(repositoryId))
}

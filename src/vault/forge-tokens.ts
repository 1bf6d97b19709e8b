import type { RepositoryId } from '../core/ids.ts'
import type { ForgeLinkRecord } from '../store/records.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/** Where the token is sealed for by which statuses of a repository are told. */
export function forgeTokenPlace(id: RepositoryId): SealedPlace {
  return ['forge token', id]
}

/** Throws as `Vault.open` does. */
export function openForgeToken(vault: Vault, { repositoryId, token }: ForgeLinkRecord): string {
  return vault.open(token, forgeTokenPlace(repositoryId))
}

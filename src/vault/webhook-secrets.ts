import type { RepositoryRecord } from '../store/records.ts'
import type { Uses } from '../store/store.ts'
import { isSealed, type SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/** The sealed place of a repository's webhook secret. */
export function webhookSecretPlace(id: RepositoryRecord['id']): SealedPlace {
  return ['webhook secret', id]
}

/** The secret that the repository's forge signs with; one still in plaintext is returned as it is. */
export function openWebhookSecret(
  vault: Vault,
  { id, webhookSecret }: Pick<RepositoryRecord, 'id' | 'webhookSecret'>,
): string {
  return isSealed(webhookSecret) ? vault.open(webhookSecret, webhookSecretPlace(id)) : webhookSecret
}

/**
 * The secrets that a webhook of the repository may be signed with: the current one and, during a rotation,
 * the previous one.
 */
export function openWebhookSecrets(
  vault: Vault,
  repository: Pick<RepositoryRecord, 'id' | 'webhookSecret' | 'formerSecret'>,
  now: number,
): { readonly present: string; readonly former?: string } {
  const present = openWebhookSecret(vault, repository)
  const { id, formerSecret } = repository
  if (!formerSecret || formerSecret.endsAt <= now) return { present }
  return { present, former: openWebhookSecret(vault, { id, webhookSecret: formerSecret.sealed }) }
}

/** Seals the webhook secrets that an earlier version left in plaintext; returns how many. */
export async function sealWebhookSecrets(
  store: Uses<'repositories' | 'transact'>,
  vault: Vault,
): Promise<number> {
  const isClear = ({ webhookSecret }: RepositoryRecord): boolean =>
    webhookSecret !== '' && !isSealed(webhookSecret)
  if (!(await store.repositories.list()).some(isClear)) return 0
  const { result } = await store.transact(async (write) => {
    const clear = (await write.repositories.list()).filter(isClear)
    for (const { id, webhookSecret } of clear) {
      const sealed = await vault.seal(write, webhookSecret, webhookSecretPlace(id))
      await write.repositories.setWebhookSecret(id, sealed)
    }
    return clear.length
  })
  return result
}

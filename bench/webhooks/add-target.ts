import { aRepository } from '../../src/store/contract/fixtures.ts'
import type { Store } from '../../src/store/store.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { sealWebhookSecrets } from '../../src/vault/webhook-secrets.ts'
import type { LoadTarget } from './webhook-source.ts'

/** Registers a repository that nobody polls, for webhooks to tell of. */
export async function addTarget(store: Store, vault: Vault): Promise<LoadTarget> {
  const target = { forgeId: 4711, fullName: 'bench/project', secret: 'a-secret' }
  const repository = aRepository({
    name: target.fullName,
    cloneUrl: `https://forge.example/${target.fullName}.git`,
    forge: 'github',
    webhookSecret: target.secret,
    pollIntervalMs: 0,
  })
  await store.transact((write) => write.repositories.insert(repository, []))
  await sealWebhookSecrets(store, vault)
  return { ...target, repositoryId: repository.id }
}

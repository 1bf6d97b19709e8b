import type { RepositoryId } from '../../core/ids.ts'
import { suggestKey } from '../../lib/suggest-key.ts'
import type { Reads } from '../../store/store.ts'

/** A secret available to the repository with a similar name. */
export async function findNearSecret(
  store: Reads<'secrets'>,
  repositoryId: RepositoryId,
  name: string,
): Promise<string | undefined> {
  const secrets = [...(await store.secrets.list(repositoryId)), ...(await store.secrets.list())]
  const names = new Map(secrets.map((secret) => [secret.name.toLowerCase(), secret.name]))
  return names.get(suggestKey(name, [...names.keys()]) ?? '')
}

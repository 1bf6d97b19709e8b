import type { Doer } from '../../core/audit/audit.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import { makeSshKey } from '../../lib/git/ssh-key.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { openGitCredentials, sealGitCredentials } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'

/**
 * Makes an ssh key for a repository, in place of a former one: the private half is sealed with its other
 * credentials, the public half is what its forge must be given. Used from then on where the clone URL is of ssh.
 */
export async function makeDeployKey(
  { store, vault }: { readonly store: Uses<'repositories' | 'transact'>; readonly vault: Vault },
  repository: RepositoryRecord,
  by: Doer,
): Promise<{ readonly repository: RepositoryRecord; readonly deployKey: string }> {
  const { id, name, cloneUrl } = repository
  const { privateKey, publicKey: deployKey } = makeSshKey(`narwhal:${name}`)
  const { result } = await store.transact(async (write) => {
    const known = (await write.repositories.find(id)) ?? repository
    const credentials = {
      ...openGitCredentials(vault, known),
      // What this machine knows of the host counts.
      ssh: { privateKey, knownHosts: '' },
    }
    const sealed = await sealGitCredentials({ vault, write }, id, credentials)
    await write.repositories.change(id, { gitCredentials: sealed ?? null, deployKey })
    const after = { host: cloneHost(cloneUrl) }
    write.audit.add(by, { action: 'deploy_key.made', subject: repository, after })
    return (await write.repositories.find(id)) ?? repository
  })
  return { repository: result, deployKey }
}

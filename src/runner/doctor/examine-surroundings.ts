import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { parseEngineAddress } from '../executor/docker/engine/docker-address.ts'
import { DockerApi } from '../executor/docker/engine/docker-api.ts'
import { ContainerGroups } from '../executor/oci/cgroups/container-groups.ts'
import { missingLimits } from '../executor/oci/cgroups/missing-limits.ts'
import { isProgram } from '../network/commands.ts'
import { openJobNetworks } from '../network/open-job-networks.ts'
import { USUAL_NETWORK } from '../network/options.ts'
import type { Finding } from './examine-containers.ts'

const ID = 'doctor'

/** Whether the containers of this user are limited; `hasNamespace`: whether they have a user namespace. */
export function examineLimits(hasNamespace: boolean): Finding {
  const what = 'limits'
  using groups = new ContainerGroups(ID)
  const idMap = { firstId: 0, count: 1 }
  const [words] = missingLimits(groups, hasNamespace ? { idMap } : undefined)
  if (words !== undefined) return { what, state: 'better', words }
  return { what, state: 'works', words: 'of memory, processors and processes' }
}

/** Whether jobs in containers without an engine can have a network. */
export async function examineNetwork(log: Logger): Promise<Finding> {
  const what = 'network'
  if (process.getuid?.() === 0) {
    const names = ['nft', 'ip', 'nsenter']
    const missing = (await Promise.all(names.map(isProgram))).includes(false)
    // What a runner makes is seen by the whole machine; a look must not be.
    if (!missing) return { what, state: 'works', words: names.join(', ') }
    const words = `jobs have none without ${names.join(', ')}: apt-get install nftables iproute2 util-linux`
    return { what, state: 'better', words }
  }
  const common = { instance: ID, slots: 1, ready: 0, warmSandboxes: 0, stays: false }
  await using networks = await openJobNetworks({ ...common, settings: USUAL_NETWORK, log })
  if (networks.places === 'none') {
    return { what, state: 'better', words: `jobs have none: ${networks.engineTrouble}` }
  }
  if (await isProgram('nft')) return { what, state: 'works', words: 'also for services' }
  return { what, state: 'better', words: 'services have none: apt-get install nftables' }
}

/** The first container engine that answers; empty if none does. */
export async function examineEngines(hosts: readonly string[]): Promise<readonly Finding[]> {
  for (const host of hosts) {
    try {
      await new DockerApi(parseEngineAddress(host)).ping()
      const words = `one answers at ${host}, for jobs that can't run without it, and for images that only it has`
      return [{ what: 'container engine', state: 'works', words }]
    } catch (error) {
      if (NarwhalError.from(error).code === 'invalid') throw error
    }
  }
  return []
}

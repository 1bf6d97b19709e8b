import type { StrangersWay } from '../../images/strangers-way.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import { checkRegistry } from '../containers/check-registry.ts'

/** Fetches for strangers in the network of their jobs, from public registries and those that the operator opens. */
export function fetchForStrangers(networks: Pick<NetworkSource, 'get' | 'reach'>): StrangersWay {
  return {
    admit: (image) => checkRegistry(image, networks.reach),
    connect: async () => (await networks.get()).connect('strangers'),
  }
}

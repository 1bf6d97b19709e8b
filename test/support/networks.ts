import { after } from 'node:test'
import { silentLog } from '../../src/lib/log.ts'
import { NetworkSource } from '../../src/runner/network/network-source.ts'
import { type NetworkSettings, USUAL_NETWORK } from '../../src/runner/network/options.ts'
import { uniquePrefix } from './services.ts'

/** As a runner that stays has them; the caller's to dispose. */
export function openNetworks(settings: Partial<NetworkSettings> = {}): NetworkSource {
  return new NetworkSource({
    settings: { ...USUAL_NETWORK, ...settings },
    instance: uniquePrefix('network-'),
    slots: 2,
    ready: 1,
    stays: true,
    log: silentLog(),
  })
}

const shared = openNetworks()
after(async () => await shared[Symbol.asyncDispose]())

/** The real network of jobs, for all tests of this process; gone after the last of them. */
export function realNetworks(): NetworkSource {
  return shared
}

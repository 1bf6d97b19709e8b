import { after } from 'node:test'
import { silentLog } from '../../src/lib/log.ts'
import { NetworkSource } from '../../src/runner/network/network-source.ts'
import { type NetworkSettings, USUAL_NETWORK } from '../../src/runner/network/options.ts'
import { uniquePrefix } from './services.ts'

/** The networks of a long-lived runner; disposed of by the caller. */
export function openNetworks(settings: Partial<NetworkSettings> = {}): NetworkSource {
  return new NetworkSource({
    settings: { ...USUAL_NETWORK, ...settings },
    instance: uniquePrefix('network-'),
    // A contract test has one sandbox open in one executor and five in another.
    slots: 6,
    ready: 1,
    warmSandboxes: 2,
    stays: true,
    log: silentLog(),
  })
}

const shared = openNetworks()
after(async () => await shared[Symbol.asyncDispose]())

/** The real network of jobs, shared by all tests of this process and removed after the last. */
export function realNetworks(): NetworkSource {
  return shared
}

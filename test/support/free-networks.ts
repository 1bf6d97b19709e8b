import { silentLog } from '../../src/lib/log.ts'
import { NetworkSource } from '../../src/runner/network/network-source.ts'
import { USUAL_NETWORK } from '../../src/runner/network/options.ts'

/** For tests of other things: creates nothing on the machine, and closes nothing. */
export function freeNetworks(): NetworkSource {
  return new NetworkSource({
    settings: { ...USUAL_NETWORK, mode: 'host' },
    instance: 'free',
    slots: 1,
    ready: 0,
    warmSandboxes: 0,
    stays: false,
    log: silentLog(),
  })
}

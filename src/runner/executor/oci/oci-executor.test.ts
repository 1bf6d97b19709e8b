import { realNetworks } from '../../../../test/support/networks.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { testImage } from '../../../../test/support/services.ts'
import { executorContract } from '../contract/executor.contract.ts'
import { graceContract } from '../contract/grace.contract.ts'
import { ociStages } from './oci-stage.fixture.ts'

for (const { name, skip, open } of await ociStages()) {
  executorContract(name, async () => open({ networks: realNetworks() }), {
    skip,
    image: testImage(),
    isolated: true,
    hasOwnRoot: true,
    workspace: '/workspace',
    baseEnv: [],
    leftovers: findProcesses,
  })
  const about = { skip, image: testImage(), leftovers: findProcesses }
  graceContract(name, (graceMs) => open({ graceMs }), about)
}

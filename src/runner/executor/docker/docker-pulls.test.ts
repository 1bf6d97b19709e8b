import { join } from 'node:path'
import { realNetworks } from '../../../../test/support/networks.ts'
import { testService } from '../../../../test/support/services.ts'
import { silentLog } from '../../../lib/log.ts'
import { imagesContract } from '../contract/images.contract.ts'
import { DockerExecutor } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { callEngine } from './engine/docker-http.ts'

const { url, skip } = testService('docker')

imagesContract('docker', {
  skip,
  open: async (instance, dir) =>
    new DockerExecutor({
      host: url,
      folder: join(dir.path, 'sandboxes'),
      runnerIsRoot: process.getuid?.() === 0,
      log: silentLog(),
      networks: realNetworks(),
      instance,
    }),
  isProvenAnew: false,
  removeImage: async (reference) => {
    const path = `/images/${reference}?force=1`
    await callEngine(parseEngineAddress(url), { method: 'DELETE', path })
  },
})

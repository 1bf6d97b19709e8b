import { findProgram } from '../../../../test/support/services/programs.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import { openImages } from '../../images/open-images.ts'
import { imagesContract } from '../contract/images.contract.ts'
import { ociStages } from './oci-stage.fixture.ts'

for (const { name, skip, open } of await ociStages()) {
  imagesContract(name, {
    skip: skip || (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)'),
    open: async (instance, dir) => {
      const env = { HOME: dir.path }
      const options = { dataDir: dir.join('data'), isRoot: true, ids: CONTAINER_IDS, env }
      return open({ instance, images: await openImages({ ...options, mostBytes: Infinity }) })
    },
    isProvenAnew: true,
    removeImage: async () => {},
  })
}

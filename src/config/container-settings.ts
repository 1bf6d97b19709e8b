import { CONTAINER_IDS } from '../core/container-ids.ts'
import { setting } from './setting.ts'
import { containerIds, size, stopGrace } from './values.ts'

/** Those of containers. */
export const CONTAINER_SETTINGS = {
  'image-disk': setting({
    value: 'size',
    help: 'how much disk space the images of oci: may take; the least recently used are removed',
    schema: size,
    fallback: '20g',
  }),
  'container-ids': setting({
    value: 'id',
    help: "the first of the 65,536 ids that a root's oci: containers have on this machine, which no user may have; 0: no user namespace, and no strangers' jobs",
    schema: containerIds,
    fallback: String(CONTAINER_IDS.first),
  }),
  'stop-grace': setting({
    value: 'duration',
    help: 'how long a step may take to end after SIGTERM, when its job is cancelled or takes too long; at most 12s, 0s: it is killed at once',
    schema: stopGrace,
    fallback: '10s',
  }),
} as const

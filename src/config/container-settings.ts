import { setting } from './setting.ts'
import { containerIds, size } from './values.ts'

/** Those of containers without an engine. */
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
    fallback: '1879048192',
  }),
} as const

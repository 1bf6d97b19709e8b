import type { FifoStock } from '../../../../lib/pipes/fifo-stock.ts'
import { present } from '../../../../lib/present.ts'
import type { HeldImage } from '../../../images/held-image.ts'
import type { ContainerSpec } from '../../containers/container-spec.ts'
import {
  KEPT_BY_GAINING_STEPS,
  KEPT_IN_GAINING_BACKGROUND,
} from '../../containers/steps/launchers.ts'
import type { ContainerGroups } from '../cgroups/container-groups.ts'
import { processRlimits } from '../cgroups/missing-limits.ts'
import type { FoundRuntime } from '../runtime/find-runtime.ts'
import { type ContainerRights, dockerRights, strictRights } from '../spec/capabilities.ts'
import { checkFolder } from '../spec/check-folder.ts'
import { folderOf } from '../spec/container-process.ts'
import { containerUser } from '../spec/users/container-user.ts'
import { readAccountTexts } from '../spec/users/image-accounts.ts'
import { configure } from './configure.ts'
import type { ContainerFiles } from './container-files.ts'
import {
  enterNetwork,
  entersNetwork,
  type GetContainer,
  hasNewNetwork,
  namesFor,
} from './container-network.ts'
import { OciContainer } from './oci-container.ts'
import { treeOf } from './tree-of.ts'

export interface MakeParts {
  readonly id: string
  readonly found: FoundRuntime
  readonly groups: ContainerGroups
  readonly files: ContainerFiles
  /** Where the runtime keeps what it knows. */
  readonly stateRoot: string
  /** Where all overlays are mounted, each in a namespace of its own. */
  readonly root: string
  readonly fifos: FifoStock
  readonly get: GetContainer
  readonly isStranger: boolean
}

/** Makes the folder and the control groups of a container that is not started yet; the caller removes both. */
export async function makeContainer(
  spec: ContainerSpec,
  image: HeldImage,
  parts: MakeParts,
): Promise<OciContainer> {
  const { id, found, groups, files, stateRoot, root, fifos, get } = parts
  const { runtime, idMap, oomScore, enter, overlayOptions } = found
  const rlimits = [...found.rlimits, ...processRlimits(groups, found, spec.limits)]
  const texts = await readAccountTexts(image.layers)
  const user = containerUser(spec.user ?? image.config.user, texts)
  await checkFolder(image.layers, folderOf(image.config.workingFolder, spec.folder))
  const rights = rightsOf(spec, parts)
  const seccomp = await found.filters.for(rights)
  const names = namesFor(spec, get)
  const hasNetwork = !hasNewNetwork(spec)
  const isRoot = enter.length === 0
  const hasOwn = entersNetwork(spec, get)
  files.make({
    layers: image.layers,
    names,
    owner: idMap?.firstId ?? 0,
    ...(hasNetwork ? { sysfsOf: isRoot || hasOwn ? 'network' : 'machine' } : {}),
  })
  const place = { spec, image, files, root, runtime }
  const who = { user, rights, seccomp, rlimits, oomScore, idMap, hostname: names.hostname }
  const own = groups.canBeMadeBy(runtime) ? groups.relative(id) : undefined
  const tree = treeOf({ id, runtime, stateRoot })
  return new OciContainer({
    ...place,
    id,
    stateRoot,
    group: groups.make(id, spec.limits, tree),
    tree,
    // Nothing in it has to survive a crash of the machine.
    overlay: isRoot ? `volatile,${overlayOptions}` : overlayOptions,
    configure: () => ({
      enter: enterNetwork(spec, enter, get),
      config: configure({ ...place, ...who, ...present({ groups: own }), hasNetwork }),
    }),
    joins: isRoot ? ['--net'] : ['--user', ...(hasOwn ? ['--net'] : [])],
    takeFifos: async () => {
      const [stdout = '', stderr = ''] = await fifos.take(2)
      return { stdout, stderr }
    },
  })
}

/** Docker's for trusted jobs, with those by which a supervisor keeps apart from its steps. */
function rightsOf(spec: ContainerSpec, { found, isStranger }: MakeParts): ContainerRights {
  if (isStranger || !found.idMap) return strictRights(spec.capabilities)
  return dockerRights([KEPT_BY_GAINING_STEPS.name, KEPT_IN_GAINING_BACKGROUND.name])
}

import { NarwhalError } from '../../../../lib/errors.ts'
import type { HeldImage } from '../../../images/held-image.ts'
import type { ContainerSpec } from '../../containers/container-spec.ts'
import type { RuntimeProgram } from '../runtime/trial-container.ts'
import type { ContainerRights } from '../spec/capabilities.ts'
import { argsOf, envOf, folderOf } from '../spec/container-process.ts'
import type { IdMap } from '../spec/id-map.ts'
import type { OciRlimit, OciSpec } from '../spec/oci-json.ts'
import { ociSpec } from '../spec/oci-spec.ts'
import type { BindMount, ContainerNetwork, SeccompWay } from '../spec/oci-wanted.ts'
import type { ContainerUser } from '../spec/users/container-user.ts'
import type { ContainerFiles } from './container-files.ts'

/** What a container's configuration is made of. */
export interface ConfigureParts {
  readonly spec: ContainerSpec
  readonly image: HeldImage
  readonly user: ContainerUser
  readonly hostname: string
  readonly files: ContainerFiles
  /** Where its overlay is mounted. */
  readonly root: string
  readonly runtime: RuntimeProgram
  readonly idMap: IdMap | undefined
  readonly rights: ContainerRights
  readonly seccomp: SeccompWay
  readonly rlimits: readonly OciRlimit[]
  readonly oomScore: number
  /** Of the control groups, relative to those of this process; absent: the runtime is to make none. */
  readonly groups?: string
  readonly hasNetwork: boolean
}

/** The container's first process, if its own command is not: it reaps orphans, and ends with the command. */
const INIT = ['/bin/sh', '-c', '"$@"; exit $?', 'narwhal']

/** Throws `invalid` for what can't be started. */
export function configure(parts: ConfigureParts): OciSpec {
  const { spec, image, user, hostname, files, root, runtime, idMap, groups, hasNetwork } = parts
  const { rights, seccomp, rlimits, oomScore } = parts
  const args = argsOf(image.config, spec)
  if (args.length === 0) {
    const words = `image ${image.reference} says no command, and there is none for it in narwhal.yml`
    throw new NarwhalError('invalid', words)
  }
  const network: ContainerNetwork = hasNetwork
    ? { kind: 'joined', sysfs: files.sysfs }
    : { kind: 'new' }
  const keepsIds = idMap !== undefined && idMap.firstId !== 0 && mapsMounts(runtime)
  const { env, folder } = spec
  return ociSpec({
    root,
    args: spec.init ? [...INIT, ...args] : args,
    env: envOf({ image: image.config.env, own: env, hostname, home: user.home }),
    folder: folderOf(image.config.workingFolder, folder),
    user,
    rights,
    hostname,
    network,
    ...(idMap ? { idMap } : {}),
    ...(groups === undefined ? {} : { bounds: { limits: spec.limits, cgroup: groups } }),
    rlimits,
    oomScore,
    mounts: spec.mounts.map((mount): BindMount => ({ ...mount, keepsIds })),
    names: files.names,
    seccomp,
  })
}

/** Whether the runtime can show files with other owners than they have on disk: runc from 1.2 on, crun from 1.5. */
export function mapsMounts({ name }: RuntimeProgram): boolean {
  return name === 'crun'
}

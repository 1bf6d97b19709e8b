import { NarwhalError } from '../../../../lib/errors.ts'
import { present } from '../../../../lib/present.ts'
import { MASKED_PATHS, mountsOf, READ_ONLY_PATHS } from './file-systems.ts'
import { checkMapped, idMappings } from './id-map.ts'
import type { OciNamespace, OciSpec } from './oci-json.ts'
import type { ContainerNetwork, OciWanted, SeccompWay } from './oci-wanted.ts'
import { resourcesOf } from './resources.ts'

/** What crun 1.8 and runc 1.1 understand. */
const VERSION = '1.0.2'

/** For `create` and `run` of both runtimes: the kernel allows each user only 200 keyrings. */
export const RUN_FLAGS: readonly string[] = ['--no-new-keyring']

/** Base64 of a compiled filter; crun's own (crun.1). */
const COMPILED_FILTER = 'run.oci.seccomp_bpf_data'

/**
 * The configuration of a container in Docker's shape. Pure. Throws `invalid` for a user beyond the id map, for
 * privileges that can be gained without a user namespace of the container's own, and for a network that needs
 * a sysfs and has none.
 */
export function ociSpec(wanted: OciWanted): OciSpec {
  const { root, args, env, folder, user, rights, idMap, seccomp } = wanted
  if (idMap) checkMapped(user, idMap)
  checkNamespaces(wanted)
  const { capabilities, gainsPrivileges } = rights
  return {
    ociVersion: VERSION,
    process: {
      terminal: false,
      user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
      args,
      env,
      cwd: folder,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: wanted.rlimits,
      noNewPrivileges: !gainsPrivileges,
      ...present({ oomScoreAdj: wanted.oomScore }),
    },
    root: { path: root, readonly: false },
    hostname: wanted.hostname,
    mounts: mountsOf(wanted),
    ...annotationsOf(seccomp),
    linux: {
      namespaces: namespacesOf(wanted),
      ...(idMap ? { uidMappings: idMappings(idMap), gidMappings: idMappings(idMap) } : {}),
      ...boundsOf(wanted),
      ...present({ seccomp: seccomp.kind === 'profile' ? seccomp.profile : undefined }),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READ_ONLY_PATHS,
    },
  }
}

function checkNamespaces({ rights, idMap, network }: OciWanted): void {
  if (!idMap && rights.gainsPrivileges) {
    throw new NarwhalError('invalid', "a container without a user namespace can't gain privileges")
  }
  // crun would show the machine's own network interfaces and more, without a word; runc fails.
  if (idMap && network.kind !== 'new' && network.sysfs === undefined) {
    throw new NarwhalError('invalid', 'a user namespace in a given network needs the sysfs of that')
  }
}

function annotationsOf(seccomp: SeccompWay): Pick<OciSpec, 'annotations'> {
  if (seccomp.kind !== 'compiled') return {}
  return {
    annotations: { [COMPILED_FILTER]: Buffer.from(seccomp.program).toString('base64') },
  }
}

function namespacesOf({ network, idMap }: OciWanted): readonly OciNamespace[] {
  return [
    { type: 'pid' },
    { type: 'mount' },
    { type: 'ipc' },
    { type: 'uts' },
    { type: 'cgroup' },
    ...networkNamespace(network),
    ...(idMap ? [{ type: 'user' } as const] : []),
  ]
}

function networkNamespace(network: ContainerNetwork): readonly OciNamespace[] {
  switch (network.kind) {
    case 'new':
      return [{ type: 'network' }]
    case 'path':
      return [{ type: 'network', path: network.path }]
    case 'joined':
      return []
  }
}

/** An empty limit is an error for some runtimes where there are no control groups: then nothing is said. */
function boundsOf({ bounds }: OciWanted): Pick<OciSpec['linux'], 'cgroupsPath' | 'resources'> {
  if (!bounds) return {}
  return { cgroupsPath: bounds.cgroup, resources: resourcesOf(bounds.limits) }
}

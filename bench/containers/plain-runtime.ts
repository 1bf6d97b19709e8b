import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { PROGRAM_ENV } from '../../src/lib/programs/machine-programs.ts'
import { FSTAB, fstab, launchCommand } from '../../src/runner/executor/oci/launch/launch-script.ts'
import type { FoundRuntime } from '../../src/runner/executor/oci/runtime/find-runtime.ts'
import { publicFolder } from '../../src/runner/executor/oci/runtime/public-folder.ts'
import { dockerRights, strictRights } from '../../src/runner/executor/oci/spec/capabilities.ts'
import { ociSpec, RUN_FLAGS } from '../../src/runner/executor/oci/spec/oci-spec.ts'
import { containerUser } from '../../src/runner/executor/oci/spec/users/container-user.ts'
import type { HeldImage } from '../../src/runner/images/held-image.ts'
import { type Way, wayOf } from './way.ts'

const run = promisify(execFile)

/**
 * A runtime over an overlay of the image's layers, called for each container without Narwhal: with the same
 * configuration but for limits, and no network.
 */
export async function plainRuntime(
  found: FoundRuntime,
  { image, folder, command }: { image: HeldImage; folder: string; command: readonly string[] },
): Promise<Way> {
  const { runtime, idMap, rlimits, overlayOptions, enter } = found
  const rights = idMap ? dockerRights() : strictRights()
  const seccomp = await found.filters.for(rights)
  return wayOf(`plain ${runtime.name}, overlay`, async () => {
    const own = await mkdtemp(join(folder, 'plain-'))
    for (const name of ['upper', 'work', 'state']) await mkdir(join(own, name))
    // The root of the container's user namespace is another user.
    const owner = idMap?.firstId ?? 0
    await chown(join(own, 'upper'), owner, owner)
    await Promise.all(image.layers.map((layer, at) => symlink(layer, join(own, `l${at}`))))
    const spec = ociSpec({
      root: publicFolder(),
      args: command,
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      folder: '/',
      user: containerUser('', {}),
      rights,
      hostname: 'plain',
      network: { kind: 'new' },
      ...(idMap ? { idMap } : {}),
      rlimits,
      mounts: [],
      seccomp,
    })
    await writeFile(join(own, 'config.json'), JSON.stringify(spec))
    const layers = image.layers.length
    const mounts = fstab({ root: publicFolder(), layers, options: overlayOptions })
    await writeFile(join(own, FSTAB), mounts)
    const flags = ['--root', join(own, 'state'), 'run', ...RUN_FLAGS, '--bundle', own]
    const [program, ...args] = launchCommand({
      enter,
      folder: own,
      doors: [],
      command: [runtime.path, ...flags, basename(own)],
    })
    await run(program, args, { env: PROGRAM_ENV })
    await rm(own, { recursive: true })
  })
}
